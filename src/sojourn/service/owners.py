"""Owners: whose the identities of a batch of notices are, deciding about people and devices seen for the first time.

The identities of a notice belong to one person from then on. Where they belonged to two, these become one; except two
people who both have a user id: then what was named beside the first changes hands. See docs/identity.md.

Every transaction takes its locks in one order: new user ids, other new identities, and then, sorted, the identities
that may change hands with all that the people go by who may become others. So two of them never wait for each other in
a circle, and nobody becomes two people at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sojourn.model.identities import Identity, Person
from sojourn.service.notices import Notice, json_text
from sojourn.store import identities as store
from sojourn.store.connection import Conn
from sojourn.store.former import find_predecessors, insert_former
from sojourn.store.identities import Owners
from sojourn.store.inbox import InboxKind, InboxRow

NOT_DEVICES = frozenset({"anonymous_id", "user_id"})
"""Kinds of identities that reach nobody."""


async def address(conn: Conn, notices: Sequence[Notice], *, shard_count: int, now: datetime) -> list[InboxRow]:
    """Find or make the people of notices. Return the rows for their inboxes, in the order of the notices."""
    registry = Registry(conn, shard_count=shard_count, now=now)
    await registry.load(notices)
    rows = [row for notice in notices for row in registry.settle(notice)]
    await registry.keep()
    return rows


class Registry:
    """Who is who, within one transaction."""

    def __init__(self, conn: Conn, *, shard_count: int, now: datetime) -> None:
        self._conn = conn
        self._shard_count = shard_count
        self._now = now
        self._owners: Owners = {}
        self._unannounced: dict[Person, Identity] = {}
        self._users: set[Person] = set()
        """Of the people who may become others, and of new ones: who has a user id."""
        self._devices: dict[tuple[Person, str], dict[int | None, str]] = {}  # by app: the data of the inbox row
        self._moved: Owners = {}
        self._heirs: dict[Person, Person] = {}

    async def load(self, notices: Sequence[Notice]) -> None:
        """Read and claim all identities of the notices."""
        wanted = {identity for notice in notices for identity in notice.identities}
        self._owners = await store.find_identities(self._conn, wanted, shard_count=self._shard_count)
        if len(self._owners) < len(wanted):
            unknown = sorted(wanted - self._owners.keys())
            await self._claim_leads([identity for identity in unknown if identity.kind == "user_id"])
            await self._claim_others([identity for identity in unknown if identity.kind != "user_id"], notices)
        people = {person for notice in notices if len(owners := self._owners_of(notice)) > 1 for person in owners}
        if people:
            await self._examine([notice for notice in notices if not people.isdisjoint(self._owners_of(notice))])

    def _owners_of(self, notice: Notice) -> set[Person]:
        return {self._owners[identity] for identity in notice.identities}

    async def _claim_leads(self, unknown: Sequence[Identity]) -> None:
        await self._claim(dict(zip(unknown, await self._new_people(unknown), strict=True)))

    async def _claim_others(self, unknown: Sequence[Identity], notices: Sequence[Notice]) -> None:
        """Claim devices and addresses: for the user who came with them first, or else for a new person."""
        firsts: dict[Identity, Identity] = {}
        for notice in notices:
            for identity in notice.identities:
                firsts.setdefault(identity, notice.identities[0])
        alone = [identity for identity in unknown if firsts[identity] not in self._owners]
        newcomers = dict(zip(alone, await self._new_people(alone), strict=True))
        await self._claim({one: newcomers.get(one) or self._owners[firsts[one]] for one in unknown})

    async def _new_people(self, identities: Sequence[Identity]) -> list[Person]:
        if not identities:
            return []
        numbers = await store.new_profile_ids(self._conn, count=len(identities))
        shards = (identity.shard(self._shard_count) for identity in identities)
        return [Person(shard, number) for shard, number in zip(shards, numbers, strict=True)]

    async def _claim(self, wanted: Mapping[Identity, Person]) -> None:
        """Claim identities, reading back those that somebody else claimed in the meantime."""
        if not wanted:
            return
        claimed = await store.insert_identities(self._conn, wanted, shard_count=self._shard_count, now=self._now)
        known = set(self._owners.values())
        for identity in claimed:
            person = self._owners[identity] = wanted[identity]
            if person not in known:
                self._unannounced[person] = identity
                if identity.kind == "user_id":
                    self._users.add(person)
        if lost := wanted.keys() - claimed:
            self._owners |= await store.find_identities(self._conn, lost, shard_count=self._shard_count)

    async def _examine(self, contested: Sequence[Notice]) -> None:
        """Lock whatever may change hands, and read what deciding about it takes.

        Again, where somebody else decided about an identity while we waited for its lock.
        """
        disputed = {identity for notice in contested for identity in notice.identities}
        joined = {identity for notice in contested if notice.joins_users for identity in notice.identities}
        seen: set[Person] = set()
        while people := {self._owners[identity] for identity in disputed} - seen:
            seen |= people
            names = await store.identities_of(self._conn, seen)
            may_end = {person for person in seen if not _is_user(names[person])}
            may_end |= {self._owners[identity] for identity in joined}
            locked = disputed.union(*(names[person] for person in may_end))
            self._owners |= await store.lock_identities(self._conn, locked, shard_count=self._shard_count)
        names = await store.identities_of(self._conn, seen)
        self._users |= {person for person in seen if _is_user(names[person])}
        await self._learn_devices(disputed)

    async def _learn_devices(self, disputed: set[Identity]) -> None:
        """Read what is known of devices, also where a person has them from whom they were before."""
        pairs = {(self._owners[identity], identity.value) for identity in disputed if identity.kind not in NOT_DEVICES}
        if not pairs:
            return
        present = await find_predecessors(self._conn, {person for person, _ in pairs})
        before: dict[Person, list[Person]] = {}
        for each, person in present.items():
            before.setdefault(person, []).append(each)
        asked = {(each, hwid) for person, hwid in pairs for each in before[person]}
        for device in await store.devices_of(self._conn, asked):
            self._devices.setdefault((present[device.person], device.hwid), {})[device.app_id] = device.data

    # Deciding -----------------------------------------------------------------------------------------------

    def settle(self, notice: Notice) -> Iterator[InboxRow]:
        """Decide whose a notice is. Yield its rows, and before them what its person needs to know first."""
        lead, *others = notice.identities
        for identity in others:
            if self._owners[identity] != self._owners[lead]:
                yield from self._join(notice, lead, identity)
        person = self._owners[lead]
        if self._unannounced.pop(person, None):
            yield self._announcement(notice, person)
        for row in notice.rows(person, self._now):
            if row.kind == "device":
                self._devices.setdefault((person, others[-1].value if others else lead.value), {})[row.app_id] = (
                    row.data
                )
            yield row

    def _join(self, notice: Notice, lead: Identity, identity: Identity) -> Iterator[InboxRow]:
        """Make the people of two identities one, or let the second identity change hands."""
        person, former = self._owners[lead], self._owners[identity]
        if person in self._users and former in self._users:
            if notice.joins_users and identity.kind == "user_id":
                yield from self._merge(notice, former, person)
            else:
                self._owners[identity] = self._moved[identity] = person
                yield from self._hand_over(notice, identity, former, person)
                data = {"into_shard": person.shard, "into_profile": person.profile_id, "hwid": identity.value}
                yield self._row(notice, former, "transfer", data, None)
        elif former in self._users:
            yield from self._merge(notice, person, former)
        else:
            yield from self._merge(notice, former, person)

    def _merge(self, notice: Notice, loser: Person, winner: Person) -> Iterator[InboxRow]:
        """Let one person become another. Of whom nobody has heard yet there is nothing to move."""
        if loser in self._unannounced:
            del self._unannounced[loser]
            self._rename(loser, winner)
        elif winner in self._unannounced and loser not in self._users:
            del self._unannounced[winner]
            self._rename(winner, loser)
            if winner in self._users:
                self._users.add(loser)
                yield self._announcement(notice, loser)
        else:
            if self._unannounced.pop(winner, None):
                yield self._announcement(notice, winner)
            self._rename(loser, winner)
            self._heirs[loser] = winner
            data = {"into_shard": winner.shard, "into_profile": winner.profile_id}
            yield self._row(notice, loser, "transfer", data, None)

    def _rename(self, one: Person, other: Person) -> None:
        """Note that all that one person goes by, and their devices, are another's."""
        for identity in [identity for identity, person in self._owners.items() if person == one]:
            self._owners[identity] = self._moved[identity] = other
        for key in [key for key in self._devices if key[0] == one]:
            self._devices.setdefault((other, key[1]), {}).update(self._devices.pop(key))

    def _announcement(self, notice: Notice, person: Person) -> InboxRow:
        data: dict[str, Any] = {"operations": []}
        user_ids = [one.value for one in notice.identities if one.kind == "user_id" and self._owners[one] == person]
        if user_ids:
            data["user_id"] = user_ids[0]
        return self._row(notice, person, "attributes", data, notice.app_id)

    def _hand_over(self, notice: Notice, identity: Identity, former: Person, person: Person) -> Iterator[InboxRow]:
        if identity.kind in NOT_DEVICES:
            return
        devices = self._devices.pop((former, identity.value), {})
        gone = {"hwid": identity.value, "gone": True}
        for app_id in {**devices, notice.app_id: ""}:
            yield self._row(notice, former, "device", gone, app_id)
        if any(word.kind == "device" for word in notice.words):
            devices.pop(notice.app_id, None)
        if devices and self._unannounced.pop(person, None):
            yield self._announcement(notice, person)
        for app_id, data in devices.items():
            yield self._row(notice, person, "device", msgspec.json.decode(data), app_id)
        self._devices[person, identity.value] = devices

    def _row(
        self, notice: Notice, person: Person, kind: InboxKind, data: Mapping[str, Any], app_id: int | None
    ) -> InboxRow:
        return InboxRow(
            shard=person.shard,
            kind=kind,
            workspace_id=notice.workspace_id,
            app_id=app_id,
            profile_id=person.profile_id,
            data=json_text(data),
            occurred_at=self._now,
        )

    async def keep(self) -> None:
        """Write down which identities changed hands, and who became whom."""
        if self._moved:
            await store.move_identities(self._conn, self._moved, shard_count=self._shard_count)
        if self._heirs:
            await insert_former(self._conn, self._heirs, now=self._now)


def _is_user(names: set[Identity]) -> bool:
    return any(identity.kind == "user_id" for identity in names)
