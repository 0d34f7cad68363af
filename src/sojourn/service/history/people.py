"""People: found by what they go by, and shown with everything that is known of them now."""

from collections.abc import Iterator

from sojourn.model.identities import (
    Identity,
    IdentityKind,
    Person,
    anonymous_identity,
    device_identity,
    user_identity,
)
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    Caller,
    FindPeople,
    FoundPeople,
    FoundPerson,
    GetPerson,
    KnownDevice,
    KnownName,
    PersonKey,
    PersonView,
)
from sojourn.service.errors import PersonNotFound
from sojourn.service.resources import Resources
from sojourn.service.values import id_problems, refuse, text_problems
from sojourn.store import history as store
from sojourn.store.connection import Conn
from sojourn.store.identities import find_identities
from sojourn.store.reports import take_snapshot

PAGE_MAX = 200


async def find_people(resources: Resources, caller: Caller, command: FindPeople) -> FoundPeople:
    """Find people by the beginning of their user id, or the one who goes by a name.

    Raises:
        InvalidDocument: A name or a page that cannot be.
    """
    refuse(_find_problems(command))
    shard_count = await resources.facts.shard_count()
    async with resources.pool.connection() as conn, conn.transaction():
        await take_snapshot(conn)
        if command.key is not None:
            person = await _owner(conn, caller, command.key, shard_count)
            return FoundPeople(items=await _listed(conn, caller, [person] if person else []), next_after=None)
        found = await store.search_people(
            conn,
            workspace_id=caller.workspace_id,
            first=command.search,
            after=command.after,
            count=command.limit + 1,
        )
        shown = found[: command.limit]
        items = await _listed(conn, caller, [person for _, person in shown])
    return FoundPeople(items=items, next_after=shown[-1][0] if len(found) > command.limit else None)


async def get_person(resources: Resources, caller: Caller, command: GetPerson) -> PersonView:
    """Show everything that is known of a person now.

    Raises:
        InvalidDocument: Nobody can go by such a name.
        PersonNotFound: Nobody in the workspace goes by it.
    """
    shard_count = await resources.facts.shard_count()
    async with resources.pool.connection() as conn, conn.transaction():
        await take_snapshot(conn)
        person = await require_person(conn, caller, command.person, shard_count)
        profile = await require_profile(conn, caller, person)
        names = await store.read_identities(conn, workspace_id=caller.workspace_id, person=person)
        devices = await store.read_devices(conn, person=person)
        changed_at = await store.attributes_changed_at(conn, person=person)
        waiting = await store.waiting_for(conn, person=person)
    return PersonView(
        user_id=profile.user_id,
        attributes=profile.attributes,
        changed_at={name: changed_at[name] for name in sorted(changed_at)},
        names=tuple(KnownName(kind=each.kind, value=each.value, since=each.created_at) for each in names),
        devices=tuple(_device(each) for each in devices),
        location=profile.location,
        time_zone=profile.time_zone,
        language=profile.language,
        applications=tuple(profile.apps),
        created_at=profile.created_at,
        updated_at=profile.updated_at,
        is_waiting=waiting > 0,
    )


async def require_person(conn: Conn, caller: Caller, key: PersonKey, shard_count: int) -> Person:
    """Return where the rows of the person are who goes by a name.

    Raises:
        InvalidDocument: Nobody can go by such a name.
        PersonNotFound: Nobody in the workspace goes by it.
    """
    refuse(id_problems(key.value, key.by))
    person = await _owner(conn, caller, key, shard_count)
    if person is None:
        raise PersonNotFound
    return person


async def require_profile(conn: Conn, caller: Caller, person: Person) -> store.Profile:
    """Return what is known of a person.

    Raises:
        PersonNotFound: They were named for the first time just now, and no tick has made them yet; or they are gone.
    """
    profile = await store.read_profile(conn, workspace_id=caller.workspace_id, person=person)
    if profile is None:
        raise PersonNotFound
    return profile


async def _owner(conn: Conn, caller: Caller, key: PersonKey, shard_count: int) -> Person | None:
    identity = identity_of(caller.workspace_id, key.by, key.value)
    return (await find_identities(conn, [identity], shard_count=shard_count)).get(identity)


def identity_of(workspace_id: int, by: IdentityKind, value: str) -> Identity:
    """Return the identity that a name stands for.

    >>> identity_of(1, "email", "Ada@Example.com").value, identity_of(1, "hwid", "+4930123456").kind
    ('ada@example.com', 'phone')
    """
    match by:
        case "user_id":
            return user_identity(workspace_id, value)
        case "anonymous_id":
            return anonymous_identity(workspace_id, value)
        case "email" | "hwid" | "phone":
            return device_identity(workspace_id, value)


async def _listed(conn: Conn, caller: Caller, people: list[Person]) -> tuple[FoundPerson, ...]:
    profiles = [await store.read_profile(conn, workspace_id=caller.workspace_id, person=each) for each in people]
    return tuple(
        FoundPerson(
            user_id=each.user_id, attributes=each.attributes, created_at=each.created_at, updated_at=each.updated_at
        )
        for each in profiles
        if each is not None
    )


def _device(device: store.OwnDevice) -> KnownDevice:
    return KnownDevice(
        application_code=device.application_code,
        hwid=device.hwid,
        channel=device.channel,
        platform=device.platform,
        has_push_token=device.has_token,
        language=device.language,
        is_subscribed=device.is_subscribed,
        details=device.details,
        created_at=device.created_at,
        updated_at=device.updated_at,
    )


def _find_problems(command: FindPeople) -> Iterator[Problem]:
    if command.key is not None:
        yield from id_problems(command.key.value, command.key.by)
    yield from text_problems(command.search, "search")
    yield from text_problems(command.after, "after")
    yield from limit_problems(command.limit)


def limit_problems(limit: int) -> Iterator[Problem]:
    """Yield what is wrong with the length of a page."""
    if not 1 <= limit <= PAGE_MAX:
        yield Problem("limit.range", "limit", f"a limit is a number from 1 to {PAGE_MAX}")
