"""The syntax tree of segments as JSON: document to segment and back. docs/segments.md describes it."""

from sojourn.astjson.reader import JsonSegmentRefused, parse, render

__all__ = ["JsonSegmentRefused", "parse", "render"]
