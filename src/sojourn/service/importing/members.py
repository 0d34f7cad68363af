"""Members: the people of a fixed list out of a file or a stream, put on it, taken off it, or all that it is to have."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal

from sojourn.model.identities import Identity, Person
from sojourn.model.problems import Problem
from sojourn.service.errors import InvalidDocument
from sojourn.service.importing.content import Row
from sojourn.service.importing.files import Chunk, Source, read_ahead
from sojourn.service.importing.plan import Plan, layout_of
from sojourn.service.importing.rejects import RejectList, Rejects
from sojourn.service.importing.rows import Reader, Refused
from sojourn.service.lists import Kept, replace_members, require_list, tell
from sojourn.service.resources import Resources
from sojourn.service.values import refuse, text_problems
from sojourn.store.connection import Conn
from sojourn.store.former import find_predecessors
from sojourn.store.identities import find_identities

Mode = Literal["add", "remove", "replace"]
MODES: tuple[Mode, ...] = ("add", "remove", "replace")

REPLACED_MAX = 5_000_000
"""People whom a list may be replaced by: their numbers are kept at hand, eight bytes each."""

UNKNOWN = "nobody goes by these names"


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersPlan:
    """What to do with the people of a file.

    Attributes:
        code: Of the list.
        columns: Which column holds what, for those that are not called by a well-known name.
        delimiter: Between the cells of CSV; None: the one that the header uses.
    """

    code: str
    mode: Mode = "add"
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    delimiter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersReport:
    """How far it has come.

    Attributes:
        rows: Of the file.
        rows_refused: Among them; the unknown, too.
        rows_unknown: Whose names are nobody's.
        removed: With `replace`: how many leave since they are not in the file.
        share: Of the file, 0 to 1.
    """

    rows: int = 0
    rows_refused: int = 0
    rows_unknown: int = 0
    removed: int = 0
    share: float = 0.0

    @property
    def rows_accepted(self) -> int:
        """Return how many rows name somebody."""
        return self.rows - self.rows_refused


async def import_members(
    resources: Resources,
    workspace_id: int,
    plan: MembersPlan,
    source: Source,
    *,
    rejects: Rejects | RejectList,
    on_progress: Callable[[MembersReport], None] = lambda _: None,
) -> MembersReport:
    """Change who is on a list by a file, a chunk at a time. Doing it again does no harm.

    People who are added or removed are told to the inbox with each chunk; a list is replaced once the whole file has
    been read. Nobody is made by being named: rows of unknown people are refused.

    Raises:
        InvalidDocument: The rows cannot be read, or too many to replace a list by.
        SegmentNotFound: The workspace has no such list.
    """
    refuse(text_problems(plan.code, "code"))
    async with resources.pool.connection() as conn, conn.transaction():
        await require_list(conn, workspace_id, plan.code)
    run = _Run(resources, workspace_id, plan, await resources.facts.shard_count())
    reader = await _reader(workspace_id, plan, source)
    report = MembersReport()
    on_progress(report)
    async with aclosing(read_ahead(source.chunks(), source)) as chunks:
        async for chunk in chunks:
            report = _and(report, *await run.take(reader, chunk, rejects), chunk)
            on_progress(report)
    return replace(report, removed=await run.end(), share=1.0)


async def _reader(workspace_id: int, plan: MembersPlan, source: Source) -> Reader:
    names = Plan(subject="people", application_code="", columns=plan.columns, attributes={}, delimiter=plan.delimiter)
    layout = layout_of(names, await asyncio.to_thread(source.columns))
    return Reader(names, layout, workspace_id=workspace_id, zones=frozenset())


class _Run:
    """One run over one file."""

    def __init__(self, resources: Resources, workspace_id: int, plan: MembersPlan, shard_count: int) -> None:
        self._resources = resources
        self._workspace_id = workspace_id
        self._plan = plan
        self._shard_count = shard_count
        self._kept = Kept()

    async def take(self, reader: Reader, chunk: Chunk, rejects: Rejects | RejectList) -> tuple[int, int]:
        """Do what is to be done with some rows. Return how many are refused, and how many of those are unknown."""
        read = await asyncio.to_thread(_read, reader, chunk.rows)
        named = [(row, names) for row, names in read if not isinstance(names, Refused)]
        refused = [names for _, names in read if isinstance(names, Refused)]
        if self._plan.mode != "replace":
            await self._resources.acceptance.backlog.room()
        async with self._resources.pool.connection() as conn, conn.transaction():
            wanted = {identity for _, names in named for identity in names}
            owners = await find_identities(conn, wanted, shard_count=self._shard_count)
            people = {row.number: person for row, names in named if (person := _first(names, owners)) is not None}
            await self._note(conn, set(people.values()))
        unknown = [Refused(row, (UNKNOWN,)) for row, _ in named if row.number not in people]
        rejects.write(sorted([*refused, *unknown], key=lambda each: each.row.number))
        return len(refused) + len(unknown), len(unknown)

    async def end(self) -> int:
        """Do what is to be done once all rows are known. Return how many people leave because of it."""
        if self._plan.mode != "replace":
            return 0
        return await replace_members(self._resources, self._workspace_id, self._plan.code, self._kept)

    async def _note(self, conn: Conn, people: set[Person]) -> None:
        if self._plan.mode == "replace":
            # Whoever is becoming one of them may still be the one on the list.
            self._kept.add((await find_predecessors(conn, people)).keys() if people else ())
            if self._kept.count > REPLACED_MAX:
                text = f"a list is replaced by at most {REPLACED_MAX:,} people; more are added in parts"
                raise InvalidDocument(text, problems=(Problem("members.count", "rows", text),))
            return
        segment_id = await require_list(conn, self._workspace_id, self._plan.code)
        gone = self._plan.mode == "remove"
        await tell(conn, self._workspace_id, segment_id, people, gone=gone, now=self._resources.clock())


def _read(reader: Reader, rows: Sequence[Row]) -> list[tuple[Row, tuple[Identity, ...] | Refused]]:
    return [(row, reader.names(row)) for row in rows]


def _first(names: Sequence[Identity], owners: Mapping[Identity, Person]) -> Person | None:
    """Return whom a row means: whose the first of its names is that is somebody's."""
    return next((owners[name] for name in names if name in owners), None)


def _and(report: MembersReport, refused: int, unknown: int, chunk: Chunk) -> MembersReport:
    return MembersReport(
        rows=report.rows + len(chunk.rows),
        rows_refused=report.rows_refused + refused,
        rows_unknown=report.rows_unknown + unknown,
        share=chunk.share,
    )
