"""Deletion: people and devices taken out, with all that is known about them.

A person's rows have one writer, the tick of their shard, so whoever deletes takes the lease of the shard and waits for
a tick under way. Whatever is still on its way to a deleted person, accepted before by a transaction that ends later,
goes nowhere: the person's number stays behind in `former_profile`. See docs/identity.md.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from sojourn.model.identities import EMAIL, Identity, Person, anonymous_identity, device_identity, user_identity
from sojourn.model.problems import Problem
from sojourn.service.commands import Caller, DeleteDevice, DeletePerson, Done, Removed, UnregisterDevice
from sojourn.service.errors import DeviceNotFound, Overloaded, PersonNotFound
from sojourn.service.notices import json_text, look_rows
from sojourn.service.resources import Resources
from sojourn.service.values import INTEGER_MAX, id_problems, refuse
from sojourn.store import deletion as store
from sojourn.store.connection import Conn
from sojourn.store.deletion import Grave
from sojourn.store.directory import app_ids
from sojourn.store.former import find_heirs, find_predecessors
from sojourn.store.identities import devices_of, find_identities, identities_of, lock_identities
from sojourn.store.inbox import InboxRow, append_inbox

ATTEMPTS = 5
"""How often a deletion begins anew because a person was merged while it waited for leases."""


async def delete_person(resources: Resources, caller: Caller, command: DeletePerson) -> Removed:
    """Delete a person with all their data, in one transaction. Waits for a tick of their shard.

    Raises:
        InvalidDocument: Not exactly one of the ways to name a person, or an id that cannot be one.
        PersonNotFound: The workspace has no such person.
    """
    refuse(_person_problems(command))
    shard_count = await resources.facts.shard_count()

    async def delete(conn: Conn, held: Collection[int]) -> Counter[str]:
        person = await _named(conn, caller, command, shard_count)
        return await _erase(conn, caller, person, held, resources.clock(), shard_count)

    return Removed(removed=await _with_leases(resources, delete))


async def delete_device(resources: Resources, caller: Caller, command: DeleteDevice) -> Removed:
    """Delete a device or address. Of the person it belongs to everything else stays, unless nothing else names them.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        DeviceNotFound: Nobody has such a device.
        InvalidDocument: The id cannot be one.
    """
    refuse(_hwid_problems(command.hwid))
    shard_count = await resources.facts.shard_count()
    chosen = await _apps(resources, caller, command.application_code)
    identity = device_identity(caller.workspace_id, command.hwid)

    async def delete(conn: Conn, held: Collection[int]) -> Counter[str]:
        found = await find_identities(conn, {identity}, shard_count=shard_count)
        person = found.get(identity)
        if person is None:
            raise DeviceNotFound
        _require({person}, held)
        removed = await store.erase_device(conn, person, identity.value, app_ids=chosen)
        now = resources.clock()
        if not await devices_of(conn, {(person, identity.value)}):  # it is no device of another app
            everything = await identities_of(conn, await find_predecessors(conn, {person}))
            if set().union(*everything.values()) <= {identity}:
                return removed + await _erase(conn, caller, person, held, now, shard_count)
            removed += await store.erase_identity(conn, identity, shard_count=shard_count)
        await append_inbox(conn, look_rows([person], workspace_id=caller.workspace_id, now=now), now=now)
        return removed

    return Removed(removed=await _with_leases(resources, delete))


async def unregister_device(resources: Resources, caller: Caller, command: UnregisterDevice) -> Done:
    """Stop sending to a device: it loses its push token and its subscription, until it is registered again.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        DeviceNotFound: Nobody has such a device in this app.
        InvalidDocument: The id cannot be one.
    """
    refuse(_hwid_problems(command.hwid))
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    shard_count, now = await resources.facts.shard_count(), resources.clock()
    identity = device_identity(caller.workspace_id, command.hwid)
    async with resources.pool.connection() as conn, conn.transaction():
        person = (await lock_identities(conn, {identity}, shard_count=shard_count)).get(identity)
        known = await devices_of(conn, {(person, identity.value)}) if person is not None else []
        rows = [
            InboxRow(
                shard=each.person.shard,
                kind="device",
                workspace_id=caller.workspace_id,
                app_id=app_id,
                profile_id=each.person.profile_id,
                data=json_text(_unregistered(msgspec.json.decode(each.data))),
                occurred_at=now,
            )
            for each in known
            if each.app_id == app_id
        ]
        if not rows:
            raise DeviceNotFound
        await append_inbox(conn, rows, now=now)
    return Done()


def _unregistered(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "push_token"} | {"is_subscribed": False}


async def _apps(resources: Resources, caller: Caller, application_code: str) -> list[int]:
    """Return the app of a code, or all apps of the workspace without one."""
    if application_code:
        return [await resources.facts.app_id(caller.workspace_id, application_code)]
    async with resources.pool.connection() as conn:
        return sorted((await app_ids(conn, workspace_id=caller.workspace_id)).values())


async def _named(conn: Conn, caller: Caller, command: DeletePerson, shard_count: int) -> Person:
    """Find the person whom a command names."""
    if command.profile is not None:
        found = await store.people_numbered(
            conn, [command.profile], workspace_id=caller.workspace_id, shard_count=shard_count
        )
        heirs = await find_heirs(conn, found)
        people = [heir for person in found if (heir := heirs.get(person, person)) is not None]
    else:
        identity = _identity(caller.workspace_id, command)
        people = list((await find_identities(conn, {identity}, shard_count=shard_count)).values())
    if not people:
        raise PersonNotFound
    return people[0]


def _identity(workspace_id: int, command: DeletePerson) -> Identity:
    if command.user_id:
        return user_identity(workspace_id, command.user_id)
    if command.anonymous_id:
        return anonymous_identity(workspace_id, command.anonymous_id)
    return device_identity(workspace_id, command.hwid or command.email)


async def _erase(
    conn: Conn, caller: Caller, person: Person, held: Collection[int], now: datetime, shard_count: int
) -> Counter[str]:
    """Delete a person, and with them whoever was merged into them, moved or not yet."""
    people = (await find_predecessors(conn, {person})).keys()
    _require(people, held)
    names = set[Identity]().union(*(await identities_of(conn, people)).values())
    await lock_identities(conn, names, shard_count=shard_count)
    removed = Counter[str]()
    for shard in sorted({each.shard for each in people}):
        numbers = sorted(each.profile_id for each in people if each.shard == shard)
        removed += await store.erase_people(conn, Grave(shard, caller.workspace_id, numbers), now=now)
    return removed


# Leases -----------------------------------------------------------------------------------------------------------


class _Unleased(Exception):  # no error: the work is begun anew with these leases
    """Some work needs the leases of these shards."""

    def __init__(self, shards: set[int]) -> None:
        self.shards = shards


def _require(people: Collection[Person], held: Collection[int]) -> None:
    shards = {person.shard for person in people}
    if not shards <= set(held):
        raise _Unleased(shards)


async def _with_leases(
    resources: Resources, work: Callable[[Conn, Collection[int]], Awaitable[Counter[str]]]
) -> Mapping[str, int]:
    """Do some work under the leases that it asks for, in one transaction. Return what was counted.

    The work is begun without leases, to learn whose it takes; and anew, where a person was merged meanwhile.

    Raises:
        Overloaded: The person is being merged over and over.
    """
    held: set[int] = set()
    for _ in range(ATTEMPTS):
        try:
            async with resources.pool.connection() as conn, conn.transaction():
                await store.lease_shards(conn, sorted(held))
                removed = await work(conn, held)
        except _Unleased as lacking:
            held = lacking.shards
        else:
            return {table: n for table, n in sorted(removed.items()) if n}
    raise Overloaded


# Problems ---------------------------------------------------------------------------------------------------------


def _person_problems(command: DeletePerson) -> Iterator[Problem]:
    names = ("user_id", "hwid", "email", "anonymous_id")
    given = [name for name in names if getattr(command, name)] + ["profile"] * (command.profile is not None)
    if len(given) != 1:
        text = "name the person in one way: by user_id, hwid, email, anonymous_id or profile"
        yield Problem("subject.missing", "subject", text)
    for name in names:
        yield from id_problems(getattr(command, name), name)
    if command.email and not EMAIL.fullmatch(command.email):
        yield Problem("email.form", "email", "an email address has the form `name@example.com`")
    if command.profile is not None and not 0 < command.profile <= INTEGER_MAX:
        yield Problem("value.out_of_range", "profile", "the number of a profile is a positive integer")


def _hwid_problems(hwid: str) -> Iterator[Problem]:
    if not hwid:
        yield Problem("subject.missing", "hwid", "a hwid is required")
    yield from id_problems(hwid, "hwid")
