"""Graph: the document of one journey version. A draft is a graph with problems."""

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from sojourn.model.points import AnyPoint, Conditions, JourneyGoal, JsonText, Name, PointId, Text
from sojourn.model.schedule import ClockTime, Weekday, ZoneName

OutputName = Annotated[str, Meta(pattern=r"^(default|output[1-9][0-9]?|extra[1-9][0-9]{0,3})$")]


class Edge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """From an output of a point to another point.

    Attributes:
        output: `extra1`, `extra2`, … are no outputs of any point. A draft has them where somebody drew an edge that
            stands for none: a second one from the same output, or one with a label that the point does not know.
        label: What is written at it. Which output it leaves by is `output`, whatever this says.
    """

    from_: PointId
    output: OutputName
    to: PointId
    label: Text = ""


def edge_order(output: str) -> tuple[bool, int]:
    """Order the edges of a point by their outputs: `default`, those with a number, and then the extra ones.

    >>> sorted(["extra1", "output10", "output2", "default"], key=edge_order)
    ['default', 'output2', 'output10', 'extra1']
    """
    return output.startswith("extra"), int(output.removeprefix("extra").removeprefix("output").replace("default", "0"))


class Capping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often one person may enter. Without a period: ever."""

    max_entries: Annotated[int, Meta(ge=1, le=10_000)]
    period_seconds: Annotated[int, Meta(ge=1, le=3660 * 86400)] | None = None


class SilentHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """When a channel stays silent, by the clock of the person's zone.

    Attributes:
        from_: The first time of day that is silent.
        to: The first that is not any more; on the next day, where it is before `from`.
        timezone: An IANA name, or `device`: each person in their own zone.
        fallback_timezone: For people whose zone is unknown.
        blocked_days: Days that are silent from midnight to midnight.
        policy: WAIT: a message goes out when the silence ends. SKIP: it never does.
    """

    enabled: bool = False
    from_: ClockTime = "22:00"
    to: ClockTime = "07:00"
    timezone: ZoneName = "device"
    fallback_timezone: ZoneName = "UTC"
    blocked_days: tuple[Weekday, ...] = ()
    policy: Literal["WAIT", "SKIP"] = "WAIT"


WINDOW_MAX = timedelta(days=30)
"""After it nothing counts as a conversion."""


class ConversionWindow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long after an entry a conversion counts. At most 30 days."""

    seconds: Annotated[int, Meta(ge=1, le=30 * 86400)]


DEFAULT_WINDOW = ConversionWindow(seconds=7 * 86400)
"""Where a journey names none."""


class ConversionGoal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the journey is for: an event that people do after they came in.

    Attributes:
        ends_journey: Who reaches the goal leaves the journey, wherever they are.
        value_attribute: The event's attribute that says what the conversion is worth, a number; empty: nothing does.
    """

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    event_name: Annotated[str, Meta(min_length=1, max_length=255)]
    event_conditions: Conditions = ()
    ends_journey: bool = False
    value_attribute: Annotated[str, Meta(max_length=255)] = ""


class Reentry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether people may come in again.

    Attributes:
        mode: ONCE: never. ALWAYS: whenever they are not inside. COOLDOWN: once `cooldown_hours` have passed since they
            last came in, and they are not inside. ENTRIES: as the entries say; of a journey that was made in the
            gateway's dialect, whose settings the journeys dialect changed later without a word about it.
    """

    mode: Literal["ONCE", "ALWAYS", "COOLDOWN", "ENTRIES"] = "ONCE"
    cooldown_hours: Annotated[int, Meta(ge=1, le=87_600)] | None = None


