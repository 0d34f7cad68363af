"""Identities: whose a user id, hwid, address or phone number is. Sets in, sets out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sojourn.model.identities import Identity, IdentityKind, Person
from sojourn.store.arrays import numbers, texts
from sojourn.store.connection import Conn
from sojourn.store.former import find_heirs
from sojourn.store.queries import QUERIES

Owners = dict[Identity, Person]


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """The latest word on a device. `data` is the JSON text of an inbox row of kind `device`."""

    person: Person
    hwid: str
    app_id: int
    data: str


async def devices_of(conn: Conn, hwids: Collection[tuple[Person, str]]) -> list[KnownDevice]:
    """Return what is known of devices, given as whose and which."""
    arrays = _people([person for person, _ in hwids]) | {"hwids": [hwid for _, hwid in hwids]}
    cursor = await conn.execute(QUERIES["devices_of"], arrays)
    return [
        KnownDevice(Person(shard, profile_id), hwid, app_id, data)
        for shard, profile_id, hwid, app_id, data in await cursor.fetchall()
    ]


async def find_identities(conn: Conn, identities: Iterable[Identity], *, shard_count: int) -> Owners:
    """Return whose the identities are; those that nobody has, or only somebody who was deleted, are left out."""
    cursor = await conn.execute(QUERIES["find_identities"], _identities(sorted(identities), shard_count))
    return await _present_owners(conn, await cursor.fetchall())


async def identities_of(conn: Conn, people: Collection[Person]) -> dict[Person, set[Identity]]:
    """Return the identities that are written down as these people's."""
    cursor = await conn.execute(QUERIES["identities_of"], _people(list(people)))
    found: dict[Person, set[Identity]] = {person: set() for person in people}
    for workspace_id, kind, value, shard, profile_id in await cursor.fetchall():
        found[Person(shard, profile_id)].add(Identity(workspace_id, kind, value))
    return found


async def insert_identities(
    conn: Conn, owners: Mapping[Identity, Person], *, shard_count: int, now: datetime
) -> set[Identity]:
    """Claim identities for people. Return those claimed; the others were somebody's already."""
    arrays = _owned(owners, shard_count) | {"now": now}
    cursor = await conn.execute(QUERIES["insert_identities"], arrays)
    return set(_owners(await cursor.fetchall()))


async def lock_identities(conn: Conn, identities: Iterable[Identity], *, shard_count: int) -> Owners:
    """Return whose the identities are, and keep that so until the transaction ends."""
    cursor = await conn.execute(QUERIES["lock_identities"], _identities(sorted(identities), shard_count))
    return await _present_owners(conn, await cursor.fetchall())


async def move_identities(conn: Conn, owners: Mapping[Identity, Person], *, shard_count: int) -> None:
    """Give identities, whose locks the caller holds, to other people."""
    await conn.execute(QUERIES["move_identities"], _owned(owners, shard_count))


async def new_profile_ids(conn: Conn, *, count: int) -> list[int]:
    """Reserve numbers for `count` new people."""
    cursor = await conn.execute(QUERIES["new_profile_ids"], {"count": count})
    return [number for (number,) in await cursor.fetchall()]


def _people(people: Collection[Person]) -> dict[str, Any]:
    return {"shards": [person.shard for person in people], "profile_ids": [person.profile_id for person in people]}


def _identities(identities: Sequence[Identity], shard_count: int) -> dict[str, Any]:
    return {
        "shards": numbers([identity.shard(shard_count) for identity in identities]),
        "workspace_ids": numbers([identity.workspace_id for identity in identities]),
        "kinds": texts([identity.kind for identity in identities]),
        "values": texts([identity.value for identity in identities]),
    }


def _owned(owners: Mapping[Identity, Person], shard_count: int) -> dict[str, Any]:
    """Arrays in the order of locking, so that two transactions never wait for each other."""
    identities = sorted(owners)
    return _identities(identities, shard_count) | {
        "profile_shards": numbers([owners[identity].shard for identity in identities]),
        "profile_ids": numbers([owners[identity].profile_id for identity in identities]),
    }


async def _present_owners(conn: Conn, rows: Sequence[tuple[Any, ...]]) -> Owners:
    """Name the people whom owners have become since, without those who were deleted."""
    owners = _owners([row[:5] for row in rows])
    former = {Person(row[3], row[4]) for row in rows if row[5]}
    if not former:
        return owners
    heirs = await find_heirs(conn, former)
    present = {identity: heirs.get(person, person) for identity, person in owners.items()}
    return {identity: person for identity, person in present.items() if person is not None}


def _owners(rows: Sequence[tuple[Any, ...]]) -> Owners:
    # The column is the enum identity_kind, whose words are those of IdentityKind.
    return {
        Identity(workspace_id, cast("IdentityKind", kind), value): Person(shard, profile_id)
        for workspace_id, kind, value, shard, profile_id in rows
    }
