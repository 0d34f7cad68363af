"""Commands and replies: one person: found, told and explained."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from sojourn.model.lifecycle import Status


class PersonKey(Struct, frozen=True, kw_only=True):
    """One name of a person. An email address or a phone number given as a hwid is one of its own kind."""

    value: str
    by: Literal["anonymous_id", "email", "hwid", "phone", "user_id"] = "user_id"


class FindPeople(Struct, frozen=True, kw_only=True):
    """People whose user id begins with `search`, by user id; or whoever has the name given. Reply: `FoundPeople`.

    Attributes:
        after: The user id behind which to go on.
        limit: At most so many.
    """

    search: str = ""
    key: PersonKey | None = None
    after: str = ""
    limit: int = 50


class FoundPerson(Struct, frozen=True, kw_only=True):
    """A person in a list. `user_id` is None for somebody who has none."""

    user_id: str | None
    attributes: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


class FoundPeople(Struct, frozen=True, kw_only=True):
    """One page; `next_after` is None on the last."""

    items: tuple[FoundPerson, ...]
    next_after: str | None


class GetPerson(Struct, frozen=True, kw_only=True):
    """Reply: `PersonView`. Raises: PersonNotFound."""

    person: PersonKey


class KnownName(Struct, frozen=True, kw_only=True):
    """A name that a person goes by."""

    kind: str
    value: str
    since: datetime


class KnownDevice(Struct, frozen=True, kw_only=True):
    """A way to reach a person. `details` is what a device says of itself."""

    application_code: str
    hwid: str
    channel: str
    platform: str
    has_push_token: bool
    language: str | None
    is_subscribed: bool
    details: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


class PersonView(Struct, frozen=True, kw_only=True):
    """Everything that is known of a person now.

    Attributes:
        changed_at: When attributes last changed, as far as that is kept.
        is_waiting: Something accepted about them waits for the next tick.
    """

    user_id: str | None
    attributes: Mapping[str, Any]
    changed_at: Mapping[str, datetime]
    names: tuple[KnownName, ...]
    devices: tuple[KnownDevice, ...]
    location: Mapping[str, Any] | None
    time_zone: str | None
    language: str | None
    applications: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    is_waiting: bool


EntryKind = Literal["attributes", "departure", "enrollment", "event", "message", "passage"]


class GetTimeline(Struct, frozen=True, kw_only=True):
    """What happened to a person, newest first. Reply: `Timeline`. Raises: PersonNotFound.

    Attributes:
        kinds: Only these; all, if empty.
        before: The `next_before` of the page before.
    """

    person: PersonKey
    from_: datetime | None = None
    to: datetime | None = None
    kinds: tuple[EntryKind, ...] = ()
    limit: int = 50
    before: str = ""


class JourneyRef(Struct, frozen=True, kw_only=True):
    """Which journey."""

    journey: UUID
    title: str


class PointRef(Struct, frozen=True, kw_only=True):
    """Which point."""

    point: str
    title: str
    kind: str


class Condition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition of a segment, held against a person.

    Attributes:
        text: In the segmentation language.
        met: Whether the person met it, whatever the segment makes of that.
        value: What the person has that it is about, as in `Explained`; None where there is nothing, unset where
            there is nothing to be seen.
        segment: The code of the stored segment that it stands in, if it is named and not written out.
    """

    text: str
    met: bool
    value: Any | UnsetType = UNSET
    segment: str | None = None


class AskedBranch(Struct, frozen=True, kw_only=True):
    """A branch of a condition with branches.

    Attributes:
        expression: In the segmentation language.
        met: Whether the person met it; None where the values are not kept any more.
    """

    output: str
    label: str
    expression: str
    met: bool | None
    conditions: tuple[Condition, ...] = ()


class AskedGoal(Struct, frozen=True, kw_only=True):
    """A goal that a check asked for; `reached_at` is None where it had not been reached."""

    name: str
    reached_at: datetime | None


class Decision(Struct, frozen=True, kw_only=True):
    """Why somebody left a point by an output: what it asked, and the values that it saw.

    Attributes:
        expression: Of a condition, in the segmentation language; empty elsewhere.
        branches: Of a condition with branches, those that were asked, up to the first that was met.
        goals: Of a goal check. Where the goal is about an attribute, that is the condition, and suffices, too.
        implied: The output that follows from the values; None where they are not kept any more.
        draw: Of a random splitter: 0 to 99.99, held against the running sum of the percentages.
    """

    expression: str = ""
    conditions: tuple[Condition, ...] = ()
    branches: tuple[AskedBranch, ...] = ()
    goals: tuple[AskedGoal, ...] = ()
    implied: str | None = None
    draw: float | None = None


class PassedPoint(Struct, frozen=True, kw_only=True):
    """A point that somebody came to in one walk; `output` is None where the walk ended there."""

    point: PointRef
    output: str | None
    decision: Decision | None = None


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """Something that happened to a person.

    Attributes:
        at: When the engine did it, or when an event was received.
        detail: What else there is to say, by kind; see docs/history.md.
        path: Of a passage.
    """

    at: datetime
    kind: EntryKind
    journey: JourneyRef | None = None
    point: PointRef | None = None
    enrollment: int | None = None
    detail: Mapping[str, Any] = {}
    path: tuple[PassedPoint, ...] = ()


class Timeline(Struct, frozen=True, kw_only=True):
    """One page of what happened to a person; `next_before` is None on the last."""

    items: tuple[TimelineEntry, ...]
    next_before: str | None


class ExplainPresence(Struct, frozen=True, kw_only=True):
    """Say why a person is in a journey, or why not. Reply: `Presence`. Raises: JourneyNotFound, PersonNotFound."""

    person: PersonKey
    journey: UUID


class Staying(Struct, frozen=True, kw_only=True):
    """Where somebody is.

    Attributes:
        until: When they go on at the latest, unless the journey is held.
        waiting_for: In words.
    """

    enrollment: int
    point: PointRef
    since: datetime
    until: datetime
    waiting_for: str
    entry_key: str


class EntryReason(Struct, frozen=True, kw_only=True):
    """Why somebody has not come in at an entry, or what they would have to do.

    Attributes:
        code: Stable, such as `entry.not_in_segment`.
    """

    point: PointRef | None
    code: str
    text: str
    conditions: tuple[Condition, ...] = ()


class Presence(Struct, frozen=True, kw_only=True):
    """Why a person is in a journey, or why not.

    Attributes:
        entered: How often they came in.
        inside: Where they are; empty for somebody who is not inside.
        reasons: What keeps them out, or from going on.
        left: How they left the last time.
    """

    journey: JourneyRef
    status: Status
    entered: int
    entered_at: datetime | None
    inside: tuple[Staying, ...]
    reasons: tuple[EntryReason, ...]
    left: TimelineEntry | None
    is_waiting: bool