class Conduct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the journeys dialect calls the `settings` of a journey. Fields that are None were not given.

    Attributes:
        on_pause: HOLD: who is inside stays where they are while that dialect pauses the journey; else they go on.
        reentry: None: ONCE.
        exit_on_goal: Who reaches the goal leaves the journey at once. None: they do.
        other: A JSON object with what nobody here knows, for whoever wrote it.
    """

    on_pause: Literal["CONTINUE", "HOLD"] | None = None
    reentry: Reentry | None = None
    exit_on_goal: bool | None = None
    other: JsonText = "{}"


AS_ENTRIES_SAY = Reentry(mode="ENTRIES")

ResumePolicy = Literal["RESUME_CONTINUE", "RESUME_SPREAD", "RESUME_SHIFT", "RESUME_DROP_OVERDUE"]
TrackChangePolicy = Literal["USER_ID_TRACK_CHANGE_POLICY_KEEP", "USER_ID_TRACK_CHANGE_POLICY_DROP"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`params` of the gateway contract.

    Attributes:
        silent_hours: By channel; a channel that no point sends on may have some, too.
        conversion_window: How long after an entry events count for the goals; None means seven days.
        control_group_percent: How many of those who come in are only watched: they get nothing, and what they do
            without it is compared with what everybody else does.
        transactional: Exempt from the control group and from silent hours.
        resume_policy: What becomes of people whose time passed while the journey was held: they go on at once;
            they go on spread over an hour; every timer is shifted by the length of the pause; they are dropped.
        removed_points: What becomes of people who stand on a point that an edit removed: they go on from where its
            default output led, or they are dropped with the reason `point removed`.
        conduct: The settings of the journeys dialect. None: it gave none, so what the entries say about coming again
            holds, and nothing is known of the rest.
        goal: The goal of the journeys dialect, beside the conversion goals.
        audience_code: The code of the stored segment whose people the journey is for. None: everybody.
        admits_anonymous: People without a user id may come in, too.
    """

    application_code: str
    silent_hours: dict[str, SilentHours] = {}
    capping: Capping | None = None
    conversion_window: ConversionWindow | None = None
    user_id_track_change_policy: TrackChangePolicy = "USER_ID_TRACK_CHANGE_POLICY_KEEP"
    conversion_goals: Annotated[tuple[ConversionGoal, ...], Meta(max_length=20)] = ()
    control_group_percent: Annotated[int, Meta(ge=0, le=50)] = 0
    transactional: bool = False
    resume_policy: ResumePolicy = "RESUME_CONTINUE"
    removed_points: Literal["CONTINUE", "DROP"] = "CONTINUE"
    conduct: Conduct | None = None
    goal: JourneyGoal | None = None
    audience_code: Name | None = None
    admits_anonymous: bool = True

    @property
    def window_seconds(self) -> int:
        """Return how long after an entry events count for the goals."""
        return (self.conversion_window or DEFAULT_WINDOW).seconds

    @property
    def holds_on_pause(self) -> bool:
        """Tell whether a pause of the journeys dialect holds who is inside."""
        return self.conduct is not None and self.conduct.on_pause == "HOLD"

    @property
    def exits_on_goal(self) -> bool:
        """Tell whether who reaches the goal of the journeys dialect leaves."""
        return self.conduct is None or self.conduct.exit_on_goal is not False

    @property
    def reentry(self) -> Reentry | None:
        """Return when people may come in again, whatever the entries say; None: what these say holds."""
        chosen = None if self.conduct is None else self.conduct.reentry or Reentry()
        return None if chosen is None or chosen.mode == "ENTRIES" else chosen

    def silence(self, channel: str) -> SilentHours | None:
        """Return when messages of a channel do not go out; None: they always may."""
        hours = self.silent_hours.get(channel)
        return hours if hours is not None and hours.enabled and not self.transactional else None

    @property
    def control_percent(self) -> int:
        """Return how many of a hundred people belong to the control group."""
        return 0 if self.transactional else self.control_group_percent


class Graph(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points, the edges between their outputs, and the settings that decide how people enter and advance."""

    points: Annotated[tuple[AnyPoint, ...], Meta(max_length=500)] = ()
    edges: Annotated[tuple[Edge, ...], Meta(max_length=2000)] = ()
    settings: Settings
