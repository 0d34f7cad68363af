"""Commands and replies: the one list of what Sojourn can be asked to do.

Dialects decode into these and encode from these; nothing here knows HTTP, SQL or a wire name. A `Caller` says in whose
workspace a command runs; it is made in one place, where the token is checked.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from sojourn.model.graph import Graph
from sojourn.model.hooks import Rule, Verification
from sojourn.model.lifecycle import Command as LifecycleCommand
from sojourn.model.lifecycle import Status
from sojourn.model.problems import Problem


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, and where.

    Attributes:
        rights: `api` may do everything in the workspace, `device` only what a device does, `write` only track.
        app_id: Of a write key: the app that people are tracked in.
    """

    workspace_id: int
    rights: Literal["api", "device", "write"] = "api"
    name: str = ""
    app_id: int | None = None


# Journeys ---------------------------------------------------------------------------------------------------


class Comment(Struct, frozen=True, kw_only=True):
    """A note on the canvas."""

    uuid: str
    text: str
    x: float = 0
    y: float = 0
    author: str = ""
    created_at: datetime | None = None


class Place(Struct, frozen=True):
    """Where a point is drawn."""

    x: float = 0
    y: float = 0


class JourneyDraft(Struct, frozen=True, kw_only=True):
    """What an operator writes: the graph and what is drawn around it."""

    title: str
    description: str = ""
    graph: Graph
    layout: Mapping[str, Place] = {}
    comments: tuple[Comment, ...] = ()
    category_uuid: UUID | None = None


class CreateJourney(Struct, frozen=True, kw_only=True):
    """Make a draft. Reply: `Journey`."""

    draft: JourneyDraft


class UpdateJourney(Struct, frozen=True, kw_only=True):
    """Replace a definition. A running journey gets a new version; its graph must have no problems. Reply: `Journey`."""

    journey: UUID
    draft: JourneyDraft


class GetJourney(Struct, frozen=True, kw_only=True):
    """Reply: `Journey`."""

    journey: UUID


class ListJourneys(Struct, frozen=True, kw_only=True):
    """Newest first. Reply: `JourneyList`."""

    page: int = 1
    page_size: int = 20
    status: Status | None = None
    application_code: str | None = None
    search: str = ""


class DeleteJourney(Struct, frozen=True, kw_only=True):
    """Delete a draft that never ran. Reply: `Done`."""

    journey: UUID


class ValidateJourney(Struct, frozen=True, kw_only=True):
    """Reply: `Verdict`. Nothing is stored."""

    draft: JourneyDraft


class ChangeStatus(Struct, frozen=True, kw_only=True):
    """Start, pause, finish, draft or archive. Reply: `Journey`."""

    journey: UUID
    command: LifecycleCommand


class Journey(Struct, frozen=True, kw_only=True):
    """A journey as it is now."""

    journey: UUID
    title: str
    description: str
    status: Status
    version: int
    graph: Graph
    layout: Mapping[str, Place]
    comments: tuple[Comment, ...]
    category_uuid: UUID | None
    created_at: datetime
    updated_at: datetime
    first_started_at: datetime | None
    stop_reason: str
    last_edited_by: str


class JourneyList(Struct, frozen=True, kw_only=True):
    """One page of journeys."""

    items: tuple[Journey, ...]
    page: int
    page_size: int
    total: int


class Verdict(Struct, frozen=True, kw_only=True):
    """What is wrong with a document."""

    problems: tuple[Problem, ...]


class Done(Struct, frozen=True, kw_only=True):
    """Nothing more to say."""


# People in and out of journeys ------------------------------------------------------------------------------


class EnrollByApi(Struct, frozen=True, kw_only=True):
    """Send people to the API entry of a running journey. Exactly one of the three selectors. Reply: `EntryAccepted`.

    Raises (in this order): BadSelector, JourneyNotFound, JourneyNotRunning, NoApiEntry, SeveralApiEntries,
    EntryDeactivated, UnknownAttribute, InvalidFilter, TooManyRequests.
    """

    journey: str
    users: tuple[str, ...] = ()
    hwids: tuple[str, ...] = ()
    filter: str = ""
    attribute_values: Mapping[str, str] = {}
    idempotency_key: str = ""


class EntryAccepted(Struct, frozen=True, kw_only=True):
    """The durable promise to enroll."""

    request_uuid: UUID


class GetEntryRequest(Struct, frozen=True, kw_only=True):
    """Reply: `EntryOutcome`."""

    journey: str
    request_uuid: UUID


