"""Rule trees: JSON of groups and rules to segment and back. docs/segments.md describes them."""

from sojourn.ruletree.errors import RuleTreeRefused, RuleTreeUnsayable
from sojourn.ruletree.parser import parse
from sojourn.ruletree.printer import render

__all__ = ["RuleTreeRefused", "RuleTreeUnsayable", "parse", "render"]
