"""Commands and replies: segments, and the questions they answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from sojourn.model.problems import Problem


class CreateSegment(Struct, frozen=True, kw_only=True):
    """Store a named segment, in exactly one of its spellings. Reply: `Segment`."""

    title: str
    source: str = ""
    rule_tree: Mapping[str, Any] | None = None
    code: str = ""
    application_code: str | None = None
    description: str = ""


class GetSegment(Struct, frozen=True, kw_only=True):
    """Reply: `Segment`."""

    code: str


class UpdateSegment(Struct, frozen=True, kw_only=True):
    """Give a segment another title and meaning, also where journeys run by it. Reply: `Segment`.

    Attributes:
        title: None: it stays as it is; the description, too.
        source: None: the meaning stays as it is, unless a rule tree is given; that of a fixed list always does.
    """

    code: str
    title: str | None = None
    description: str | None = None
    source: str | None = None
    rule_tree: Mapping[str, Any] | None = None


class DeleteSegment(Struct, frozen=True, kw_only=True):
    """Delete a segment that nothing uses. Reply: `Done`."""

    code: str


class CountSegment(Struct, frozen=True, kw_only=True):
    """Count the people in a stored segment, or in one that is only typed: exactly one of both. Reply: `People`."""

    code: str = ""
    source: str = ""


class PreviewSegment(Struct, frozen=True, kw_only=True):
    """Count the people in a segment, and show some, with these attributes. Reply: `People`.

    Exactly one of `code`, `source` and `rule_tree` says which segment. Without a rule tree, as for `CountSegment`.
    """

    code: str = ""
    source: str = ""
    rule_tree: Mapping[str, Any] | None = None
    sample: int = 10
    attributes: tuple[str, ...] = ()


class SampledPerson(Struct, frozen=True, kw_only=True):
    """Somebody in a segment. `attributes` has those that were asked for and that they have."""

    profile: int
    user_id: str | None
    attributes: Mapping[str, Any]


class People(Struct, frozen=True, kw_only=True):
    """How many people there are, and some of them."""

    count: int
    sample: tuple[SampledPerson, ...] = ()


class ExplainSegment(Struct, frozen=True, kw_only=True):
    """Ask why a person, named in one way, is in a segment or not. Reply: `Explained`."""

    code: str = ""
    source: str = ""
    user_id: str = ""
    hwid: str = ""


class Explained(Struct, frozen=True, kw_only=True):
    """Whether a person meets a part of a segment.

    Attributes:
        kind: `condition` has no parts; `segment` has one, which is the stored segment.
        text: In the segmentation language, of conditions and segments.
        value: What the person has that the condition is about; None where there is nothing.
    """

    kind: Literal["all", "any", "not", "segment", "condition"]
    is_met: bool
    text: str = ""
    value: Any = None
    parts: tuple["Explained", ...] = ()


class GetAudience(Struct, frozen=True, kw_only=True):
    """Reply: `Segment`. Raises: SegmentNotFound."""

    audience: UUID


class ListAudiences(Struct, frozen=True, kw_only=True):
    """Segments with `search` in the title, newest first. Reply: `AudienceList`."""

    search: str = ""
    limit: int = 20
    offset: int = 0


class AudienceList(Struct, frozen=True, kw_only=True):
    """A part of the segments of a workspace."""

    items: tuple["Segment", ...]
    total: int


class ListSegments(Struct, frozen=True, kw_only=True):
    """Reply: `SegmentList`."""

    application_code: str | None = None


class Segment(Struct, frozen=True, kw_only=True):
    """A stored segment.

    Attributes:
        audience: Its name as an audience.
        rule_tree: Of one that was written as such.
        is_list: Whether it is a fixed list.
        members: How many people are on the list; None where nobody counted.
        warnings: For whoever made or changed it: it may not find whom it seems to.
    """

    code: str
    title: str
    source: str
    application_code: str | None
    created_at: datetime
    updated_at: datetime
    audience: UUID
    description: str = ""
    rule_tree: Mapping[str, Any] | None = None
    is_list: bool = False
    members: int | None = None
    warnings: tuple[Problem, ...] = ()


class SegmentList(Struct, frozen=True, kw_only=True):
    """All segments of a workspace, by title."""

    items: tuple[Segment, ...]