class EntryOutcome(Struct, frozen=True, kw_only=True):
    """What became of a request to enroll.

    Attributes:
        accepted: People named; None while a filter has not been evaluated everywhere.
        refused: Count per reason.
    """

    request_uuid: UUID
    accepted: int | None
    entered: int
    refused: Mapping[str, int]


class DropPeople(Struct, frozen=True, kw_only=True):
    """Take people out of the journeys named, or of all of the workspace. Reply: `Done`."""

    user_ids: tuple[str, ...]
    journeys: tuple[str, ...] = ()
    all_journeys: bool = False


class ChooseWinner(Struct, frozen=True, kw_only=True):
    """Send everybody who comes to a random splitter later by `output`; empty: let them draw again. Reply: `Done`."""

    journey: str
    point: str
    output: str = ""


# Reports ----------------------------------------------------------------------------------------------------


class GetStatistics(Struct, frozen=True, kw_only=True):
    """Reply: `Statistics`."""

    journey: str
    from_: datetime | None = None
    to: datetime | None = None
    interval: Literal["", "hour", "day"] = ""


class Converted(Struct, frozen=True, kw_only=True):
    """How many of some people reached a goal.

    Attributes:
        people: Enrollments that could have.
        rate: Percentage that did; 0 of nobody.
        value: What their conversions are worth, in all.
    """

    people: int
    conversions: int
    rate: float
    value: float


class GoalNumbers(Struct, frozen=True, kw_only=True):
    """What a journey did for one of its goals.

    Attributes:
        treated: Those who went through the journey.
        control: Those who were only watched; None where the journey has no control group.
        uplift: By how many percent the rate of the treated is above that of the control group; None where that is 0.
        p_value: The probability of so large a difference where there is none.
    """

    name: str
    treated: Converted
    control: Converted | None
    uplift: float | None
    p_value: float | None


class BranchNumbers(Struct, frozen=True, kw_only=True):
    """How many drew an output of a random splitter, and how many of those reached its goal."""

    output: str
    people: int
    conversions: int
    rate: float


class Contest(Struct, frozen=True, kw_only=True):
    """How the branches of a random splitter fare.

    Attributes:
        branches: As they are now.
        winner: The output that everybody takes who comes later; None while people draw.
        is_automatic: The winner was found by numbers, not named by an operator.
        p_value: The largest of the comparisons with the others, when the winner was found.
    """

    branches: tuple[BranchNumbers, ...]
    winner: str | None = None
    decided_at: datetime | None = None
    is_automatic: bool = False
    p_value: float | None = None


class PointNumbers(Struct, frozen=True, kw_only=True):
    """Counts of one point.

    Attributes:
        left: Per output.
        dropped: Per reason.
        messages: Per outcome (sent, failed, skipped, opened, clicked, …).
        goals: Conversions of people who came in here, the control group left out.
        goal_exits: People who left the journey from here since they reached a goal.
        control: People of the control group who came in here, and left at once.
        contest: Of a random splitter that may get a winner.
        series: With an interval: (start of it, entered, left in all).
    """

    point: str
    title: str
    kind: str
    entered: int
    inside: int
    left: Mapping[str, int]
    dropped: Mapping[str, int]
    stopped: int
    completed: int
    goals: int
    messages: Mapping[str, int]
    goal_exits: int = 0
    control: int = 0
    contest: Contest | None = None
    series: tuple[tuple[datetime, int, int], ...] = ()


class Statistics(Struct, frozen=True, kw_only=True):
    """The numbers of a journey. entered = inside + departed."""

    journey: UUID
    title: str
    entered: int
    inside: int
    departed: Mapping[str, int]
    points: tuple[PointNumbers, ...]
    goals: tuple[GoalNumbers, ...] = ()


# People and events ------------------------------------------------------------------------------------------


class Subject(Struct, frozen=True, kw_only=True):
    """The person that a piece of data is about: by user id, hwid (an email address or phone number is one), or both."""

    user_id: str = ""
    hwid: str = ""


class RegisterDevice(Struct, frozen=True, kw_only=True):
    """Make a device or address known, and whose it is. Reply: `Done`."""

    application_code: str
    subject: Subject
    device_type: int
    push_token: str = ""
    language: str = ""
    time_zone_offset: int | None = None
    time_zone: str = ""
    attributes: Mapping[str, Any] = {}


class RegisterUser(Struct, frozen=True, kw_only=True):
    """Say which user a device belongs to. Reply: `Done`."""

    application_code: str
    subject: Subject
    time_zone_offset: int | None = None


