"""What a graph may refer to."""

from dataclasses import dataclass

from sojourn.compiler.segments import SegmentScope


@dataclass(frozen=True, slots=True)
class CheckScope:
    """What a graph may name; `presets` is None where they are not known."""

    segments: SegmentScope
    presets: frozenset[str] | None
    zones: frozenset[str]
