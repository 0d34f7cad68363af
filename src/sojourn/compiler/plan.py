"""Plan: which sets of people meet which points, in what order. What a graph means, before it is spelt as SQL.

A plan begins where people set out (a source), walks to the next points that hold them, and ends there. It is the middle
form: `lower` decides everything here, `emit` only spells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sojourn.compiler.audience import Audience
from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Capping, SilentHours
from sojourn.model.points import AnyPoint, MessageBus, SendEmail, StartByApi, StartBySegment, UrlMatch
from sojourn.model.segments import Expression


@dataclass(frozen=True, slots=True)
class Header:
    """What every statement of a journey version needs to know."""

    journey_id: int
    workspace_id: int
    version_no: int
    scope: SegmentScope
    app_ids: Mapping[str, int]
    priority: int


@dataclass(frozen=True, slots=True)
class FromStay:
    """People whose stay at a point is over.

    Attributes:
        fallback: The output of people for whom none was decided.
        merged: Outputs that nothing is wired to, with the one that is taken instead.
        by_event: What brought them on may be an event; otherwise it was the clock.
    """

    point_no: int
    kind: str
    fallback: int = 0
    merged: Mapping[int, int] | None = None
    by_event: bool = False


@dataclass(frozen=True, slots=True)
class FromRemoved:
    """People who stand on points that an edit removed."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who of those who arrive may come in.

    Attributes:
        reenters: People who were in the journey before may come again.
        keyed: The rule about coming again applies to each entry key by itself.
        once_an_instant: Nobody comes in twice at the same instant.
        control_percent: How many of a hundred people belong to the control group: they come in and leave at once.
        control_seconds: For how long those count as inside afterwards.
        cooldown_seconds: How long after they came in people may come again.
        admits_anonymous: People without a user id may come in.
        audience: Whom the journey is for; None: everybody.
        binds_pages_only: Outside of the audience people come in, too, unless a page named them: its key is public.
        deadline_seconds: After how long they leave as abandoned; 0: never.
    """

    reenters: bool
    keyed: bool
    capping: Capping | None
    once_an_instant: bool = False
    control_percent: int = 0
    control_seconds: int = 0
    cooldown_seconds: int = 0
    admits_anonymous: bool = True
    audience: Expression | None = None
    binds_pages_only: bool = False
    deadline_seconds: int = 0


@dataclass(frozen=True, slots=True)
class FromEvents:
    """People who did an event of this tick, or whom such an event names.

    Attributes:
        page: Of a view of a page, where it has to be.
        selector: Of a click, what has to be clicked.
    """

    point_no: int
    point: MessageBus
    admission: Admission
    page: UrlMatch | None = None
    selector: str | None = None


@dataclass(frozen=True, slots=True)
class FromRequests:
    """People whom a request of this tick names."""

    point_no: int
    point: StartByApi
    admission: Admission


@dataclass(frozen=True, slots=True)
class FromSegment:
    """People of a segment.

    Attributes:
        by_zone: Only people of the zones given at run time.
        requested: A request asked for it, and carries entry attributes.
    """

    point_no: int
    point: StartBySegment | StartByApi
    admission: Admission
    expression: Expression
    app_id: int | None
    by_zone: bool
    fallback_zone: str
    requested: bool


Looked = Literal["changed", "due", "pass"]
"""At whom an audience looks: people who changed; those for whom the clock may have; everybody, batch by batch."""


@dataclass(frozen=True, slots=True)
class FromAudience:
    """People who have begun, or ceased, to match a segment since somebody last looked.

    Attributes:
        audience: The segment that is watched, and which of the two lets people in.
    """

    point_no: int
    point: StartBySegment
    admission: Admission
    audience: Audience
    looked: Looked


Entry = FromAudience | FromEvents | FromRequests | FromSegment
Source = FromStay | FromRemoved | Entry


Trail = tuple[int, ...]
"""Point numbers in the order in which people came to them."""


@dataclass(frozen=True, slots=True)
class Inflow:
    """Some of the people of an earlier set: those who leave by an output, or all (None)."""

    set_name: str
    output: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The set of people at a point.

    Attributes:
        holds: They stay here; the statement ends for them.
        expression: The condition of a boolean splitter, or of a goal check about an attribute.
        expressions: The conditions of branches, of which the first that is met decides.
        goals: Of a goal check, the goals of which one has to be reached.
        winner: The output of a random splitter that everybody takes who has not drawn yet.
        silence: When the messages of this point do not go out.
    """

    name: str
    point_no: int
    point: AnyPoint
    inflows: tuple[Inflow, ...]
    holds: bool
    expression: Expression | None = None
    winner: int | None = None
    expressions: tuple[Expression, ...] = ()
    goals: tuple[str, ...] = ()
    silence: SilentHours | None = None

    @property
    def waits_out_silence(self) -> bool:
        """Tell whether a message that would come in silent hours is due at their end. Else the sender skips it."""
        return self.silence is not None and self.silence.policy == "WAIT"

    @property
    def picks_time(self) -> bool:
        """Tell whether a message may be due later than the person comes."""
        return self.waits_out_silence or (isinstance(self.point, SendEmail) and self.point.best_time)


@dataclass(frozen=True, slots=True)
class Plan:
    """One walk, from a source to the next points that hold people.

    Attributes:
        start_name: The name of the set that sets out.
        routes: Whether the outputs of the source part people.
        trails: The path that led to each set, by its name; None where people took different ones.
        carries_attributes: A point changes attributes, so every set brings them along.
        reads_context: A point reads what people came with.
    """

    header: Header
    source: Source
    start_name: str
    routes: bool
    steps: tuple[Step, ...]
    trails: Mapping[str, Trail | None]
    carries_attributes: bool
    reads_context: bool


def set_name(point_no: int, kind: str, *, verb: str = "at") -> str:
    """Name the set of people at a point. Built only from our own integer and our own word.

    >>> set_name(3, "wait")
    'at_3_wait'
    """
    return f"{verb}_{point_no:d}_{kind}"
