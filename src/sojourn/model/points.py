"""Points: the places of a graph. One type per kind; what a kind means is decided in the compiler.

Field names and kinds are those of the gateway contract, section 3, so that a document can be read beside it. Which node
of the journeys dialect is which point is in docs/adr/0011-one-graph-two-dialects.md.
"""

from datetime import datetime
from typing import Annotated, Literal, assert_never, get_args

from msgspec import Meta, Struct

from sojourn.model.schedule import ClockTime, Period, SegmentRepeat, Weekday, ZoneName

PointId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
"""A uuid in its canonical lower-case form."""

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=1000)]
Seglang = Annotated[str, Meta(min_length=1, max_length=20_000)]
Template = Annotated[str, Meta(max_length=1_000_000)]
Seconds = Annotated[int, Meta(ge=1, le=366 * 86400)]
FOREVER_SECONDS = 100 * 366 * 86_400
"""How long people are held where nothing says how long: longer than anybody waits."""

Scalar = str | int | float | bool
JsonValue = Scalar | None | list[Scalar]
JsonText = Annotated[str, Meta(min_length=1, max_length=200_000)]
"""A JSON document as text: kept as it was written, whatever it holds."""

DurationUnit = Literal["SECONDS", "MINUTES", "HOURS", "DAYS", "WEEKS"]
"""What a duration was counted in by whoever wrote it. Only for showing it again: durations are kept in seconds."""

MatchType = Literal["EXACT", "CONTAINS", "STARTS_WITH", "ENDS_WITH", "REGEX"]
"""How the address of a page is held against a pattern."""

ConditionOperator = Literal[
    "EQ",
    "NOTEQ",
    "IN",
    "NOTIN",
    "GT",
    "GTE",
    "LT",
    "LTE",
    "BETWEEN",
    "CONTAINS",
    "STARTS_WITH",
    "ENDS_WITH",
    "SET",
    "NOTSET",
]
Source = Literal["TAG", "EVENT", "ENTRY"]
"""Where a value comes from: the profile, the event that brought the person, the entry's attributes."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value inside a point."""


