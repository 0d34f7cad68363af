"""Segments: named audiences, written and listed by operators."""

from collections.abc import Iterator

from msgspec.structs import replace

from sojourn.compiler.segments import SegmentScope, check_segment
from sojourn.model.problems import Problem
from sojourn.model.segments import Expression, Reference
from sojourn.seglang import SeglangError, parse
from sojourn.service.codes import new_code
from sojourn.service.commands import (
    Caller,
    CreateSegment,
    DeleteSegment,
    Done,
    GetSegment,
    ListSegments,
    Segment,
    SegmentList,
    UpdateSegment,
)
from sojourn.service.errors import AlreadyExists, AppNotFound, InUse, InvalidFilter, SegmentNotFound
from sojourn.service.lists import clear_list
from sojourn.service.notices import json_text
from sojourn.service.reach import segment_warnings
from sojourn.service.resources import Resources
from sojourn.service.scopes import decode_expression, load_scope
from sojourn.service.segment_users import SegmentUsers, find_users, notify_users, require_usable
from sojourn.service.values import code_problems, refuse, text_problems, title_problems
from sojourn.store import errors as store_errors
from sojourn.store import segments as store
from sojourn.store.connection import Conn
from sojourn.store.definitions import read_shards
from sojourn.store.directory import app_ids
from sojourn.store.lists import count_members
from sojourn.store.segments import StoredSegment
from sojourn.store.upkeep import days_kept

NAMED_MAX = 10
"""Users of a segment that a refusal names."""

SOURCE_MAX = 20_000


async def create_segment(resources: Resources, caller: Caller, command: CreateSegment) -> Segment:
    """Keep a named segment.

    Raises:
        AlreadyExists: The title or code is another segment's.
        AppNotFound: The app is not the workspace's.
        InvalidDocument: A title or code that cannot be kept.
        InvalidFilter: The source has no meaning.
    """
    refuse(_problems(command))
    code, now = command.code or new_code(), resources.clock()
    app = command.application_code
    app_id = None if app is None else await resources.facts.app_id(caller.workspace_id, app)
    expression = parsed(command.source)
    async with resources.pool.connection() as conn, conn.transaction():
        scope = await load_scope(conn, caller.workspace_id)
        require_meaning(expression, scope)
        warnings = segment_warnings(expression, scope, await days_kept(conn), app)
        try:
            await store.insert_segment(
                conn,
                workspace_id=caller.workspace_id,
                app_id=app_id,
                code=code,
                title=command.title,
                source=command.source,
                expression=json_text(expression),
                is_list=False,
                now=now,
            )
        except store_errors.AlreadyExists as taken:
            raise AlreadyExists(taken.text) from taken
        await store.next_epoch(conn)  # requests may name it from now on
    return Segment(
        code=code,
        title=command.title,
        source=command.source,
        application_code=app,
        created_at=now,
        warnings=warnings,
    )


async def get_segment(resources: Resources, caller: Caller, command: GetSegment) -> Segment:
    """Show a segment.

    Raises:
        SegmentNotFound: The workspace has none of this code.
    """
    refuse(text_problems(command.code, "code"))
    async with resources.pool.connection() as conn:
        return await _shown(conn, caller, command.code)


async def update_segment(resources: Resources, caller: Caller, command: UpdateSegment) -> Segment:
    """Give a segment another title and meaning. Journeys that run go by it from their next tick on.

    A fixed list gets another title only.

    Raises:
        AlreadyExists: The title is another segment's.
        InvalidDocument: With all problems; also those of segments and journeys that could not use it any more.
        InvalidFilter: The source has no meaning, or the segment would be defined by itself.
        SegmentNotFound: The workspace has none of this code.
    """
    refuse(_problems(command))
    now = resources.clock()
    shard_count, zones = await resources.facts.shard_count(), await resources.facts.zones()
    async with resources.pool.connection() as conn, conn.transaction():
        await store.lock_segments(conn, workspace_id=caller.workspace_id)
        found = await find(conn, caller, command.code)
        source = found.source if command.source is None else command.source
        if found.is_list and source != found.source:
            raise InvalidFilter("a fixed list has no filter")
        expression = parsed(source)
        scope = await load_scope(conn, caller.workspace_id)
        scope = SegmentScope(
            app_ids=scope.app_ids,
            workspace_id=scope.workspace_id,
            segments={**scope.segments, command.code: expression},
            lists=scope.lists,
        )
        if not found.is_list:
            require_meaning(Reference(code=command.code), scope)
        try:
            await store.update_segment(
                conn,
                segment_id=found.segment_id,
                title=command.title,
                source=source,
                expression=json_text(expression),
                now=now,
            )
        except store_errors.AlreadyExists as taken:
            raise AlreadyExists(taken.text) from taken
        if json_text(expression) != json_text(decode_expression(found.expression)):
            await store.lock_journeys(conn, workspace_id=caller.workspace_id)
            epoch = await store.next_epoch(conn)
            users = await find_users(conn, scope, command.code)
            await require_usable(conn, scope, users, zones)
            await notify_users(conn, caller.workspace_id, users, epoch=epoch, shard_count=shard_count, now=now)
        shown = await _shown(conn, caller, command.code)
        warnings = segment_warnings(expression, scope, await days_kept(conn), shown.application_code)
        return replace(shown, warnings=warnings)


