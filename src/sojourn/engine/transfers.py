"""Transfers: people who were found to be one become one, and enrollments follow a device to its new user.

What is to move has been noted by the tick that applied everything said before. It moves in a transaction of its own,
which holds the leases of both shards: all of it or nothing. Why so: docs/adr/0009-merging-people.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sojourn.model.identities import Identity, Person
from sojourn.store.directory import shard_count
from sojourn.store.former import find_heirs, find_predecessors
from sojourn.store.identities import identities_of, lock_identities
from sojourn.store.transfers import EVERYTHING, OF_ENROLLMENTS, OF_PEOPLE, Hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sojourn.engine.catalog import Catalog
    from sojourn.store.connection import Conn
    from sojourn.store.transfers import MovableEnrollment, Transfer

BATCH = 500
"""Transfers in one transaction. Ticks of both shards wait meanwhile."""

AGAIN_AFTER = timedelta(seconds=1)
"""When to look again after a sender that has a message of the person in hand."""

MERGED = "merged"
USER_CHANGED = "user changed"
"""Why an enrollment was dropped: both people were inside; its device came to another user."""


@dataclass(slots=True)
class Outcome:
    """What a transaction of transfers did. `is_contended`: others had leases that were needed."""

    n: int = 0
    is_contended: bool = False


class Transfers:
    """One transaction of transfers out of one shard. `run` must be called inside a repeatable-read transaction."""

    def __init__(self, conn: Conn, catalog: Catalog, *, shard: int, now: datetime) -> None:
        self._conn = conn
        self._catalog = catalog
        self._now = now
        self._from = Hold(conn, shard, now)
        self._holds: dict[int, Hold | None] = {}
        self._next: dict[int, int] = {}

    async def run(self) -> Outcome:
        """Move what is due and can be moved now."""
        outcome = Outcome()
        if await self._hold(self._from.shard) is None:
            return Outcome(is_contended=True)
        for shard, transfers in sorted((await self._chosen()).items()):
            target = await self._hold(shard)
            if target is None:
                outcome.is_contended = True
            else:
                outcome.n += await self._transfer(transfers, target)
        for shard, hold in self._holds.items():
            if hold is not None:
                await hold.close(self._next[shard])
        return outcome

    async def _hold(self, shard: int) -> Hold | None:
        """Return the shard, if this transaction has its lease. Nobody waits for one, so nobody waits in a circle."""
        if shard not in self._holds:
            hold = self._from if shard == self._from.shard else Hold(self._conn, shard, self._now)
            number = await hold.take_lease()
            self._holds[shard] = hold if number is not None else None
            self._next[shard] = number or 0
        return self._holds[shard]

    async def _chosen(self) -> dict[int, list[Transfer]]:
        """Return what to move together, by the shard it goes to: of each person, and to each person, one transfer.

        What goes to somebody who became another in the meantime goes to that one.
        """
        due = await self._from.due(BATCH)
        heirs = await find_heirs(self._conn, {transfer.into for transfer in due})
        chosen: dict[int, list[Transfer]] = {}
        busy: set[Person] = set()
        for transfer in due:
            person = Person(self._from.shard, transfer.profile_id)
            into = heirs.get(transfer.into, transfer.into)
            if into is None or into == person:
                await self._from.finish([transfer])  # whoever deleted the one has deleted the other, too
            elif busy.isdisjoint({person, into}):
                busy |= {person, into}
                chosen.setdefault(into.shard, []).append(replace(transfer, into=into))
        return chosen

    async def _transfer(self, transfers: Sequence[Transfer], target: Hold) -> int:
        """Move what can be moved now; return how many transfers that were."""
        hwids = {transfer.profile_id: transfer.hwid for transfer in transfers}
        enrollments = [
            each for each in await self._from.enrollments(transfers) if _is_meant(each, hwids[each.profile_id])
        ]
        claimed = await self._from.claimed([each.enrollment_id for each in enrollments])
        waiting = {each.profile_id for each in enrollments if each.enrollment_id in claimed}
        await self._from.postpone(waiting, self._now + AGAIN_AFTER)
        ready = [transfer for transfer in transfers if transfer.profile_id not in waiting]
        if ready:
            await self._move(ready, [each for each in enrollments if each.profile_id not in waiting], target)
        return len(ready)

    async def _move(
        self, transfers: Sequence[Transfer], enrollments: Sequence[MovableEnrollment], target: Hold
    ) -> None:
        by_profile = {transfer.profile_id: transfer for transfer in transfers}
        reasons = self._refusals(by_profile, enrollments, await target.stays_of(transfers))
        await self._from.drop(reasons)
        # Of what came through a device that has changed hands, the ended stays where it was.
        moving = [
            each.enrollment_id
            for each in enrollments
            if by_profile[each.profile_id].hwid == EVERYTHING or each.enrollment_id not in reasons
        ]
        first = self._next[target.shard]
        self._next[target.shard] += len(moving)
        numbers = {"enrollment_ids": moving, "new_ids": list(range(first, first + len(moving)))}
        events = await self._move_people([each for each in transfers if each.hwid == EVERYTHING], numbers, target)
        given = {
            **_people(transfers),
            **numbers,
            "event_profiles": [profile_id for profile_id, _, _ in events],
            "event_ids": [number for _, number, _ in events],
            "new_event_ids": [number for _, _, number in events],
        }
        for what in OF_ENROLLMENTS:
            if rows := await self._from.take(what, **given):
                await target.put(what, rows, **given)
        await self._from.finish(transfers)

    def _refusals(
        self,
        transfers: Mapping[int, Transfer],
        enrollments: Iterable[MovableEnrollment],
        inside: set[tuple[int, int, str]],
    ) -> dict[int, str]:
        """Say which enrollments end, and why: where the journey wants it so, and where the other is inside, too."""
        reasons: dict[int, str] = {}
        for each in enrollments:
            transfer = transfers[each.profile_id]
            changes_user = transfer.hwid != EVERYTHING
            is_double = (transfer.into.profile_id, each.journey_id, each.entry_key) in inside
            if each.is_inside and (is_double or (changes_user and self._drops(each.journey_id))):
                reasons[each.enrollment_id] = USER_CHANGED if changes_user else MERGED
        return reasons

    def _drops(self, journey_id: int) -> bool:
        journey = self._catalog.journeys.get(journey_id)
        return journey is not None and journey.settings.user_id_track_change_policy.endswith("DROP")

    async def _move_people(
        self, transfers: Sequence[Transfer], numbers: Mapping[str, Sequence[int]], target: Hold
    ) -> list[tuple[int, int, int]]:
        """Move all that is not an enrollment's; return the events: former profile, former and new number."""
        if not transfers:
            return []
        people = _people(transfers)
        await self._lock_names(transfers)
        await self._from.bequeath(target.shard, **people)
        own = await self._devices(transfers)
        events: list[tuple[int, int, int]] = []
        while some := await self._from.take_events(people["profile_ids"]):
            events += await target.put_events(some, **people)
        for what in OF_PEOPLE:
            if rows := await self._from.take(what, profile_ids=people["profile_ids"]):
                await target.put(what, rows, **people, **numbers, **own)
        await self._from.forget_members(people["profile_ids"])
        workspaces = sorted({transfer.workspace_id for transfer in transfers})
        await target.look_at(sorted(set(people["new_profiles"])), workspaces)
        return events

    async def _lock_names(self, transfers: Sequence[Transfer]) -> None:
        """Lock what people go by in the order in which everybody does."""
        people = {Person(self._from.shard, transfer.profile_id) for transfer in transfers}
        names = set[Identity]().union(*(await identities_of(self._conn, people)).values())
        await lock_identities(self._conn, names, shard_count=await shard_count(self._conn))

    async def _devices(self, transfers: Sequence[Transfer]) -> dict[str, list[int] | list[str]]:
        """Return what people go by who got something: a device that has changed hands since is not theirs."""
        present = await find_predecessors(self._conn, {transfer.into for transfer in transfers})
        names = await identities_of(self._conn, present.keys())
        own = sorted({(present[person].profile_id, one.value) for person, known in names.items() for one in known})
        return {"owners": [profile_id for profile_id, _ in own], "hwids": [value for _, value in own]}


def _is_meant(enrollment: MovableEnrollment, hwid: str) -> bool:
    """Tell whether a transfer is about an enrollment: all of a person, or those inside that came through a device."""
    return hwid == EVERYTHING or (enrollment.is_inside and enrollment.hwid == hwid)


def _people(transfers: Sequence[Transfer]) -> dict[str, list[int]]:
    return {
        "profile_ids": [transfer.profile_id for transfer in transfers],
        "new_profiles": [transfer.into.profile_id for transfer in transfers],
    }
