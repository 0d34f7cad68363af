"""Owners: whose the identities of a batch of notices are, deciding about people and devices seen for the first time.

The user id decides who a person is. A device whose person has no user id yet brings that person along when a new user
id comes with it; a device that belonged to another user changes hands.

Every transaction takes its locks in one order: new user ids, other new identities, identities that change hands, each
sorted. So two of them never wait for each other in a circle.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sojourn.model.identities import Identity, Person
from sojourn.service.notices import Notice, json_text
from sojourn.store import identities as store
from sojourn.store.connection import Conn
from sojourn.store.identities import Owners
from sojourn.store.inbox import InboxKind, InboxRow


async def address(conn: Conn, notices: Sequence[Notice], *, shard_count: int, now: datetime) -> list[InboxRow]:
    """Find or make the people of notices. Return the rows for their inboxes, in the order of the notices."""
    registry = Registry(conn, shard_count=shard_count, now=now)
    await registry.load(notices)
    rows = [row for notice in notices for row in registry.settle(notice)]
    await registry.keep_moves()
    return rows


class Registry:
    """Who is who, within one transaction."""

    def __init__(self, conn: Conn, *, shard_count: int, now: datetime) -> None:
        self._conn = conn
        self._shard_count = shard_count
        self._now = now
        self._owners: Owners = {}
        self._unannounced: dict[Person, Identity] = {}
        self._anonymous: set[Person] = set()
        self._devices: dict[tuple[Person, str], dict[int | None, str]] = {}  # by app: the data of the inbox row
        self._moved: Owners = {}

    async def load(self, notices: Sequence[Notice]) -> None:
        """Read and claim all identities of the notices."""
        wanted = {identity for notice in notices for identity in notice.identities}
        self._owners = await store.find_identities(self._conn, wanted, shard_count=self._shard_count)
        if len(self._owners) < len(wanted):
            unknown = sorted(wanted - self._owners.keys())
            await self._claim_leads([identity for identity in unknown if identity.kind == "user_id"])
            await self._claim_others([identity for identity in unknown if identity.kind != "user_id"], notices)
        contested = {
            identity: self._owners[identity]
            for notice in notices
            for identity in notice.identities[1:]
            if self._owners[identity] != self._owners[notice.identities[0]]
        }
        if contested:
            await self._examine(contested)

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
                if identity.kind != "user_id":
                    self._anonymous.add(person)
        if lost := wanted.keys() - claimed:
            self._owners |= await store.find_identities(self._conn, lost, shard_count=self._shard_count)

    async def _examine(self, contested: Mapping[Identity, Person]) -> None:
        """Lock the identities that may change hands, and read what deciding about them takes."""
        self._owners |= await store.lock_identities(self._conn, contested, shard_count=self._shard_count)
        pairs = {(self._owners[identity], identity.value) for identity in contested}
        names = await store.identities_of(self._conn, {person for person, _ in pairs})
        self._anonymous |= {
            person for person, known in names.items() if not any(identity.kind == "user_id" for identity in known)
        }
        for device in await store.devices_of(self._conn, pairs):
            self._devices.setdefault((device.person, device.hwid), {})[device.app_id] = device.data

    def settle(self, notice: Notice) -> Iterator[InboxRow]:
        """Decide whose a notice is. Yield its rows, and before them what its person needs to know first."""
        lead, *others = notice.identities
        for identity in others:
            if self._owners[identity] != self._owners[lead]:
                yield from self._join(notice, lead, identity)
        person = self._owners[lead]
        if self._unannounced.pop(person, None):
            yield self._announcement(notice, lead, person)
        for row in notice.rows(person, self._now):
            if row.kind == "device":
                self._devices.setdefault((person, others[-1].value if others else lead.value), {})[row.app_id] = (
                    row.data
                )
            yield row

    def _join(self, notice: Notice, lead: Identity, identity: Identity) -> Iterator[InboxRow]:
        person, former = self._owners[lead], self._owners[identity]
        if person in self._unannounced and lead.kind == "user_id" and former in self._anonymous:
            del self._unannounced[person]
            self._unannounced.pop(former, None)
            self._anonymous.discard(former)
            self._owners[lead] = self._moved[lead] = former
            yield self._announcement(notice, lead, former)
        else:
            self._owners[identity] = self._moved[identity] = person
            yield from self._hand_over(notice, identity, former, person)

    def _announcement(self, notice: Notice, lead: Identity, person: Person) -> InboxRow:
        data: dict[str, Any] = {"operations": []}
        if lead.kind == "user_id":
            data["user_id"] = lead.value
        return self._row(notice, person, "attributes", data, notice.app_id)

    def _hand_over(self, notice: Notice, identity: Identity, former: Person, person: Person) -> Iterator[InboxRow]:
        devices = self._devices.pop((former, identity.value), {})
        gone = {"hwid": identity.value, "gone": True}
        for app_id in {**devices, notice.app_id: ""}:
            yield self._row(notice, former, "device", gone, app_id)
        if any(word.kind == "device" for word in notice.words):
            devices.pop(notice.app_id, None)
        if devices and self._unannounced.pop(person, None):
            yield self._announcement(notice, notice.identities[0], person)
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

    async def keep_moves(self) -> None:
        """Write down which identities changed hands."""
        if self._moved:
            await store.move_identities(self._conn, self._moved, shard_count=self._shard_count)