class Point(Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """A place in the graph."""

    id: PointId
    title: Text = ""


# Entries ----------------------------------------------------------------------------------------------------


class EventCondition(Part, frozen=True, kw_only=True):
    """A condition on one attribute of an event. `SET` and `NOTSET` take no values, `BETWEEN` two, the rest one or more.

    With several values EQ, CONTAINS, STARTS_WITH and ENDS_WITH mean "any of them", NOTEQ "none of them".
    """

    attribute: Name
    operator: ConditionOperator
    values: Annotated[tuple[Scalar, ...], Meta(max_length=100)] = ()


Conditions = Annotated[tuple[EventCondition, ...], Meta(max_length=20)]


class MultiEntry(Part, frozen=True, kw_only=True):
    """One enrollment per value of an event attribute, such as an order id."""

    enabled: bool = False
    key_attribute: str = ""


class AttributeEntry(Part, frozen=True, kw_only=True):
    """Enroll the people whose user ids an event attribute lists, instead of the person who did the event."""

    enabled: bool = False
    attribute_name: str = ""


class EntryAttribute(Part, frozen=True, kw_only=True):
    """An attribute that a start-by-API request may or must carry."""

    name: Name
    default_value: Text | None = None
    required: bool = False


Trigger = Literal["MATCHING", "DYNAMIC", "JOINING", "LEAVING"]
"""Whom a segment entry admits: everybody who matches when it runs; those, and whoever begins to match later; whoever
begins to match; whoever ceases to. All but the first watch the segment: theirs is a live audience."""


class StartBySegment(Point, frozen=True, kw_only=True, tag="start_by_segment"):
    """Admit the people of a segment: everybody once or again and again, or each as they begin or cease to match.

    Exactly one of `filter_code` (a stored segment) and `filter` (seglang).

    Attributes:
        repeat: When everybody who matches comes in again; only with the trigger MATCHING.
        start_at: Nobody comes in before, and nobody is watched; None: the start of the journey.
        allow_reenter: People who were in the journey before may come in again; with a repeat they always may.
    """

    application_code: str | None = None
    filter_code: Name | None = None
    filter: Seglang | None = None
    repeat: SegmentRepeat | None = None
    start_at: datetime | None = None
    is_deactivated: bool = False
    trigger: Trigger = "MATCHING"
    allow_reenter: bool = False

    @property
    def is_live(self) -> bool:
        """Tell whether the entry watches who begins and ceases to match."""
        return self.trigger != "MATCHING" and not self.is_deactivated


class MessageBus(Point, frozen=True, kw_only=True, tag="message_bus"):
    """Admit whoever does an event."""

    event_name: Name
    application_code: str | None = None
    event_conditions: Conditions = ()
    active_period: Period | None = None
    multi_entry: MultiEntry | None = None
    attribute_entry: AttributeEntry | None = None
    allow_reenter: bool = False


class StartByApi(Point, frozen=True, kw_only=True, tag="start_by_api"):
    """Admit whom a request names."""

    application_code: str | None = None
    attributes: Annotated[tuple[EntryAttribute, ...], Meta(max_length=50)] = ()
    is_deactivated: bool = False


class UrlMatch(Point, frozen=True, kw_only=True, tag="url_match"):
    """Admit whoever views a page: an event `page_view` whose attribute `url` matches.

    A pattern that begins with `/` is held against what follows the origin. EXACT also leaves out of the address what
    the pattern does not name: its fragment, then its query.
    """

    match_type: MatchType = "CONTAINS"
    pattern: Text = ""


class ElementClick(Point, frozen=True, kw_only=True, tag="element_click"):
    """Admit whoever clicks an element: an event `click` whose attribute `selector` is, or holds, this selector."""

    selector: Text = ""


# Timing -----------------------------------------------------------------------------------------------------


class TimeOfDay(Part, frozen=True, kw_only=True):
    """The next time the clock shows `time`; strictly after the arrival."""

    time: ClockTime
    timezone: ZoneName = "UTC"


class Until(Part, frozen=True, kw_only=True):
    """A fixed instant. Who arrives later goes on at once."""

    at: datetime


class OnWeekday(Part, frozen=True, kw_only=True):
    """The next of the given weekdays at `time`; strictly after the arrival."""

    days: Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7)]
    time: ClockTime
    timezone: ZoneName = "UTC"


class DateAttribute(Part, frozen=True, kw_only=True):
    """An instant read from an attribute of the person, the event or the entry.

    Attributes:
        offset_seconds: Added to it, after `time_of_day` has been applied; negative for "before".
        time_of_day: The clock time on that date, in the person's own zone.
        past: What happens where the instant has passed. Who has no such date is dropped with the reason `no date`.
    """

    source: Source = "TAG"
    name: Name
    offset_seconds: Annotated[int, Meta(ge=-366 * 86400, le=366 * 86400)] = 0
    time_of_day: ClockTime | None = None
    past: Literal["DROP", "CONTINUE", "NEXT_YEAR"] = "CONTINUE"


class Wait(Point, frozen=True, kw_only=True, tag="wait"):
    """Hold people until an instant. Exactly one of the fields but `unit` says which."""

    duration_seconds: Seconds | None = None
    unit: DurationUnit | None = None
    time_of_day: TimeOfDay | None = None
    until: Until | None = None
    weekday: OnWeekday | None = None
    date_attribute: DateAttribute | None = None


class AwaitedEvent(Part, frozen=True, kw_only=True):
    """An event to wait for.

    Attributes:
        match_entry_attribute: The event's attribute of this name must equal the attribute of the same name in the
            event or the entry that brought the person into the journey.
    """

    event_name: Name
    event_conditions: Conditions = ()
    match_entry_attribute: Name | None = None