async def delete_segment(resources: Resources, caller: Caller, command: DeleteSegment) -> Done:
    """Delete a segment. Of a fixed list, its members go after it is gone, shard by shard.

    Raises:
        InUse: Another segment, or a journey that is not archived, names it.
        SegmentNotFound: The workspace has none of this code.
    """
    refuse(text_problems(command.code, "code"))
    async with resources.pool.connection() as conn, conn.transaction():
        await store.lock_segments(conn, workspace_id=caller.workspace_id)
        found = await find(conn, caller, command.code)
        await store.lock_journeys(conn, workspace_id=caller.workspace_id)
        users = await find_users(conn, await load_scope(conn, caller.workspace_id), command.code)
        if users:
            raise InUse(f"the segment is used by {_listed(users)}")
        await store.delete_segment(conn, segment_id=found.segment_id)
        await store.next_epoch(conn)
    if found.is_list:
        async with resources.pool.connection() as conn:
            for shard in range(await resources.facts.shard_count()):
                await clear_list(conn, shard, found.segment_id)
    return Done()


def _listed(users: SegmentUsers) -> str:
    names = [
        *(f"the segment `{code}`" for code in users.segments),
        *(f"the journey `{each.title}`" for each in users.journeys),
    ]
    return ", ".join(names[:NAMED_MAX]) + (f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else "")


async def _shown(conn: Conn, caller: Caller, code: str) -> Segment:
    """Show a segment as it is; of a fixed list, how many are on it."""
    found = await find(conn, caller, code)
    shown = _segment(found)
    if not found.is_list:
        return shown
    members = await count_members(conn, segment_id=found.segment_id, shards=await read_shards(conn))
    return replace(shown, members=members)


async def find(conn: Conn, caller: Caller, code: str) -> StoredSegment:
    """Return a segment of the caller's workspace.

    Raises:
        SegmentNotFound: There is none.
    """
    found = await store.find_segment(conn, workspace_id=caller.workspace_id, code=code)
    if found is None:
        raise SegmentNotFound
    return found


def parsed(source: str) -> Expression:
    """Read a filter.

    Raises:
        InvalidFilter: It cannot be read.
    """
    try:
        return parse(source)
    except SeglangError as failure:
        raise InvalidFilter(f"invalid filter: {failure.text}") from failure


def require_meaning(expression: Expression, scope: SegmentScope) -> None:
    """Raise unless a segment stands for somebody.

    Raises:
        InvalidFilter: With all problems.
    """
    problems = tuple(check_segment(expression, scope))
    if problems:
        raise InvalidFilter(f"invalid filter: {problems[0].text}", problems=problems)


def source_problems(source: str) -> Iterator[Problem]:
    """Find what keeps a filter from being read at all."""
    if len(source) > SOURCE_MAX:
        yield Problem("source.length", "source", f"a filter has at most {SOURCE_MAX} characters")
    yield from text_problems(source, "source")


def _problems(command: CreateSegment | UpdateSegment) -> Iterator[Problem]:
    yield from title_problems(command.title)
    yield from code_problems(command.code)
    if command.source is not None:
        yield from source_problems(command.source)


async def list_segments(resources: Resources, caller: Caller, command: ListSegments) -> SegmentList:
    """List the segments of the workspace by title; with an app, those of the app and those of none.

    Raises:
        AppNotFound: The app is not the workspace's.
    """
    async with resources.pool.connection() as conn, conn.transaction():
        apps = await app_ids(conn, workspace_id=caller.workspace_id)
        if command.application_code is not None:
            if command.application_code not in apps:
                raise AppNotFound
            apps = {command.application_code: apps[command.application_code]}
        found = await store.list_segments(conn, workspace_id=caller.workspace_id, app_ids=apps.values())
    return SegmentList(items=tuple(_segment(each) for each in found))


def _segment(stored: StoredSegment) -> Segment:
    return Segment(
        code=stored.code,
        title=stored.title,
        source=stored.source,
        application_code=stored.application_code,
        created_at=stored.created_at,
        is_list=stored.is_list,
    )