class RegisterEmail(Struct, frozen=True, kw_only=True):
    """Make an email address known, and whose it is. Reply: `Done`."""

    application_code: str
    email: str
    user_id: str = ""
    attributes: Mapping[str, Any] = {}
    language: str = ""
    time_zone_offset: int | None = None


class AttributeOperation(Struct, frozen=True):
    """One change of one attribute, in the operations of `apply_operations_v1`."""

    op: Literal["set", "append", "remove", "increment", "unset"]
    tag: str
    value: Any = None


class SetAttributes(Struct, frozen=True, kw_only=True):
    """Change attributes of a person. Reply: `Done`."""

    application_code: str
    subject: Subject
    operations: tuple[AttributeOperation, ...]


class BulkItem(Struct, frozen=True, kw_only=True):
    """One person and what changes about them. A push token stands for the device that has it, and so for its hwid."""

    subject: Subject
    operations: tuple[AttributeOperation, ...]
    push_token: str = ""


class SetAttributesInBulk(Struct, frozen=True, kw_only=True):
    """Change attributes of many people. What can be done is durable when answered. Reply: `BulkAccepted`."""

    application_code: str
    items: tuple[BulkItem, ...]


class BulkAccepted(Struct, frozen=True, kw_only=True):
    """The durable promise to do what was asked of most people."""

    request_uuid: UUID


class GetBulkRequest(Struct, frozen=True, kw_only=True):
    """Reply: `BulkOutcome`."""

    request_uuid: UUID


class BulkOutcome(Struct, frozen=True, kw_only=True):
    """What became of a request about many people.

    Attributes:
        is_waiting: Ticks have not applied all of it.
        refused: By place in the request, from 0: why it was refused.
    """

    request_uuid: UUID
    items: int
    is_waiting: bool
    refused: Mapping[int, tuple[Problem, ...]]


class GetAttributes(Struct, frozen=True, kw_only=True):
    """Ask for the attributes of a person, as far as they have been applied. Reply: `Attributes`."""

    application_code: str
    subject: Subject


class Attributes(Struct, frozen=True, kw_only=True):
    """The attributes of a person."""

    values: Mapping[str, Any]


class OpenApplication(Struct, frozen=True, kw_only=True):
    """Say that an app was opened on a device. Durable when answered. Reply: `Done`."""

    application_code: str
    subject: Subject


class ReportMessage(Struct, frozen=True, kw_only=True):
    """Say what became of a message on a device. Durable when answered. Reply: `Done`.

    Attributes:
        message_hash: What came with the message to tell it by; see `Reactions.report`.
    """

    application_code: str
    message_hash: str
    reaction: Literal["delivered", "opened"]


class PostEvent(Struct, frozen=True, kw_only=True):
    """Something a person did. Durable when answered. Reply: `Done`."""

    application_code: str
    subject: Subject
    name: str
    attributes: Mapping[str, Any] = {}
    occurred_at: datetime | None = None
    source_id: str = ""


EventAttributeType = Literal["boolean", "date", "integer", "list", "number", "string"]


class DefinedAttribute(Struct, frozen=True):
    """An attribute that an event comes with."""

    name: str
    type: EventAttributeType


class DefineEvent(Struct, frozen=True, kw_only=True):
    """Announce an event, so that it can be suggested. Reply: `EventDefinition`."""

    application_code: str
    name: str
    description: str = ""
    attributes: tuple[DefinedAttribute, ...] = ()


class ListEventDefinitions(Struct, frozen=True, kw_only=True):
    """Reply: `EventDefinitionList`."""

    application_code: str | None = None


class EventDefinition(Struct, frozen=True, kw_only=True):
    """An event that was announced."""

    number: int
    application_code: str
    name: str
    description: str
    attributes: tuple[DefinedAttribute, ...]
    created_at: datetime


class EventDefinitionList(Struct, frozen=True, kw_only=True):
    """Events by name."""

    items: tuple[EventDefinition, ...]


PresetChannel = Literal["email", "in_app", "line", "push", "sms", "whatsapp"]


class CreatePreset(Struct, frozen=True, kw_only=True):
    """Store the content of a message under a code. Reply: `Preset`.

    Attributes:
        content: For an email `subject`, `html` and `text`; for a push message at least `message`.
    """

    application_code: str
    title: str
    channel: PresetChannel
    content: Mapping[str, Any]
    code: str = ""


class GetPreset(Struct, frozen=True, kw_only=True):
    """Reply: `Preset`."""

    code: str


class ListPresets(Struct, frozen=True, kw_only=True):
    """Reply: `PresetList`."""

    application_code: str | None = None


class DeletePreset(Struct, frozen=True, kw_only=True):
    """Delete a preset that no journey uses. Reply: `Done`."""

    code: str