class TriggerBranch(Part, frozen=True, kw_only=True):
    """A way out of an event wait: any or all of up to four events.

    Attributes:
        look_back_seconds: Events up to this long before the arrival count, too.
    """

    name: Text = ""
    operator: Literal["AND", "OR"] = "OR"
    events: Annotated[tuple[AwaitedEvent, ...], Meta(min_length=1, max_length=4)]
    look_back_seconds: Annotated[int, Meta(ge=0, le=90 * 86400)] = 0


class WaitForTrigger(Point, frozen=True, kw_only=True, tag="wait_for_trigger"):
    """Hold people until they do something, or the period ends.

    Attributes:
        period_seconds: At most 90 days; None: however long it takes, and `default` need not lead anywhere.
        fixed_period: Hold everybody for the whole period, then part them by what they did first.
    """

    period_seconds: Annotated[int, Meta(ge=1, le=90 * 86400)] | None = None
    unit: DurationUnit | None = None
    fixed_period: bool = False
    branches: Annotated[tuple[TriggerBranch, ...], Meta(min_length=1, max_length=3)]

    @property
    def held_seconds(self) -> int:
        """Return how long people are held at most."""
        return self.period_seconds or FOREVER_SECONDS


ContentType = Literal["ANNOUNCEMENT", "BANNER", "BEACON", "FLOW", "MODAL", "SURVEY", "TASK_LIST", "TOOLTIP"]


class Content(Point, frozen=True, kw_only=True, tag="content"):
    """Show something in the browser and hold people until they are done with it.

    They leave by `default` when they completed it, by `output1` when they dismissed it, by `output2` when
    `timeout_seconds` are over. Where one of the latter leads nowhere, they leave by `default` instead.

    Attributes:
        content_id: Of the content; the journey cannot be started without.
        timeout_seconds: None: they stay until they are done.
    """

    content_id: Name | None = None
    content_type: ContentType | None = None
    timeout_seconds: Seconds | None = None
    unit: DurationUnit | None = None

    @property
    def held_seconds(self) -> int:
        """Return how long people are held at most."""
        return self.timeout_seconds or FOREVER_SECONDS


# Splitting --------------------------------------------------------------------------------------------------


class BooleanSplitter(Point, frozen=True, kw_only=True, tag="boolean_splitter"):
    """Part people by a segment. Exactly one of `filter_code` and `filter`."""

    filter_code: Name | None = None
    filter: Seglang | None = None


class RandomBranch(Part, frozen=True, kw_only=True):
    """A share of the people; up to two decimals."""

    title: Text = ""
    percent: Annotated[float, Meta(ge=0, le=100)]


class Winner(Part, frozen=True, kw_only=True):
    """How the best branch is chosen, to which everybody goes who comes later.

    Attributes:
        mode: MANUAL: an operator names it. AUTOMATIC: the branch whose conversion rate on `goal` is above that of every
            other, once each has `min_sample` people and the difference is this significant.
        goal: The name of a conversion goal of the journey.
        significance: One less the probability of so large a difference where there is none.
    """

    mode: Literal["MANUAL", "AUTOMATIC"] = "MANUAL"
    goal: Annotated[str, Meta(max_length=255)] = ""
    min_sample: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    significance: Annotated[float, Meta(ge=0, le=1)] = 0.95


class RandomSplitter(Point, frozen=True, kw_only=True, tag="random_splitter"):
    """Part people by chance; the draw of an enrollment (or of a profile) at a point never changes."""

    branches: Annotated[tuple[RandomBranch, ...], Meta(min_length=2, max_length=20)]
    sticky: Literal["ENROLLMENT", "PROFILE"] = "ENROLLMENT"
    winner: Winner | None = None


class ConditionBranch(Part, frozen=True, kw_only=True):
    """A way out for whom a rule tree describes.

    Attributes:
        rule_tree: The JSON of a rule tree; see docs/segments.md.
    """

    label: Text = ""
    rule_tree: JsonText


