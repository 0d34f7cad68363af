"""The segmentation language: text to segment and back. docs/segments.md describes it."""

from sojourn.seglang.errors import SeglangError
from sojourn.seglang.parser import located, parse
from sojourn.seglang.printer import render

__all__ = ["SeglangError", "located", "parse", "render"]
