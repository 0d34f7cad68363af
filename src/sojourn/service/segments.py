"""Segments: named audiences, written and listed by operators."""

from collections.abc import Iterator

from sojourn.compiler.segments import check_segment
from sojourn.model.problems import Problem
from sojourn.seglang import SeglangError, parse
from sojourn.service.codes import new_code
from sojourn.service.commands import Caller, CreateSegment, ListSegments, Segment, SegmentList
from sojourn.service.errors import AlreadyExists, AppNotFound, InvalidFilter
from sojourn.service.notices import json_text
from sojourn.service.resources import Resources
from sojourn.service.scopes import load_scope
from sojourn.service.values import NAME_MAX, name_problems, refuse, text_problems
from sojourn.store import errors as store_errors
from sojourn.store import segments as store
from sojourn.store.directory import app_ids

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
    try:
        expression = parse(command.source)
    except SeglangError as failure:
        raise InvalidFilter(f"invalid filter: {failure.text}") from failure
    async with resources.pool.connection() as conn, conn.transaction():
        problems = tuple(check_segment(expression, await load_scope(conn, caller.workspace_id)))
        if problems:
            raise InvalidFilter(f"invalid filter: {problems[0].text}", problems=problems)
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
    return Segment(code=code, title=command.title, source=command.source, application_code=app, created_at=now)


def _problems(command: CreateSegment) -> Iterator[Problem]:
    yield from name_problems(command.title, "title")
    if len(command.code) > NAME_MAX:
        yield Problem("code.length", "code", f"a code has at most {NAME_MAX} characters")
    yield from text_problems(command.code, "code")
    if len(command.source) > SOURCE_MAX:
        yield Problem("source.length", "source", f"a filter has at most {SOURCE_MAX} characters")
    yield from text_problems(command.source, "source")


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
    return SegmentList(
        items=tuple(
            Segment(
                code=each.code,
                title=each.title,
                source=each.source,
                application_code=each.application_code,
                created_at=each.created_at,
            )
            for each in found
        )
    )
