"""Commands and replies: enrollments, listed and ended one by one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

EnrollmentStatus = Literal["in_progress", "completed", "stopped", "abandoned", "goal_reached"]


class CountEnrollments(Struct, frozen=True, kw_only=True):
    """Count who came into some journeys. Reply: `EnrollmentCounts`. Journeys that there are not have none."""

    journeys: tuple[UUID, ...]


class EnrollmentCounts(Struct, frozen=True, kw_only=True):
    """How many enrollments journeys have, those that ended included."""

    counts: Mapping[UUID, int]


class ListEnrollments(Struct, frozen=True, kw_only=True):
    """Who came last first. Reply: `EnrollmentList`. Raises: JourneyNotFound."""

    journey: UUID
    status: EnrollmentStatus | None = None
    limit: int = 20
    offset: int = 0


class Enrollment(Struct, frozen=True, kw_only=True):
    """One passage of one person through a journey.

    Attributes:
        point: Where the person is; None once they left.
        outcome: What the exit says that they left by, or the reason why they were taken out.
        is_control: They belong to the control group: were watched, and got nothing.
    """

    enrollment: UUID
    journey: UUID
    profile: UUID
    user_id: str | None
    anonymous_id: str | None
    attributes: Mapping[str, Any]
    status: EnrollmentStatus
    entered_at: datetime
    point: UUID | None
    departed_at: datetime | None
    outcome: str
    is_control: bool = False


class EnrollmentList(Struct, frozen=True, kw_only=True):
    """A part of the enrollments of a journey."""

    items: tuple[Enrollment, ...]
    total: int


class StopEnrollment(Struct, frozen=True, kw_only=True):
    """Take a person out of a journey. Durable when answered. Reply: `Done`. Raises: JourneyNotFound, NotFound."""

    journey: UUID
    enrollment: UUID
