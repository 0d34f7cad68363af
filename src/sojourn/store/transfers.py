"""Transfers: what one person has goes to another. Rows taken out of a shard are opaque; see queries/transfers.sql."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sojourn.model.identities import Person
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

EVERYTHING = ""
"""In place of a hwid: all that a person has."""

EVENTS_AT_ONCE = 5_000

OF_ENROLLMENTS = (
    "enrollments", "stays", "departures", "conversions", "deadlines", "draws", "passages", "messages", "words",
)  # fmt: skip
"""What belongs to enrollments, in the order in which it is moved."""

OF_PEOPLE = ("profile_changes", "devices", "static_members", "profiles")
"""What belongs to people, beside their events."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What is to go from a person of the shard to another person."""

    profile_id: int
    hwid: str
    workspace_id: int
    into: Person


@dataclass(frozen=True, slots=True)
class MovableEnrollment:
    """An enrollment of a person who is to be another's. `hwid`: through which device it came about, if through one."""

    enrollment_id: int
    profile_id: int
    journey_id: int
    entry_key: str
    is_inside: bool
    hwid: str | None


class Hold:
    """One shard whose lease a transaction holds, at one instant."""

    def __init__(self, conn: Conn, shard: int, now: datetime) -> None:
        self._conn = conn
        self.shard = shard
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._given: dict[str, Any] = {"shard": shard, "now": now, "hour": hour}

    async def _rows(self, name: str, **values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - parameters are of any type
        return await (await self._conn.execute(QUERIES[name], self._given | values)).fetchall()

    async def _do(self, name: str, **values: Any) -> None:  # noqa: ANN401 - as above
        await self._conn.execute(QUERIES[name], self._given | values)

    async def take_lease(self) -> int | None:
        """Take the lease; return the number of the next arrival, or None where another transaction has the lease."""
        rows = await self._rows("take_lease")
        return rows[0][0] if rows else None

    async def close(self, next_enrollment: int) -> None:
        """Note the number of the next arrival, and tell whoever works on the shard and its messages."""
        await self._do("close_transfers", next_enrollment=next_enrollment)
        await self._do("notify_shards", shards=[self.shard])
        await self._do("notify_senders")

    async def due(self, batch: int) -> list[Transfer]:
        """Return what is to go from people of the shard now."""
        rows = await self._rows("due_transfers", batch=batch)
        return [Transfer(row[0], row[1], row[2], Person(row[3], row[4])) for row in rows]

    async def postpone(self, profile_ids: Collection[int], due_at: datetime) -> None:
        """Have what is to go from people wait."""
        if profile_ids:
            await self._do("postpone_transfers", profile_ids=list(profile_ids), due_at=due_at)

    async def finish(self, transfers: Sequence[Transfer]) -> None:
        """Note that what was to go has gone."""
        await self._do(
            "finish_transfers",
            profile_ids=[transfer.profile_id for transfer in transfers],
            hwids=[transfer.hwid for transfer in transfers],
        )

    async def enrollments(self, transfers: Sequence[Transfer]) -> list[MovableEnrollment]:
        """Return the enrollments of those from whom something goes."""
        rows = await self._rows(
            "enrollments_to_move",
            profile_ids=[transfer.profile_id for transfer in transfers],
            workspace_ids=sorted({transfer.workspace_id for transfer in transfers}),
        )
        return [MovableEnrollment(*row) for row in rows]

    async def stays_of(self, transfers: Sequence[Transfer]) -> set[tuple[int, int, str]]:
        """Return where those to whom something goes are inside: profile, journey and entry key."""
        rows = await self._rows(
            "stays_of",
            profile_ids=[transfer.into.profile_id for transfer in transfers],
            workspace_ids=sorted({transfer.workspace_id for transfer in transfers}),
        )
        return {(profile_id, journey_id, entry_key) for profile_id, journey_id, entry_key in rows}

    async def claimed(self, enrollment_ids: Sequence[int]) -> set[int]:
        """Return those of the enrollments of which a sender has messages in hand."""
        rows = await self._rows("claimed_enrollments", enrollment_ids=list(enrollment_ids))
        return {enrollment_id for (enrollment_id,) in rows}

    async def drop(self, reasons: Mapping[int, str]) -> None:
        """End enrollments, each for its reason."""
        if reasons:
            await self._do("drop_enrollments", enrollment_ids=list(reasons), reasons=list(reasons.values()))

    # Taking and giving --------------------------------------------------------------------------------------

    async def take(self, what: str, **values: Any) -> str | None:  # noqa: ANN401 - parameters are of any type
        """Take rows out of the shard; None where there are none."""
        rows = await self._rows(f"take_{what}", **values)
        return rows[0][0] if rows else None

    async def put(self, what: str, rows: str, **values: Any) -> None:  # noqa: ANN401 - as above
        """Put rows into the shard."""
        await self._do(f"put_{what}", rows=rows, **values)

    async def take_events(self, profile_ids: Sequence[int]) -> list[tuple[int, int, str]]:
        """Take the first events of people out of the shard, in their order: number, profile and row."""
        rows = await self._rows("take_events", profile_ids=list(profile_ids), batch=EVENTS_AT_ONCE)
        return [(number, profile_id, data) for number, profile_id, data in rows]

    async def put_events(
        self, events: Sequence[tuple[int, int, str]], **people: Sequence[int]
    ) -> list[tuple[int, int, int]]:
        """Give events to people of the shard. Return those it had not seen: former profile, former and new number."""
        rows = f"[{','.join(data for _, _, data in events)}]"
        found = await self._rows("put_events", rows=rows, **people)
        return [(events[place - 1][1], events[place - 1][0], number) for place, number in found]

    # Who is who ---------------------------------------------------------------------------------------------

    async def bequeath(self, into_shard: int, **people: Sequence[int]) -> None:
        """Have what people go by, whose locks the caller holds, name others; and note that all they had has gone."""
        await self._do("give_identities", into_shard=into_shard, **people)
        await self._do("close_former", into_shard=into_shard, **people)

    async def forget_members(self, profile_ids: Sequence[int]) -> None:
        """Take people out of live audiences."""
        await self._do("forget_former_members", profile_ids=list(profile_ids))

    async def look_at(self, people: Sequence[int], workspace_ids: Sequence[int]) -> None:
        """Have the live audiences of the shard look at people again."""
        places = await self._rows("audiences_to_tell", workspace_ids=list(workspace_ids))
        if places:
            journey_ids, point_nos = [place[0] for place in places], [place[1] for place in places]
            await self._do("mark_members", journey_ids=journey_ids, point_nos=point_nos, people=list(people))
