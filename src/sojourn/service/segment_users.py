"""Users of a segment: the segments and journeys that name it, also through other segments."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import msgspec

from sojourn.compiler.segments import SegmentScope, check_segment
from sojourn.model.graph import Graph
from sojourn.model.problems import Problem
from sojourn.model.segments import Reference
from sojourn.seglang import SeglangError, parse
from sojourn.service.errors import InvalidDocument
from sojourn.service.journeys import graph_problems
from sojourn.service.notices import json_text
from sojourn.service.values import refuse
from sojourn.store import segments as store
from sojourn.store.connection import Conn
from sojourn.store.inbox import InboxRow, append_inbox
from sojourn.store.segments import Reader


@dataclass(frozen=True, slots=True)
class SegmentUsers:
    """Who names a segment: codes of segments, and journeys."""

    segments: tuple[str, ...]
    journeys: tuple[Reader, ...]

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.segments or self.journeys)


async def find_users(conn: Conn, scope: SegmentScope, code: str) -> SegmentUsers:
    """Return who names a segment, directly or through others."""
    named = {each: set(_named(msgspec.to_builtins(expression))) for each, expression in scope.segments.items()}
    reached, waiting = {code}, [code]
    while waiting:
        current = waiting.pop()
        more = {each for each, codes in named.items() if current in codes} - reached
        reached |= more
        waiting += more
    readers = await store.segment_readers(conn, workspace_id=scope.workspace_id)
    journeys = [each for each in readers if not reached.isdisjoint(_named(msgspec.json.decode(each.graph)))]
    return SegmentUsers(tuple(sorted(reached - {code})), tuple(journeys))


CODES = ("audience_code", "filter_code")
"""Members of a graph that are codes of segments."""


def _named(document: object) -> Iterator[str]:
    """Yield the codes of segments that a document names: a syntax tree, or a graph with codes and filters."""
    waiting = [document]
    while waiting:
        each = waiting.pop()
        match each:
            case {"kind": "segment" | "static", "code": str(code)}:
                yield code
            case dict():
                members = cast("dict[str, Any]", each)
                yield from (str(code) for name in CODES if (code := members.get(name)))
                waiting += members.values()
                waiting += _read(members.get("filter"))
            case list() | tuple():
                waiting += cast("list[Any]", each)
            case _:
                pass


def _read(filter_: object) -> Iterator[object]:
    if not isinstance(filter_, str):
        return
    try:
        yield msgspec.to_builtins(parse(filter_))
    except SeglangError:
        return  # a draft that says nothing yet


async def require_usable(conn: Conn, scope: SegmentScope, users: SegmentUsers, zones: Collection[str]) -> None:
    """Raise unless segments still mean something, and journeys that people are in can go on.

    Raises:
        InvalidDocument: With what keeps them from it.
    """
    refuse(_segment_problems(scope, users))
    for journey in users.journeys:
        if not journey.runs:
            continue
        graph = msgspec.json.decode(journey.graph, type=Graph)
        found = await graph_problems(conn, scope.workspace_id, graph, zones)
        if found:
            text = f"the journey `{journey.title}` cannot use it: {found[0].text}"
            raise InvalidDocument(text, problems=(Problem(found[0].code, "source", text),))


def _segment_problems(scope: SegmentScope, users: SegmentUsers) -> Iterator[Problem]:
    for code in users.segments:
        for problem in check_segment(Reference(code=code), scope):
            yield Problem(problem.code, "source", f"the segment `{code}` cannot use it: {problem.text}")


async def notify_users(
    conn: Conn, workspace_id: int, users: SegmentUsers, *, epoch: int, shard_count: int, now: datetime
) -> None:
    """Let engines read the journeys that use a segment again, and live audiences look at everybody once more."""
    if not users.journeys:
        return
    await store.mark_in_epoch(conn, journey_ids=[each.journey_id for each in users.journeys], epoch=epoch)
    rows = [
        InboxRow(
            shard=shard,
            kind="begin",
            workspace_id=workspace_id,
            data=json_text({"journey_id": each.journey_id, "held_since": None}),
            occurred_at=now,
        )
        for each in users.journeys
        if each.status == "running"
        for shard in range(shard_count)
    ]
    await append_inbox(conn, rows, now=now)
