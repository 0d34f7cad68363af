"""Commands and replies: numbers of journeys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct


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
