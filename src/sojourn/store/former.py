"""People who are no more: merged into others, or deleted."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sojourn.model.identities import Person
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


async def find_heirs(conn: Conn, people: Collection[Person]) -> dict[Person, Person | None]:
    """Return whom people became in the end, None for the deleted; those who are still themselves are left out."""
    heirs: dict[Person, Person | None] = {}
    asked = set(people)
    while asked:
        found = await _step(conn, asked)
        heirs |= found
        asked = {heir for heir in found.values() if heir is not None} - heirs.keys()
    return {person: _last(heirs, person) for person in people if person in heirs}


async def find_predecessors(conn: Conn, people: Collection[Person]) -> dict[Person, Person]:
    """Return the people with all those who became them, moved or about to be: whom each became of the people given."""
    cursor = await conn.execute(QUERIES["find_predecessors"], _arrays(people))
    return {
        Person(shard, profile_id): Person(into_shard, into_profile)
        for shard, profile_id, into_shard, into_profile in await cursor.fetchall()
    }


async def insert_former(conn: Conn, heirs: Mapping[Person, Person], *, now: datetime) -> None:
    """Note whom people become. The caller holds the locks of all that they go by."""
    arrays = _arrays(heirs) | {
        "into_shards": [heir.shard for heir in heirs.values()],
        "into_profiles": [heir.profile_id for heir in heirs.values()],
    }
    await conn.execute(QUERIES["insert_former"], arrays | {"now": now})


async def _step(conn: Conn, people: Collection[Person]) -> dict[Person, Person | None]:
    cursor = await conn.execute(QUERIES["find_heirs"], _arrays(people))
    return {
        Person(shard, profile_id): None if into_shard is None else Person(into_shard, into_profile)
        for shard, profile_id, into_shard, into_profile in await cursor.fetchall()
    }


def _last(heirs: dict[Person, Person | None], person: Person) -> Person | None:
    """Follow a chain to its end. Chains have no circles: whoever merges people holds all that both go by."""
    last: Person | None = person
    while last is not None and last in heirs:
        last = heirs[last]
    return last


def _arrays(people: Collection[Person]) -> dict[str, list[int]]:
    return {"shards": [person.shard for person in people], "profile_ids": [person.profile_id for person in people]}