class Preset(Struct, frozen=True, kw_only=True):
    """Stored content of messages."""

    code: str
    application_code: str
    title: str
    channel: PresetChannel
    content: Mapping[str, Any]
    created_at: datetime


class PresetList(Struct, frozen=True, kw_only=True):
    """Presets by title."""

    items: tuple[Preset, ...]


class Alias(Struct, frozen=True, kw_only=True):
    """Say that a previous id, of a user or of an anonymous visitor, means the person of a user id. Reply: `Done`.

    Both become one person, also where both are users; the person of `user_id` knows better.
    """

    application_code: str
    previous_id: str
    user_id: str


class DeletePerson(Struct, frozen=True, kw_only=True):
    """Delete a person with all their data; named in exactly one way, `profile` being their number. Reply: `Removed`.

    A hwid that is an email address or a phone number is one of its own kind.
    """

    user_id: str = ""
    hwid: str = ""
    email: str = ""
    anonymous_id: str = ""
    profile: int | None = None


class DeleteDevice(Struct, frozen=True, kw_only=True):
    """Delete a device or address from an app, or from all without a code. Reply: `Removed`.

    Everything else that its person has stays, unless nothing else names them: then they are deleted.
    """

    hwid: str
    application_code: str = ""


class UnregisterDevice(Struct, frozen=True, kw_only=True):
    """Send nothing to a device any more, until it is registered again. Reply: `Done`."""

    application_code: str
    hwid: str


class Removed(Struct, frozen=True, kw_only=True):
    """How many rows were deleted, by table; those without any are left out."""

    removed: Mapping[str, int]


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a tracked call says about the person by the way. Values that make no sense have been left out.

    Attributes:
        location: Of `latitude`, `longitude`, `country`, `region`, `city` what is known.
        device_id: With `push_token` and `device_type`: a device that can be reached.
    """

    language: str = ""
    time_zone: str = ""
    location: Mapping[str, str | float] = {}
    device_id: str = ""
    device_type: int = 0
    push_token: str = ""


class Call(Struct, frozen=True, kw_only=True):
    """One call of the tracking API.

    Attributes:
        kind: `event` is something that a person did, whatever the client called it.
        attributes: Of an event its own, of the others the traits.
        previous_id: Of an alias: the id that the person had before.
        timestamp: When it happened, by the clock that showed `sent_at` when it was sent.
        source_id: Its own id; the same one again is not applied again.
    """

    kind: Literal["alias", "event", "group", "identify"]
    user_id: str = ""
    anonymous_id: str = ""
    previous_id: str = ""
    group_id: str = ""
    name: str = ""
    attributes: Mapping[str, Any] = {}
    surroundings: Surroundings | None = None
    timestamp: datetime | None = None
    sent_at: datetime | None = None
    source_id: str = ""


class WebhookDraft(Struct, frozen=True, kw_only=True):
    """What an operator writes of an inbound webhook. An empty secret: the one there is, or else a new one."""

    application_code: str
    title: str
    rule: Rule
    verification: Verification = Verification()
    secret: str = ""

    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"WebhookDraft(title={self.title!r})"


class CreateWebhook(Struct, frozen=True, kw_only=True):
    """Set up an inbound webhook. Reply: `Webhook`."""

    draft: WebhookDraft


class UpdateWebhook(Struct, frozen=True, kw_only=True):
    """Replace an inbound webhook's definition. Reply: `Webhook`."""

    public_id: str
    draft: WebhookDraft


class GetWebhook(Struct, frozen=True, kw_only=True):
    """Reply: `Webhook`."""

    public_id: str


class ListWebhooks(Struct, frozen=True, kw_only=True):
    """Reply: `WebhookList`."""


class DeleteWebhook(Struct, frozen=True, kw_only=True):
    """Delete an inbound webhook: what is posted to it from now on is refused. Reply: `Done`."""

    public_id: str


class TryWebhook(Struct, frozen=True, kw_only=True):
    """Ask what a payload would become. Nothing is stored. Reply: `model.hooks.Reading`."""

    public_id: str
    payload: Any


class Webhook(Struct, frozen=True, kw_only=True):
    """An inbound webhook.

    Attributes:
        new_secret: The secret, if it was made just now; it cannot be had again.
    """

    public_id: str
    application_code: str
    title: str
    rule: Rule
    verification: Verification
    has_secret: bool
    new_secret: str | None
    created_at: datetime
    updated_at: datetime


class WebhookList(Struct, frozen=True, kw_only=True):
    """All inbound webhooks of a workspace, oldest first."""

    items: tuple[Webhook, ...]


