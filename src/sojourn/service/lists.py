"""Fixed lists: segments whose people are named one by one. The inbox is told whom; ticks write members."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sojourn.model.identities import EMAIL, PHONE, Person
from sojourn.model.problems import Problem
from sojourn.model.segments import Static
from sojourn.seglang import render
from sojourn.service.codes import new_code
from sojourn.service.commands import (
    Caller,
    ChangeMembers,
    CreateList,
    ListMembers,
    Member,
    MemberPage,
    MembersAccepted,
    PersonKey,
    Segment,
)
from sojourn.service.errors import AlreadyExists, SegmentNotFound
from sojourn.service.exporting.rows import names_of
from sojourn.service.history.people import identity_of, limit_problems
from sojourn.service.notices import json_text
from sojourn.service.resources import Resources
from sojourn.service.segment_views import segment_view
from sojourn.service.values import INTEGER_MAX, code_problems, id_problems, refuse, text_problems, title_problems
from sojourn.store import errors as store_errors
from sojourn.store import lists as store
from sojourn.store.connection import Conn
from sojourn.store.definitions import read_shards
from sojourn.store.deletion import people_numbered
from sojourn.store.former import find_heirs
from sojourn.store.identities import find_identities
from sojourn.store.inbox import InboxRow, append_inbox
from sojourn.store.segments import find_segment, insert_segment, next_epoch

BATCH = 10_000
"""People told to the inbox, or cleared off a list that is no more, in one transaction."""

NAMES_MAX = 10_000
"""Names in one request."""

NAMES: Mapping[str, str] = {
    "user_ids": "user_id", "hwids": "hwid", "emails": "email", "phones": "phone", "anonymous_ids": "anonymous_id",
}  # fmt: skip
"""The fields of a request by what the names in them are."""


async def create_list(resources: Resources, caller: Caller, command: CreateList) -> Segment:
    """Make a fixed list.

    Raises:
        AlreadyExists: The title or code is another segment's.
        AppNotFound: The app is not the workspace's.
        InvalidDocument: A title or code that cannot be kept.
    """
    refuse(_definition_problems(command))
    code, now, app = command.code or new_code(), resources.clock(), command.application_code
    app_id = None if app is None else await resources.facts.app_id(caller.workspace_id, app)
    itself = Static(code=code)
    async with resources.pool.connection() as conn, conn.transaction():
        try:
            await insert_segment(
                conn,
                segment_uuid=uuid4(),
                workspace_id=caller.workspace_id,
                app_id=app_id,
                code=code,
                title=command.title,
                source=render(itself),
                expression=json_text(itself),
                is_list=True,
                now=now,
            )
        except store_errors.AlreadyExists as taken:
            raise AlreadyExists(taken.text) from taken
        await next_epoch(conn)  # requests may name it from now on
        made = await find_segment(conn, workspace_id=caller.workspace_id, code=code)
        assert made is not None, "the segment was inserted"
        return segment_view(made, members=0)


async def change_members(resources: Resources, caller: Caller, command: ChangeMembers) -> MembersAccepted:
    """Put people on a list or take them off. Durable on return; the next tick applies it. Names make nobody known.

    Raises:
        InvalidDocument: No names, too many of them, or some that cannot be one.
        Overloaded: Too much waits for the engines.
        SegmentNotFound: The workspace has no such list.
    """
    refuse(_member_problems(command))
    resources.acceptance.backlog.admit()
    shard_count, now = await resources.facts.shard_count(), resources.clock()
    keys = [
        PersonKey(value=value, by=kind)  # pyright: ignore[reportArgumentType] - the words of `NAMES` are its kinds
        for field, kind in NAMES.items()
        for value in getattr(command, field)
    ]
    identities = [identity_of(caller.workspace_id, key.by, key.value) for key in keys]
    async with resources.pool.connection() as conn, conn.transaction():
        segment_id = await require_list(conn, caller.workspace_id, command.code)
        owners = await find_identities(conn, set(identities), shard_count=shard_count)
        numbered = await _numbered(conn, caller.workspace_id, command.profiles, shard_count)
        people = {owners[each] for each in identities if each in owners} | set(numbered.values())
        await tell(conn, caller.workspace_id, segment_id, people, gone=command.gone, now=now)
    unknown = tuple(key for key, identity in zip(keys, identities, strict=True) if identity not in owners)
    strangers = tuple(number for number in command.profiles if number not in numbered)
    named = len(keys) + len(command.profiles)
    return MembersAccepted(accepted=named - len(unknown) - len(strangers), unknown=unknown, unknown_profiles=strangers)


async def list_members(resources: Resources, caller: Caller, command: ListMembers) -> MemberPage:
    """Show a page of the people on a list, as ticks have applied it.

    Raises:
        InvalidDocument: A page that cannot be.
        SegmentNotFound: The workspace has no such list.
    """
    after = _place(command.after)
    refuse(_page_problems(command, after))
    assert after is not None, "a page has a beginning"
    async with resources.pool.connection() as conn, conn.transaction():
        segment_id = await require_list(conn, caller.workspace_id, command.code)
        found = await store.list_members(
            conn,
            segment_id=segment_id,
            shards=await read_shards(conn),
            after_shard=after.shard,
            after_profile=after.profile_id,
            count=command.limit + 1,
        )
    shown = found[: command.limit]
    more = len(found) > command.limit
    return MemberPage(
        items=tuple(
            Member(profile=each.profile_id, names=names_of(each.user_id, each.identities), added_at=each.added_at)
            for each in shown
        ),
        next_after=f"{shown[-1].shard}.{shown[-1].profile_id}" if more else None,
    )


async def require_list(conn: Conn, workspace_id: int, code: str) -> int:
    """Return the number of a list, which stays until the transaction ends.

    Raises:
        SegmentNotFound: The workspace has no such list.
    """
    segment_id = await store.find_list(conn, workspace_id=workspace_id, code=code)
    if segment_id is None:
        raise SegmentNotFound(NO_LIST)
    return segment_id


NO_LIST = "there is no list with this code"


async def tell(
    conn: Conn, workspace_id: int, segment_id: int, people: Iterable[Person], *, gone: bool, now: datetime
) -> None:
    """Tell the inbox that people join or leave a list."""
    data = json_text({"segment_id": segment_id, "gone": gone})
    rows = [
        InboxRow(
            shard=person.shard,
            kind="list",
            workspace_id=workspace_id,
            profile_id=person.profile_id,
            data=data,
            occurred_at=now,
        )
        for person in sorted(people)
    ]
    await append_inbox(conn, rows, now=now)


# Replacing ------------------------------------------------------------------------------------------------------


class Kept:
    """People who are to be on a list: eight bytes each, so that a million are no burden."""

    def __init__(self) -> None:
        self._numbers: dict[int, array[int]] = {}
        self.count = 0

    def add(self, people: Collection[Person]) -> None:
        """Note people; somebody may be noted more than once."""
        for person in people:
            self._numbers.setdefault(person.shard, array("q")).append(person.profile_id)
        self.count += len(people)

    def of(self, shard: int) -> list[int]:
        """Return the numbers of those in a shard, in order."""
        return sorted(set(self._numbers.get(shard, ())))


async def replace_members(resources: Resources, workspace_id: int, code: str, kept: Kept) -> int:
    """Let exactly these people be on a list: others leave, who lacks joins. Return how many leave.

    Shard by shard in many transactions, so that however many people there are no statement is large. If it breaks off,
    what is left can be done by doing all of it again.

    Raises:
        SegmentNotFound: The workspace has no such list (any more).
    """
    left = 0
    for shard in range(await resources.facts.shard_count()):
        numbers = kept.of(shard)
        for begin in range(0, len(numbers), BATCH):
            some = numbers[begin : begin + BATCH]
            await _replace(resources, workspace_id, code, shard, some, gone=False)
        while n := await _replace(resources, workspace_id, code, shard, numbers, gone=True):
            left += n
            if n < BATCH:
                break
    return left


async def _replace(
    resources: Resources, workspace_id: int, code: str, shard: int, numbers: Sequence[int], *, gone: bool
) -> int:
    """Tell the inbox of those who lack on a list, or of some who are on it and should not be; return how many."""
    await resources.acceptance.backlog.room()
    async with resources.pool.connection() as conn, conn.transaction():
        segment_id = await store.lock_list(conn, workspace_id=workspace_id, code=code)
        if segment_id is None:
            raise SegmentNotFound(NO_LIST)
        if gone:
            found = await store.others_on_list(
                conn, shard=shard, segment_id=segment_id, profile_ids=numbers, batch=BATCH
            )
        else:
            found = await store.not_on_list(conn, shard=shard, segment_id=segment_id, profile_ids=numbers)
        people = [Person(shard, number) for number in found]
        await tell(conn, workspace_id, segment_id, people, gone=gone, now=resources.clock())
    return len(found)


# Clearing -------------------------------------------------------------------------------------------------------


async def clear_list(conn: Conn, shard: int, segment_id: int) -> None:
    """Take everybody in a shard off a list that is no more, in small transactions. `conn` is in none."""
    n = BATCH
    while n == BATCH:
        async with conn.transaction():
            n = await store.clear_list(conn, shard=shard, segment_id=segment_id, batch=BATCH)


async def clear_dead_lists(conn: Conn, shards: Iterable[int]) -> None:
    """Take everybody off lists that are no more, which whoever deleted them could not. `conn` is in no transaction."""
    for shard in shards:
        for segment_id in await store.dead_lists(conn, shard=shard):
            await clear_list(conn, shard, segment_id)


# Names ----------------------------------------------------------------------------------------------------------


async def _numbered(conn: Conn, workspace_id: int, numbers: Collection[int], shard_count: int) -> dict[int, Person]:
    """Return whom numbers of profiles stand for, those of somebody who became another included."""
    if not numbers:
        return {}
    found = await people_numbered(conn, list(numbers), workspace_id=workspace_id, shard_count=shard_count)
    heirs = await find_heirs(conn, found)
    present = {person.profile_id: heirs.get(person, person) for person in found}
    return {number: person for number, person in present.items() if person is not None}


def _place(after: str) -> Person | None:
    """Return behind whom a page begins; None for a text that no page ended with."""
    if not after:
        return Person(0, 0)
    shard, _, number = after.partition(".")
    if not (shard.isdecimal() and number.isdecimal() and len(shard) < 5 and int(number[:20]) <= INTEGER_MAX):
        return None
    return Person(int(shard), int(number[:20]))


# Problems -------------------------------------------------------------------------------------------------------


def _definition_problems(command: CreateList) -> Iterator[Problem]:
    yield from title_problems(command.title)
    yield from code_problems(command.code)


def _page_problems(command: ListMembers, after: Person | None) -> Iterator[Problem]:
    yield from text_problems(command.code, "code")
    yield from limit_problems(command.limit)
    if after is None:
        yield Problem("after.form", "after", "it is the `next_after` of the page before")


def _member_problems(command: ChangeMembers) -> Iterator[Problem]:
    yield from text_problems(command.code, "code")
    named = len(command.profiles) + sum(len(getattr(command, field)) for field in NAMES)
    if not 1 <= named <= NAMES_MAX:
        fields = ", ".join([*NAMES, "profiles"])
        yield Problem("members.count", "members", f"1 to {NAMES_MAX:,} people are named, by {fields}")
        return
    for field, kind in NAMES.items():
        for place, value in enumerate(getattr(command, field)):
            yield from name_problems_of(kind, value, f"{field}/{place}")
    for place, number in enumerate(command.profiles):
        if not 0 < number <= INTEGER_MAX:
            yield Problem("value.out_of_range", f"profiles/{place}", "the number of a profile is a positive integer")


def name_problems_of(kind: str, value: str, where: str) -> Iterator[Problem]:
    """Find what keeps a text from being a name of somebody."""
    if not value:
        yield Problem("id.empty", where, "an id is not empty")
    elif kind == "email" and not EMAIL.fullmatch(value):
        yield Problem("email.form", where, "an email address has the form `name@example.com`")
    elif kind == "phone" and not PHONE.fullmatch(value):
        yield Problem("phone.form", where, "a phone number has the form `+4930123456`")
    yield from id_problems(value, where)