class Condition(Point, frozen=True, kw_only=True, tag="condition"):
    """Part people by rule trees: everybody leaves by the output of the first branch that describes them.

    Whom none describes leaves by `default`.
    """

    branches: Annotated[tuple[ConditionBranch, ...], Meta(max_length=20)] = ()


class EventGoal(Part, frozen=True, kw_only=True):
    """The person does an event."""

    event_name: Name
    event_conditions: Conditions = ()


class PageVisit(Part, frozen=True, kw_only=True):
    """The person views a page; matched like `UrlMatch`."""

    match_type: MatchType = "CONTAINS"
    pattern: Text = ""


class AttributeMatch(Part, frozen=True, kw_only=True):
    """An attribute of the person meets a rule, as in a rule tree: `operator` is spelt as there."""

    field: Name
    operator: Annotated[str, Meta(min_length=1, max_length=30)]
    value: JsonValue = None


class FlowCompleted(Part, frozen=True, kw_only=True):
    """The person completes a content."""

    flow_id: Name


class JourneyGoal(Part, frozen=True, kw_only=True):
    """What a journey is for, in the form of the journeys dialect. Exactly one of the first four fields says what.

    Attributes:
        deadline_days: After so many days since their entry people leave as abandoned unless they have reached it. Means
            nothing in a `GoalCheck`.
    """

    event: EventGoal | None = None
    page_visit: PageVisit | None = None
    attribute_match: AttributeMatch | None = None
    flow_completed: FlowCompleted | None = None
    deadline_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class GoalCheck(Point, frozen=True, kw_only=True, tag="goal_check"):
    """Part people by whether they reached a goal since they came in: `output1` if they did, else `default`.

    Attributes:
        goal: None: that of the journey.
    """

    goal: JourneyGoal | None = None


# Actions ----------------------------------------------------------------------------------------------------


class ValueFrom(Part, frozen=True, kw_only=True):
    """A value to be read when the point is passed."""

    source: Source
    name: Name


