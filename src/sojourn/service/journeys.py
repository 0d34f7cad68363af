"""Journeys: written, changed, listed and deleted by operators."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import get_args
from uuid import UUID, uuid4

from sojourn.compiler.check import check
from sojourn.compiler.listeners import Reaction, listeners
from sojourn.model.graph import Graph
from sojourn.model.lifecycle import Status
from sojourn.model.points import Content, PointId
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    Caller,
    CreateJourney,
    DeleteJourney,
    Done,
    GetJourney,
    Journey,
    JourneyDraft,
    JourneyList,
    ListJourneys,
    UpdateJourney,
    ValidateJourney,
    Verdict,
)
from sojourn.service.drafts import (
    graph_text,
    journey_reply,
    journey_text,
    point_kinds,
    read_graph,
    require_storable,
    unusable,
)
from sojourn.service.errors import AppNotFound, InvalidDocument, InvalidState, JourneyNotFound
from sojourn.service.moves import moves
from sojourn.service.notices import json_text
from sojourn.service.reach import graph_warnings
from sojourn.service.resources import Resources
from sojourn.service.scopes import load_scope
from sojourn.service.values import refuse
from sojourn.store import journeys as store
from sojourn.store.connection import Conn
from sojourn.store.contents import notify_pages
from sojourn.store.directory import app_ids
from sojourn.store.inbox import InboxKind, InboxRow, append_inbox
from sojourn.store.journeys import JourneyFilter, ListenerRow, NumberedPoint, StoredJourney
from sojourn.store.segments import preset_codes
from sojourn.store.sites import find_site
from sojourn.store.upkeep import days_kept

EDITABLE: tuple[Status, ...] = ("draft", "paused", "running")
NO_APP = ""
"""The code of no app."""

PAGE_SIZE_MAX = 100
POINT_NUMBER_MAX = 32_767
SEARCH_MAX = 255


async def create_journey(resources: Resources, caller: Caller, command: CreateJourney) -> Journey:
    """Make a draft.

    Raises:
        AppNotFound: `settings.application_code` is no app of the workspace.
        InvalidDocument: With all that keeps the draft from being stored.
    """
    draft = command.draft
    require_storable(draft)
    app_id = await journey_app(resources, caller, draft.graph)
    now, journey_uuid = resources.clock(), uuid4()
    async with resources.pool.connection() as conn, conn.transaction():
        text = journey_text(draft, app_id=app_id, editor=caller.name)
        journey_id = await store.insert_journey(
            conn, workspace_id=caller.workspace_id, journey_uuid=journey_uuid, text=text, now=now
        )
        await store.insert_version(conn, journey_id=journey_id, version_no=1, graph=graph_text(draft.graph), now=now)
        await number_points(conn, journey_id, draft.graph)
        await store.mark_changed(conn, journey_id=journey_id)
        return journey_reply(await find(conn, caller, journey_uuid))


async def update_journey(resources: Resources, caller: Caller, command: UpdateJourney) -> Journey:
    """Replace a definition. Another graph is another version; people on points that are gone are moved.

    Raises:
        AppNotFound: As for `create_journey`.
        InvalidDocument: The draft cannot be stored; or people are about to run through it, and it has problems.
        InvalidState: The journey has ended.
        JourneyNotFound: The workspace has no such journey.
    """

    def redraft(_: StoredJourney) -> JourneyDraft:
        return command.draft

    app_id = await journey_app(resources, caller, command.draft.graph)
    return await replace_draft(resources, caller, command.journey, redraft, app_id=app_id)


async def replace_draft(
    resources: Resources,
    caller: Caller,
    journey_uuid: UUID,
    redraft: Callable[[StoredJourney], JourneyDraft],
    *,
    app_id: int | None,
) -> Journey:
    """Replace a definition by what `redraft` makes of it; the app stays as it is without an `app_id`.

    Raises:
        As `update_journey`.
    """
    shard_count, now = await resources.facts.shard_count(), resources.clock()
    zones = await resources.facts.zones()
    async with resources.pool.connection() as conn, conn.transaction():
        journey = await lock(conn, caller, journey_uuid)
        if journey.status not in EDITABLE:
            raise InvalidState(command="update", status=journey.status)
        draft = redraft(journey)
        require_storable(draft)
        old = read_graph(journey)
        version_no = journey.version_no + (old != draft.graph)
        if version_no != journey.version_no:
            await _keep_version(conn, journey, old, draft.graph, zones=zones, shard_count=shard_count, now=now)
        text = journey_text(draft, app_id=journey.app_id if app_id is None else app_id, editor=caller.name)
        await store.update_journey(conn, journey_id=journey.journey_id, version_no=version_no, text=text, now=now)
        if version_no != journey.version_no:
            await store.mark_changed(conn, journey_id=journey.journey_id)
        return journey_reply(await find(conn, caller, journey_uuid))


async def _keep_version(
    conn: Conn,
    journey: StoredJourney,
    old: Graph,
    new: Graph,
    *,
    zones: Collection[str],
    shard_count: int,
    now: datetime,
) -> None:
    if journey.status == "running" or (journey.status == "paused" and journey.advances):
        # A draft may have problems; while it has, nobody goes on in it.
        await require_clean(conn, journey.workspace_id, new, zones)
    version_no = journey.version_no + 1
    await store.insert_version(
        conn, journey_id=journey.journey_id, version_no=version_no, graph=graph_text(new), now=now
    )
    old_numbers = await point_numbers(conn, journey.journey_id)
    numbers = await number_points(conn, journey.journey_id, new)
    if journey.started_at is not None:
        await listen(conn, journey, new, numbers, reactions_in(journey.status, advances=journey.advances))
        await tell_pages(conn, old, new, shard_count=shard_count)
        if steps := moves(old, new, old_numbers, numbers):
            data = {"journey_id": journey.journey_id, "moves": steps}
            await tell_shards(conn, journey, "move", data, shard_count=shard_count, now=now)
    if journey.status == "running":
        # Segment entries may be new, or have another schedule.
        data = {"journey_id": journey.journey_id, "held_since": None}
        await tell_shards(conn, journey, "begin", data, shard_count=shard_count, now=now)


async def get_journey(resources: Resources, caller: Caller, command: GetJourney) -> Journey:
    """Show a journey.

    Raises:
        JourneyNotFound: The workspace has no such journey.
    """
    async with resources.pool.connection() as conn:
        return journey_reply(await find(conn, caller, command.journey))


async def list_journeys(resources: Resources, caller: Caller, command: ListJourneys) -> JourneyList:
    """Show one page of journeys, newest first. An app that the workspace does not have has no journeys."""
    refuse(_page_problems(command))
    async with resources.pool.connection() as conn, conn.transaction():
        apps = await app_ids(conn, workspace_id=caller.workspace_id)
        code = command.application_code
        if command.site is not None:
            site = await find_site(conn, workspace_id=caller.workspace_id, site_id=command.site)
            code = NO_APP if site is None else site.application_code
        wanted = JourneyFilter(
            workspace_id=caller.workspace_id,
            app_ids=[app_id for each, app_id in apps.items() if code in {None, each}],
            statuses=_statuses(command),
            search=command.search,
        )
        skipped = (command.page - 1) * command.page_size
        found = await store.list_journeys(conn, wanted, skipped=skipped, count=command.page_size)
        total = await store.count_journeys(conn, wanted)
    items = tuple(journey_reply(journey) for journey in found)
    return JourneyList(items=items, page=command.page, page_size=command.page_size, total=total)


def _statuses(command: ListJourneys) -> Sequence[Status]:
    return command.statuses or (get_args(Status) if command.status is None else (command.status,))


def _page_problems(command: ListJourneys) -> Iterator[Problem]:
    if not 1 <= command.page <= 1_000_000:
        yield Problem("page.range", "page", "a page is a number from 1 to 1000000")
    if not 1 <= command.page_size <= PAGE_SIZE_MAX:
        yield Problem("page_size.range", "page_size", f"a page size is a number from 1 to {PAGE_SIZE_MAX}")
    if len(command.search) > SEARCH_MAX or "\0" in command.search:
        yield Problem("search.length", "search", f"a search has at most {SEARCH_MAX} characters, none of them U+0000")


async def delete_journey(resources: Resources, caller: Caller, command: DeleteJourney) -> Done:
    """Delete a draft that never ran.

    Raises:
        InvalidState: It is no draft, or ran once: people's histories refer to it.
        JourneyNotFound: The workspace has no such journey.
    """
    async with resources.pool.connection() as conn, conn.transaction():
        journey = await lock(conn, caller, command.journey)
        if journey.status != "draft":
            raise InvalidState(command="delete", status=journey.status)
        if journey.first_started_at is not None:
            raise InvalidState("cannot delete a journey that ran; it can be archived", command="delete")
        await store.delete_journey(conn, journey_id=journey.journey_id)
    return Done()


async def validate_journey(resources: Resources, caller: Caller, command: ValidateJourney) -> Verdict:
    """List all problems of a document, or if there are none what it warns of. Nothing is stored."""
    if problems := unusable(command.draft):
        return Verdict(problems=problems)
    zones = await resources.facts.zones()
    async with resources.pool.connection() as conn:
        if problems := tuple(await graph_problems(conn, caller.workspace_id, command.draft.graph, zones)):
            return Verdict(problems=problems)
        scope = await load_scope(conn, caller.workspace_id)
        return Verdict(problems=(), warnings=graph_warnings(command.draft.graph, scope, await days_kept(conn)))


# Shared with the lifecycle ------------------------------------------------------------------------------------


async def find(conn: Conn, caller: Caller, journey: UUID) -> StoredJourney:
    """Return a journey of the caller's workspace.

    Raises:
        JourneyNotFound: There is none, or it is another workspace's.
    """
    found = await store.find_journey(conn, workspace_id=caller.workspace_id, journey_uuid=journey)
    if found is None:
        raise JourneyNotFound
    return found


async def lock(conn: Conn, caller: Caller, journey: UUID) -> StoredJourney:
    """Return a journey as `find` does, and let nobody else change it until the transaction ends."""
    found = await store.lock_journey(conn, workspace_id=caller.workspace_id, journey_uuid=journey)
    if found is None:
        raise JourneyNotFound
    return found


async def journey_app(resources: Resources, caller: Caller, graph: Graph) -> int:
    """Return the app that a graph belongs to.

    Raises:
        AppNotFound: It is no app of the workspace.
    """
    try:
        return await resources.facts.app_id(caller.workspace_id, graph.settings.application_code)
    except AppNotFound as failure:
        problem = Problem(failure.code, "settings/application_code", failure.text)
        raise AppNotFound(problems=(problem,)) from failure


async def graph_problems(conn: Conn, workspace_id: int, graph: Graph, zones: Collection[str]) -> list[Problem]:
    """Return all problems that keep a graph from running in a workspace. `zones` are those that the server knows."""
    presets = await preset_codes(conn, workspace_id=workspace_id)
    # In a thread: the check of a document at its limits takes seconds, in which others want answers.
    return await asyncio.to_thread(check, graph, await load_scope(conn, workspace_id), presets, zones)


async def require_clean(conn: Conn, workspace_id: int, graph: Graph, zones: Collection[str]) -> None:
    """Raise unless a graph can run.

    Raises:
        InvalidDocument: With all problems.
    """
    if problems := await graph_problems(conn, workspace_id, graph, zones):
        raise InvalidDocument(problems=tuple(problems))


async def number_points(conn: Conn, journey_id: int, graph: Graph) -> Mapping[PointId, int]:
    """Number the points of a graph that have no number yet. Return all numbers in use.

    A point whose kind changed under its id gets a new number: what was counted and who stands there belong to the old.
    """
    known = await store.numbered_points(conn, journey_id=journey_id)
    kinds = point_kinds(graph)
    retired = {point: uuid4() for point, kind in kinds.items() if point in known and known[point].kind != kind}
    added = [point for point in kinds if point not in known or point in retired]
    last = max((point.point_no for point in known.values()), default=0)
    if last + len(added) > POINT_NUMBER_MAX:
        problem = Problem("points.exhausted", "points", f"a journey has at most {POINT_NUMBER_MAX} points in its life")
        raise InvalidDocument(problems=(problem,))
    new = {point: NumberedPoint(number, kinds[point]) for number, point in enumerate(added, last + 1)}
    if retired:
        await store.retire_points(conn, journey_id=journey_id, points=retired)
    if new:
        await store.insert_points(conn, journey_id=journey_id, points=new)
    return {point: each.point_no for point, each in (known | new).items()}


async def point_numbers(conn: Conn, journey_id: int) -> Mapping[PointId, int]:
    """Return the number of every point that a journey ever had."""
    points = await store.numbered_points(conn, journey_id=journey_id)
    return {point: each.point_no for point, each in points.items()}


def reactions_in(status: Status, *, advances: bool = False) -> frozenset[Reaction]:
    """Say which events a journey that people came into listens for.

    While it is held, those that people wait for; while its numbers may still change, those that are its goals.
    `advances` tells that people inside go on, although it does not run.
    """
    match status:
        case "running":
            return frozenset[Reaction]({"convert", "enroll", "enroll_named", "resume"})
        case "paused":
            return frozenset[Reaction]({"convert", "resume"})
        case "draft":
            return frozenset[Reaction]({"convert", "resume"} if advances else {"resume"})
        case "finished":
            return frozenset[Reaction]({"convert"})
        case "archived":
            return frozenset[Reaction]()


async def listen(
    conn: Conn, journey: StoredJourney, graph: Graph, numbers: Mapping[PointId, int], reactions: frozenset[Reaction]
) -> None:
    """Let a journey react to the events of its graph, in these ways only."""
    apps = await app_ids(conn, workspace_id=journey.workspace_id)
    rows = [
        ListenerRow(
            point_no=each.point_no,
            app_id=None if each.application_code is None else apps[each.application_code],
            event_name=each.event_name,
            reaction=each.reaction,
            attribute_name=each.attribute_name,
        )
        for each in (listeners(graph, numbers) if reactions else ())
        if each.reaction in reactions
    ]
    await store.replace_listeners(
        conn, journey_id=journey.journey_id, workspace_id=journey.workspace_id, listeners=rows
    )


async def tell_pages(conn: Conn, *graphs: Graph, shard_count: int) -> None:
    """Have pages look at once what to show now, if one of the graphs shows something."""
    if any(isinstance(point, Content) for graph in graphs for point in graph.points):
        await notify_pages(conn, shard_count=shard_count)


async def tell_shards(
    conn: Conn, journey: StoredJourney, kind: InboxKind, data: Mapping[str, object], *, shard_count: int, now: datetime
) -> None:
    """Append a row to the inbox of every shard."""
    rows = [
        InboxRow(shard=shard, kind=kind, workspace_id=journey.workspace_id, data=json_text(data), occurred_at=now)
        for shard in range(shard_count)
    ]
    await append_inbox(conn, rows, now=now)
