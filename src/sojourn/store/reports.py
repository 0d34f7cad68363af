"""Reports: counts of a journey, over all shards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

Interval = Literal["hour", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What is counted: of a journey, from an instant (rounded up to the hour) to before another."""

    journey_id: int
    shards: Sequence[int]
    from_: datetime
    to: datetime


@dataclass(frozen=True, slots=True)
class TallySum:
    """How often something happened at a point."""

    point_no: int
    metric: str
    detail: str
    n: int


@dataclass(frozen=True, slots=True)
class TallyInterval:
    """How often something happened at a point within the hour or day that starts at `start`."""

    point_no: int
    metric: str
    start: datetime
    n: int


@dataclass(frozen=True, slots=True)
class ConversionSum:
    """How many enrollments reached a goal, and what that is worth."""

    goal: str
    is_control: bool
    n: int
    value: float


async def conversion_sums(conn: Conn, period: Period) -> list[ConversionSum]:
    """Return how often each goal was reached, by the treated and by the control group."""
    cursor = await conn.execute(QUERIES["conversion_sums"], _values(period))
    return [ConversionSum(*row) for row in await cursor.fetchall()]


async def inside_by_point(conn: Conn, *, journey_id: int, shards: Sequence[int]) -> dict[int, int]:
    """Return how many people are at each point now; points without people are left out."""
    cursor = await conn.execute(QUERIES["inside_by_point"], {"journey_id": journey_id, "shards": list(shards)})
    return dict[int, int](await cursor.fetchall())


async def tally_series(conn: Conn, period: Period, *, interval: Interval) -> list[TallyInterval]:
    """Return who entered and left each point, by hour or day."""
    cursor = await conn.execute(QUERIES["tally_series"], _values(period) | {"interval": interval})
    return [TallyInterval(*row) for row in await cursor.fetchall()]


async def tally_sums(conn: Conn, period: Period) -> list[TallySum]:
    """Return everything that was counted at each point."""
    cursor = await conn.execute(QUERIES["tally_sums"], _values(period))
    return [TallySum(*row) for row in await cursor.fetchall()]


async def take_snapshot(conn: Conn) -> None:
    """Let all that follows in the transaction, which has just begun, see one moment."""
    await conn.execute(QUERIES["snapshot"])


def _values(period: Period) -> dict[str, Any]:
    return {
        "journey_id": period.journey_id,
        "shards": list(period.shards),
        "from_": period.from_,
        "to": period.to,
    }