class ProfileOperation(Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A change of one attribute. SET, APPEND, REMOVE and INCREMENT take exactly one of `value` and `from_`."""

    tag: Name
    operation: Literal["SET", "APPEND", "REMOVE", "INCREMENT", "UNSET"]
    value: JsonValue = None
    from_: ValueFrom | None = None


class UpdateProfile(Point, frozen=True, kw_only=True, tag="update_profile"):
    """Change attributes of the person."""

    operations: Annotated[tuple[ProfileOperation, ...], Meta(min_length=1, max_length=50)]


class SaveResponse(Part, frozen=True, kw_only=True):
    """Keep a value of the response (a dotted path into its JSON) as the entry attribute `name`."""

    path: Name
    name: Name


class Webhook(Point, frozen=True, kw_only=True, tag="webhook"):
    """Call a URL. Holds people until the answer if `wait_for_response`, `save_response` or `output1` need it."""

    url: Annotated[str, Meta(min_length=1, max_length=4000)]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: Annotated[dict[str, Template], Meta(max_length=50)] = {}
    body: Template = ""
    wait_for_response: bool = False
    save_response: Annotated[tuple[SaveResponse, ...], Meta(max_length=20)] = ()
    timeout_seconds: Annotated[int, Meta(ge=1, le=300)] = 30


class Exit(Point, frozen=True, kw_only=True, tag="exit"):
    """End the enrollment as completed."""

    outcome: Text = ""


# Messaging --------------------------------------------------------------------------------------------------


class EmailContent(Part, frozen=True, kw_only=True):
    """Liquid templates of an email. At least one of `html` and `text`."""

    subject: Annotated[str, Meta(min_length=1, max_length=1000)]
    html: Template = ""
    text: Template = ""


class MessageCapping(Part, frozen=True, kw_only=True):
    """How many messages of the channel a person may get from this journey within a period."""

    mode: Literal["FOLLOW_GLOBAL", "IGNORE_GLOBAL", "CUSTOM"] = "FOLLOW_GLOBAL"
    max_messages: Annotated[int, Meta(ge=0, le=10_000)] = 0
    period_seconds: Annotated[int, Meta(ge=0, le=366 * 86400)] = 0


class ReactionSplit(Part, frozen=True, kw_only=True):
    """Hold people after sending until they react, for at most `wait_seconds`."""

    reaction: Literal["OPENED", "CLICKED"]
    wait_seconds: Annotated[int, Meta(ge=1, le=90 * 86400)]


class Utm(Part, frozen=True, kw_only=True):
    """Campaign parameters added to the links of a message."""

    source: Text = ""
    medium: Text = ""
    campaign: Text = ""
    term: Text = ""
    content: Text = ""


class SendEmail(Point, frozen=True, kw_only=True, tag="send_email"):
    """Queue an email and go on. Exactly one of `preset_code` and `content`."""

    preset_code: Name | None = None
    content: EmailContent | None = None
    from_email: Text = ""
    from_name: Text = ""
    reply_to: Text = ""
    bcc: Text = ""
    send_to_unsubscribed: bool = False
    campaign_code: Text = ""
    capping: MessageCapping | None = None
    send_rate_per_second: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    split_by_reaction: ReactionSplit | None = None
    best_time: bool = False
    utm: Utm | None = None


EventEntry = MessageBus | UrlMatch | ElementClick
"""Entries that an event lets people in by."""

EntryPoint = StartBySegment | MessageBus | StartByApi | UrlMatch | ElementClick
AnyPoint = (
    StartBySegment
    | MessageBus
    | StartByApi
    | UrlMatch
    | ElementClick
    | Wait
    | WaitForTrigger
    | Content
    | BooleanSplitter
    | RandomSplitter
    | Condition
    | GoalCheck
    | UpdateProfile
    | Webhook
    | SendEmail
    | Exit
)

DEFAULT = "default"


def output_name(number: int) -> str:
    """Name the output with this number; 0 is `default`."""
    return DEFAULT if number == 0 else f"output{number}"


def output_number(name: str) -> int:
    """Return the number of an output name made by `output_name`."""
    return 0 if name == DEFAULT else int(name.removeprefix("output"))


def outputs(point: AnyPoint) -> tuple[str, ...]:  # noqa: PLR0911 - one case per kind
    """Name the ways out of a point, in canvas order.

    Source: the gateway contract, "Every point has output `default` unless it ends the journey", and the table of
    point types. A random splitter has one output per branch and no default.
    """
    match point:
        case StartBySegment() | MessageBus() | StartByApi() | UrlMatch() | ElementClick() | Wait() | UpdateProfile():
            return (DEFAULT,)
        case WaitForTrigger():
            return (*(output_name(n) for n, _ in enumerate(point.branches, 1)), DEFAULT)
        case BooleanSplitter() | GoalCheck() | Webhook():
            return ("output1", DEFAULT)
        case Content():
            return ("output1", "output2", DEFAULT)
        case Condition():
            return (*(output_name(n) for n, _ in enumerate(point.branches, 1)), DEFAULT)
        case RandomSplitter():
            return tuple(output_name(n) for n, _ in enumerate(point.branches, 1))
        case SendEmail():
            return ("output1", DEFAULT) if point.split_by_reaction else (DEFAULT,)
        case Exit():
            return ()
        case _:
            assert_never(point)


ENTRY_KINDS = frozenset(str(kind.__struct_config__.tag) for kind in get_args(EntryPoint))
"""Kinds by which people come in."""


def is_entry(point: AnyPoint) -> bool:
    """Tell whether people come into the journey here."""
    return isinstance(point, EntryPoint)


def may_end_in(point: AnyPoint, output: str) -> bool:
    """Tell whether an output of a point may lead nowhere in a journey that runs."""
    match point:
        case Webhook():
            return output == "output1"
        case Content():
            return output != DEFAULT
        case WaitForTrigger():
            return output == DEFAULT and point.period_seconds is None
        case _:
            return False
