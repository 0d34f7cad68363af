"""Segments: named audiences, written and listed by operators."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from msgspec.structs import replace

from sojourn.compiler.segments import SegmentScope, check_segment
from sojourn.model.problems import Problem
from sojourn.model.segments import Expression, Reference
from sojourn.ruletree import RuleTreeRefused
from sojourn.ruletree import parse as parse_tree
from sojourn.seglang import SeglangError, located, parse, render
from sojourn.service.codes import new_code
from sojourn.service.commands import (
    AudienceList,
    Caller,
    CreateSegment,
    DeleteSegment,
    Done,
    GetAudience,
    GetSegment,
    ListAudiences,
    ListSegments,
    Segment,
    SegmentList,
    UpdateSegment,
)
from sojourn.service.errors import AlreadyExists, AppNotFound, InUse, InvalidDocument, InvalidFilter, SegmentNotFound
from sojourn.service.lists import clear_list
from sojourn.service.notices import json_text
from sojourn.service.reach import segment_warnings
from sojourn.service.resources import Resources
from sojourn.service.scopes import decode_expression, load_scope
from sojourn.service.segment_users import SegmentUsers, find_users, notify_users, require_usable
from sojourn.service.segment_views import segment_view
from sojourn.service.values import PROBLEMS_MAX, code_problems, refuse, text_problems, title_problems
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

DESCRIPTION_MAX, SOURCE_MAX = 10_000, 20_000


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
    expression = _meant(command.source, command.rule_tree)
    async with resources.pool.connection() as conn, conn.transaction():
        await store.lock_segments(conn, workspace_id=caller.workspace_id)  # what it names is not deleted meanwhile
        scope = await load_scope(conn, caller.workspace_id)
        require_meaning(expression, scope, command.source)
        warnings = segment_warnings(expression, scope, await days_kept(conn), app)
        try:
            await store.insert_segment(
                conn,
                segment_uuid=uuid4(),
                workspace_id=caller.workspace_id,
                app_id=app_id,
                code=code,
                title=command.title,
                description=command.description,
                source=command.source or render(expression),
                rule_tree=_tree_text(command.rule_tree),
                expression=json_text(expression),
                is_list=False,
                now=now,
            )
        except store_errors.AlreadyExists as taken:
            raise AlreadyExists(taken.text) from taken
        await store.next_epoch(conn)  # requests may name it from now on
        return replace(await shown(conn, caller, code), warnings=warnings)


async def get_segment(resources: Resources, caller: Caller, command: GetSegment) -> Segment:
    """Show a segment.

    Raises:
        SegmentNotFound: The workspace has none of this code.
    """
    refuse(text_problems(command.code, "code"))
    async with resources.pool.connection() as conn:
        return await shown(conn, caller, command.code)


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
        given = _given(command, found)
        if found.is_list and given.source != found.source:
            raise InvalidFilter("a fixed list has no filter")
        expression = given.expression
        scope = await load_scope(conn, caller.workspace_id)
        scope = SegmentScope(
            app_ids=scope.app_ids,
            workspace_id=scope.workspace_id,
            segments={**scope.segments, command.code: expression},
            lists=scope.lists,
        )
        if not found.is_list:
            require_meaning(expression, scope, command.source or "")
            require_meaning(Reference(code=command.code), scope)
        try:
            await store.update_segment(
                conn,
                segment_id=found.segment_id,
                title=found.title if command.title is None else command.title,
                description=found.description if command.description is None else command.description,
                source=given.source,
                rule_tree=given.rule_tree,
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
        kept = await shown(conn, caller, command.code)
        warnings = segment_warnings(expression, scope, await days_kept(conn), kept.application_code)
        return replace(kept, warnings=warnings)


@dataclass(frozen=True, slots=True)
class _Given:
    """What a segment means, in all its spellings. `rule_tree` is JSON text."""

    expression: Expression
    source: str
    rule_tree: str | None


def _given(command: UpdateSegment, found: StoredSegment) -> _Given:
    if command.source is None and command.rule_tree is None:
        return _Given(decode_expression(found.expression), found.source, found.rule_tree)
    expression = _meant(command.source or "", command.rule_tree)
    return _Given(expression, command.source or render(expression), _tree_text(command.rule_tree))


def _meant(source: str, rule_tree: Mapping[str, Any] | None) -> Expression:
    return parsed(source) if rule_tree is None else read_tree(rule_tree)


def read_tree(rule_tree: Mapping[str, Any]) -> Expression:
    """Read a rule tree.

    Raises:
        InvalidDocument: It is none, with all problems; their places lie below `rule_tree`.
    """
    try:
        return parse_tree(rule_tree)
    except RuleTreeRefused as failure:
        problems = tuple(
            Problem(each.code, f"rule_tree/{each.where.replace('.', '/')}".rstrip("/"), each.text)
            for each in failure.problems
        )
        raise InvalidDocument(problems=problems) from failure


def _tree_text(rule_tree: Mapping[str, Any] | None) -> str | None:
    return None if rule_tree is None else json_text(rule_tree)


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


async def get_audience(resources: Resources, caller: Caller, command: GetAudience) -> Segment:
    """Show the segment that is an audience.

    Raises:
        SegmentNotFound: The workspace has none of this id.
    """
    async with resources.pool.connection() as conn:
        code = await store.audience_code(conn, workspace_id=caller.workspace_id, segment_uuid=command.audience)
        if code is None:
            raise SegmentNotFound
        return await shown(conn, caller, code)


async def list_audiences(resources: Resources, caller: Caller, command: ListAudiences) -> AudienceList:
    """Show a part of the segments, newest first."""
    refuse(text_problems(command.search, "search"))
    async with resources.pool.connection() as conn:
        found, total = await store.list_audiences(
            conn,
            workspace_id=caller.workspace_id,
            search=command.search,
            skipped=command.offset,
            count=command.limit,
        )
    return AudienceList(items=tuple(map(segment_view, found)), total=total)


async def shown(conn: Conn, caller: Caller, code: str) -> Segment:
    """Show a segment as it is; of a fixed list, how many are on it."""
    found = await find(conn, caller, code)
    if not found.is_list:
        return segment_view(found)
    members = await count_members(conn, segment_id=found.segment_id, shards=await read_shards(conn))
    return segment_view(found, members=members)


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


def require_meaning(expression: Expression, scope: SegmentScope, source: str = "") -> None:
    """Raise unless a segment stands for somebody. `source` is the text that was read, if one was.

    Raises:
        InvalidFilter: With all problems, as far as anybody can use them.
    """
    problems = check_segment(expression, scope)[:PROBLEMS_MAX]
    if problems:
        told = _with_places(problems, expression, source)
        raise InvalidFilter(f"invalid filter: {told[0].text}", problems=told)


def _with_places(problems: Sequence[Problem], expression: Expression, source: str) -> tuple[Problem, ...]:
    """Say where in the text each problem lies. The whole has no place in it."""
    if not source:
        return tuple(problems)
    places = located(source, expression, (problem.where for problem in problems))
    return tuple(
        problem if problem.code == "segment.too_large" else replace(problem, text=f"{place}: {problem.text}")
        for problem, place in zip(problems, places, strict=True)
    )


def source_problems(source: str) -> Iterator[Problem]:
    """Find what keeps a filter from being read at all."""
    if len(source) > SOURCE_MAX:
        yield Problem("source.length", "source", f"a filter has at most {SOURCE_MAX} characters")
    yield from text_problems(source, "source")


def _problems(command: CreateSegment | UpdateSegment) -> Iterator[Problem]:
    if command.title is not None:
        yield from title_problems(command.title)
    yield from code_problems(command.code)
    if command.source and command.rule_tree is not None:
        yield Problem("segment.which", "source", "either a filter or a rule tree is given")
    if command.source:
        yield from source_problems(command.source)
    if command.description is not None:
        if len(command.description) > DESCRIPTION_MAX:
            rule = f"a description has at most {DESCRIPTION_MAX} characters"
            yield Problem("description.length", "description", rule)
        yield from text_problems(command.description, "description")


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
    return SegmentList(items=tuple(segment_view(each) for each in found))
