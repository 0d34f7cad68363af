"""Newcomers: people nobody knew before an import, written at once instead of through the inbox.

Who claims an identity in a transaction is the only one who knows its person until the commit. So such a person has no
other writer, and may be written directly; everybody else's rows belong to the ticks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec.structs import replace as replace_struct

from sojourn.model.identities import Identity, Person, device_identity
from sojourn.service.importing.rows import DeviceRow, PersonRow
from sojourn.service.notices import json_text, look_rows
from sojourn.store.connection import Conn
from sojourn.store.identities import Owners, find_identities, insert_identities, new_profile_ids
from sojourn.store.importing import NewDevice, NewProfile, copy_people
from sojourn.store.inbox import append_inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose data is imported."""

    workspace_id: int
    app_id: int
    shard_count: int


async def write_newcomers(conn: Conn, rows: Iterable[PersonRow], owner: Owner, now: datetime) -> list[PersonRow]:
    """Write those of the people who are new. Return the rows about the others, in their order.

    Runs in the caller's transaction, which takes no locks on identities afterwards: see `service.owners` for the order.
    """
    people = merged(rows)
    identities = {identity for row in people for identity in row.identities}
    known = await find_identities(conn, identities, shard_count=owner.shard_count)
    fresh = _all_new(people, known)
    claimed = await _claim(conn, fresh, owner, now)
    written = [row for row in fresh if claimed.keys() >= set(row.identities)]
    # Somebody else was quicker with an address: the person is written, and the address changes hands like any other.
    done = {row.identities[0] for row in written}
    bare = [
        replace(row, identities=row.identities[:1])
        for row in fresh
        if row.identities[0] in claimed and row.identities[0] not in done
    ]
    await _write(conn, [*written, *bare], claimed, owner, now)
    return [row for row in people if row.identities[0] not in done]


def merged(rows: Iterable[PersonRow]) -> list[PersonRow]:
    """Join the rows about one person; a later value replaces an earlier one."""
    people: dict[Identity, PersonRow] = {}
    for row in rows:
        before = people.get(row.identities[0])
        people[row.identities[0]] = row if before is None else _join(before, row)
    return list(people.values())


def _join(before: PersonRow, row: PersonRow) -> PersonRow:
    return PersonRow(
        identities=tuple(dict.fromkeys(before.identities + row.identities)),
        attributes=before.attributes | row.attributes,
        time_zone=row.time_zone or before.time_zone,
        language=row.language or before.language,
        location={**before.location, **row.location},
        devices=_joined_devices(before, row),
        first_seen_at=before.first_seen_at or row.first_seen_at,
    )


def _joined_devices(before: PersonRow, row: PersonRow) -> tuple[DeviceRow, ...] | None:
    """Join the devices of two rows; the later word on one counts."""
    if before.devices is None or row.devices is None:
        return before.devices or row.devices
    return tuple({device.hwid: device for device in (*before.devices, *row.devices)}.values())


def _all_new(people: Sequence[PersonRow], known: Owners) -> list[PersonRow]:
    """Choose the people none of whose identities is anybody's, here or in the database."""
    fresh: list[PersonRow] = []
    taken = set(known)
    for row in people:
        if taken.isdisjoint(row.identities):
            fresh.append(row)
        taken.update(row.identities)
    return fresh


async def _claim(conn: Conn, fresh: Sequence[PersonRow], owner: Owner, now: datetime) -> Owners:
    """Claim the identities of new people. Return those that nobody else claimed in the meantime."""
    if not fresh:
        return {}
    numbers = await new_profile_ids(conn, count=len(fresh))
    wanted: Owners = {}
    for row, number in zip(fresh, numbers, strict=True):
        person = Person(row.identities[0].shard(owner.shard_count), number)
        wanted |= dict.fromkeys(row.identities, person)
    users = {identity: person for identity, person in wanted.items() if identity.kind == "user_id"}
    claimed = await insert_identities(conn, users, shard_count=owner.shard_count, now=now) if users else set[Identity]()
    lost = {wanted[identity] for identity in users.keys() - claimed}
    others = {one: person for one, person in wanted.items() if one not in users and person not in lost}
    if others:
        claimed |= await insert_identities(conn, others, shard_count=owner.shard_count, now=now)
    return {identity: wanted[identity] for identity in claimed}


async def _write(conn: Conn, people: Sequence[PersonRow], claimed: Owners, owner: Owner, now: datetime) -> None:
    profiles = [_profile(row, claimed[row.identities[0]]) for row in people]
    devices = [device for row in people for device in _devices(row, claimed[row.identities[0]])]
    if profiles:
        await copy_people(
            conn, workspace_id=owner.workspace_id, app_id=owner.app_id, profiles=profiles, devices=devices, now=now
        )
        written = {claimed[row.identities[0]] for row in people}
        await append_inbox(conn, look_rows(written, workspace_id=owner.workspace_id, now=now), now=now)


def _profile(row: PersonRow, person: Person) -> NewProfile:
    lead = row.identities[0]
    return NewProfile(
        shard=person.shard,
        profile_id=person.profile_id,
        user_id=lead.value if lead.kind == "user_id" else None,
        attributes=json_text(row.attributes),
        time_zone=row.time_zone,
        language=row.language,
        location=json_text(row.location) if row.location else None,
        first_seen_at=row.first_seen_at,
    )


def _devices(row: PersonRow, person: Person) -> Iterable[NewDevice]:
    for device in devices_of(row):
        yield NewDevice(
            shard=person.shard,
            profile_id=person.profile_id,
            hwid=device.hwid,
            channel=device.channel,
            platform=device.platform,
            push_token=device.push_token,
            language=device.language,
            is_subscribed=device.is_subscribed,
            details=json_text(device.details),
        )


def devices_of(row: PersonRow) -> Iterable[DeviceRow]:
    """Return the devices of a person. Where a row does not list them, each address is one."""
    if row.devices is not None:
        workspace_id = row.identities[0].workspace_id
        for device in row.devices:
            yield replace_struct(device, hwid=device_identity(workspace_id, device.hwid).value)
        return
    for identity in row.identities:
        match identity.kind:
            case "email":
                yield DeviceRow(hwid=identity.value, channel="email", platform="Email", language=row.language)
            case "phone":
                yield DeviceRow(hwid=identity.value, channel="sms", platform="SMS", language=row.language)
            case _:
                pass