class TrackCalls(Struct, frozen=True, kw_only=True):
    """Accept calls of the tracking API in their order: all of them, or none. Durable when answered. Reply: `Done`."""

    calls: tuple[Call, ...]


class CreateSegment(Struct, frozen=True, kw_only=True):
    """Store a named segment. Reply: `Segment`."""

    title: str
    source: str
    code: str = ""
    application_code: str | None = None


class GetSegment(Struct, frozen=True, kw_only=True):
    """Reply: `Segment`."""

    code: str


class UpdateSegment(Struct, frozen=True, kw_only=True):
    """Give a segment another title and meaning, also where journeys run by it. Reply: `Segment`."""

    code: str
    title: str
    source: str


class DeleteSegment(Struct, frozen=True, kw_only=True):
    """Delete a segment that nothing uses. Reply: `Done`."""

    code: str


class CountSegment(Struct, frozen=True, kw_only=True):
    """Count the people in a stored segment, or in one that is only typed: exactly one of both. Reply: `People`."""

    code: str = ""
    source: str = ""


class PreviewSegment(Struct, frozen=True, kw_only=True):
    """Count the people in a segment, and show some, with these attributes. Reply: `People`."""

    code: str = ""
    source: str = ""
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


class ListSegments(Struct, frozen=True, kw_only=True):
    """Reply: `SegmentList`."""

    application_code: str | None = None


class Segment(Struct, frozen=True, kw_only=True):
    """A stored segment."""

    code: str
    title: str
    source: str
    application_code: str | None
    created_at: datetime


class SegmentList(Struct, frozen=True, kw_only=True):
    """All segments of a workspace, by title."""

    items: tuple[Segment, ...]


# One person --------------------------------------------------------------------------------------------------


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
    """A way to reach a person."""

    application_code: str
    hwid: str
    channel: str
    platform: str
    has_push_token: bool
    language: str | None
    is_subscribed: bool
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
        value: Of the attribute that it asks for; None where there was none; unset where it asks for something else.
        segment: The code of the stored segment that it stands in, if it is named and not written out.
    """

    text: str
    met: bool
    value: Any | UnsetType = UNSET
    segment: str | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """Why somebody left a point by an output: what it asked, and the values that it saw.

    Attributes:
        expression: Of a condition, in the segmentation language; empty elsewhere.
        implied: The output that follows from the values; None where they are not kept any more.
        draw: Of a random splitter: 0 to 99.99, held against the running sum of the percentages.
    """

    expression: str = ""
    conditions: tuple[Condition, ...] = ()
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


# Apps and retention -------------------------------------------------------------------------------------------


class ListApps(Struct, frozen=True, kw_only=True):
    """Reply: `AppList`."""


class SetEventRetention(Struct, frozen=True, kw_only=True):
    """Say how long an app's events are kept; None: for ever. Reply: `AppView`. Raises: AppNotFound, InvalidDocument."""

    application_code: str
    days: int | None


class AppView(Struct, frozen=True, kw_only=True):
    """An app."""

    application_code: str
    site_id: UUID
    title: str
    event_retention_days: int | None
    created_at: datetime


class AppList(Struct, frozen=True, kw_only=True):
    """The apps of a workspace, oldest first."""

    items: tuple[AppView, ...]


COMMANDS: tuple[type, ...] = (
    Alias,
    ChangeStatus,
    ChooseWinner,
    CountSegment,
    CreateJourney,
    CreatePreset,
    CreateSegment,
    CreateWebhook,
    DefineEvent,
    DeleteDevice,
    DeleteJourney,
    DeletePerson,
    DeletePreset,
    DeleteSegment,
    DeleteWebhook,
    DropPeople,
    EnrollByApi,
    ExplainPresence,
    ExplainSegment,
    FindPeople,
    GetAttributes,
    GetBulkRequest,
    GetEntryRequest,
    GetJourney,
    GetPerson,
    GetPreset,
    GetSegment,
    GetStatistics,
    GetTimeline,
    GetWebhook,
    ListApps,
    ListEventDefinitions,
    ListJourneys,
    ListPresets,
    ListSegments,
    ListWebhooks,
    OpenApplication,
    PostEvent,
    PreviewSegment,
    RegisterDevice,
    RegisterEmail,
    RegisterUser,
    ReportMessage,
    SetAttributes,
    SetAttributesInBulk,
    SetEventRetention,
    TrackCalls,
    TryWebhook,
    UnregisterDevice,
    UpdateJourney,
    UpdateSegment,
    UpdateWebhook,
    ValidateJourney,
)
