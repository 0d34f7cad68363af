"""Running an import: rows in chunks, each chunk and the record of how far the import has come in one transaction."""

import asyncio
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from sojourn.model.identities import Identity, device_identity
from sojourn.model.problems import SojournError
from sojourn.service.acceptance import accept
from sojourn.service.importing.content import Row
from sojourn.service.importing.files import Chunk, Source, SourceFile, read_ahead
from sojourn.service.importing.newcomers import Owner, devices_of, write_newcomers
from sojourn.service.importing.plan import Plan, format_of, layout_of
from sojourn.service.importing.rejects import RejectList, Rejects
from sojourn.service.importing.rows import EventRow, PersonRow, Reader, Refused
from sojourn.service.notices import Notice, Word, json_text, look_rows
from sojourn.service.resources import Resources
from sojourn.service.upkeep import prepare_days
from sojourn.store import importing as store
from sojourn.store.connection import Conn
from sojourn.store.deletion import lease_shards
from sojourn.store.identities import Owners, find_identities
from sojourn.store.importing import PastEvent, Progress
from sojourn.store.inbox import append_inbox
from sojourn.store.upkeep import note_events_forgotten


class ImportMoved(SojournError):
    """Another process is importing the same file."""

    code = "import.moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How far an import is.

    Attributes:
        share: Of the file, 0 to 1.
        was_done: The file had been imported before; nothing was done now.
    """

    import_id: str
    rows_done: int
    rows_refused: int
    share: float
    was_done: bool = False


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows read and checked, not yet stored. `rows` counts the refused ones, too."""

    accepted: "Sequence[PersonRow] | Sequence[EventRow]"
    refused: Sequence[Refused]
    rows: int
    share: float


async def import_file(
    resources: Resources,
    workspace_id: int,
    plan: Plan,
    path: Path,
    *,
    rejects: Path,
    on_progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Import a file, going on where an interrupted import of the same file in the same way stopped.

    Refused rows are listed with their reasons in the file `rejects`, which is made with the first of them.
    `on_progress` is called once at the beginning, and after each chunk.

    Raises:
        AppNotFound: The app is not in the workspace.
        ImportMoved: Another process is importing the same file.
        InvalidDocument: The file cannot be read in this way.
    """
    source = SourceFile(path, format_of(path), delimiter=plan.delimiter)
    owner, reader = await _prepared(resources, workspace_id, plan, source)
    import_id = plan.fingerprint(await asyncio.to_thread(source.content_hash))
    run = _Run(resources, owner, plan, import_id)
    before = await run.begin()
    if before.finished_at is not None:
        return run.report(before, 1.0, was_done=True)
    on_progress(run.report(before, 0.0))
    with Rejects(rejects, keep_rows=before.rows_refused) as list_of_rejects:
        return await run.go_on(reader, source, before, list_of_rejects, on_progress)


async def import_stream(
    resources: Resources,
    workspace_id: int,
    plan: Plan,
    source: Source,
    *,
    import_id: str,
    rejects: RejectList,
    on_progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Import rows as they come. An import of the same id goes on after the rows that it stored before.

    Raises:
        AppNotFound: The app is not in the workspace.
        ImportMoved: Another process is importing under the same id.
        InvalidDocument: The rows cannot be read in this way.
    """
    owner, reader = await _prepared(resources, workspace_id, plan, source)
    run = _Run(resources, owner, plan, import_id)
    before = await run.begin()
    if before.finished_at is not None:
        return run.report(before, 1.0, was_done=True)
    on_progress(run.report(before, 0.0))
    return await run.go_on(reader, source, before, rejects, on_progress)


async def _prepared(resources: Resources, workspace_id: int, plan: Plan, source: Source) -> tuple[Owner, Reader]:
    owner = Owner(
        workspace_id=workspace_id,
        app_id=await resources.facts.app_id(workspace_id, plan.application_code),
        shard_count=await resources.facts.shard_count(),
    )
    layout = layout_of(plan, await asyncio.to_thread(source.columns))
    return owner, Reader(plan, layout, workspace_id=workspace_id, zones=await resources.facts.zones())


class _Run:
    """One run of one import."""

    def __init__(self, resources: Resources, owner: Owner, plan: Plan, import_id: str) -> None:
        self._resources = resources
        self._owner = owner
        self._plan = plan
        self._import_id = import_id

    def report(self, progress: Progress, share: float, *, was_done: bool = False) -> Report:
        return Report(
            import_id=self._import_id,
            rows_done=progress.rows_done,
            rows_refused=progress.rows_refused,
            share=share,
            was_done=was_done,
        )

    async def begin(self) -> Progress:
        async with self._resources.pool.connection() as conn, conn.transaction():
            if self._plan.is_history:
                # Every day needs a place; and what comes in old days is to be looked through for what is too old.
                await prepare_days(conn, self._resources.clock())
                await note_events_forgotten(conn, app_id=self._owner.app_id, until=None)
            return await store.begin_import(
                conn,
                workspace_id=self._owner.workspace_id,
                import_id=self._import_id,
                subject=self._plan.subject,
                now=self._resources.clock(),
            )

    async def go_on(
        self,
        reader: Reader,
        source: Source,
        done: Progress,
        rejects: Rejects | RejectList,
        on_progress: Callable[[Report], None],
    ) -> Report:
        batches = _batches(reader, source.chunks(), self._plan, skip=done.rows_done)
        async with aclosing(read_ahead(batches, source)) as upcoming:
            async for batch in upcoming:
                rejects.write(batch.refused)
                reached = Progress(done.rows_done + batch.rows, done.rows_refused + len(batch.refused))
                await self._store(batch, done, reached)
                done = reached
                on_progress(self.report(done, batch.share))
        async with self._resources.pool.connection() as conn, conn.transaction():
            await store.finish_import(
                conn,
                workspace_id=self._owner.workspace_id,
                import_id=self._import_id,
                now=self._resources.clock(),
            )
        return self.report(done, 1.0)

    async def _store(self, batch: _Batch, done: Progress, reached: Progress) -> None:
        if not self._plan.is_history:
            await self._resources.acceptance.backlog.room()
        people = [row for row in batch.accepted if isinstance(row, PersonRow)]
        events = [row for row in batch.accepted if isinstance(row, EventRow)]
        async with self._resources.pool.connection() as conn:
            if people:
                await self._store_people(conn, people, done, reached)
            elif self._plan.is_history:
                await self._store_history(conn, events, done, reached)
            else:
                async with conn.transaction():
                    await self._accept(conn, [self._event_notice(row) for row in events])
                    await self._advance(conn, done, reached)

    async def _store_people(self, conn: Conn, rows: Sequence[PersonRow], done: Progress, reached: Progress) -> None:
        # Two transactions, for the order of locks. If only one of them happens, doing the chunk again changes nothing.
        async with conn.transaction():
            others = await write_newcomers(conn, rows, self._owner, self._resources.clock())
        async with conn.transaction():
            await self._accept(conn, [notice for row in others for notice in self._person_notices(row)])
            await self._advance(conn, done, reached)

    async def _store_history(self, conn: Conn, rows: Sequence[EventRow], done: Progress, reached: Progress) -> None:
        leads = {row.identities[0] for row in rows}
        is_stored = False
        while not is_stored:  # anew, where somebody was merged or deleted in between
            async with conn.transaction():
                newcomers = [_nothing_known(lead) for lead in sorted(leads)]
                await write_newcomers(conn, newcomers, self._owner, self._resources.clock())
            async with conn.transaction():
                if (owners := await self._leased(conn, leads)) is not None:
                    await self._write_history(conn, rows, owners)
                    await self._advance(conn, done, reached)
                    is_stored = True

    async def _leased(self, conn: Conn, leads: set[Identity]) -> Owners | None:
        """Return whose the identities are, holding their leases; None where that changed while we waited for these."""
        owners = await find_identities(conn, leads, shard_count=self._owner.shard_count)
        await lease_shards(conn, sorted({person.shard for person in owners.values()}))
        present = await find_identities(conn, leads, shard_count=self._owner.shard_count)
        return present if present == owners and present.keys() == leads else None

    async def _write_history(self, conn: Conn, rows: Sequence[EventRow], owners: Owners) -> None:
        now = self._resources.clock()
        events = [
            PastEvent(
                shard=owners[row.identities[0]].shard,
                profile_id=owners[row.identities[0]].profile_id,
                name=row.name,
                data=json_text(row.attributes),
                occurred_at=row.occurred_at or now,
                source_id=row.source_id,
            )
            for row in rows
        ]
        await store.copy_history(
            conn, workspace_id=self._owner.workspace_id, app_id=self._owner.app_id, events=events, now=now
        )
        looks = look_rows(set(owners.values()), workspace_id=self._owner.workspace_id, now=now)
        await append_inbox(conn, looks, now=now)

    async def _accept(self, conn: Conn, notices: Sequence[Notice]) -> None:
        if notices:
            await accept(conn, notices, shard_count=self._owner.shard_count, now=self._resources.clock())

    async def _advance(self, conn: Conn, done: Progress, reached: Progress) -> None:
        is_ours = await store.advance_import(
            conn,
            workspace_id=self._owner.workspace_id,
            import_id=self._import_id,
            rows_before=done.rows_done,
            reached=reached,
        )
        if not is_ours:
            raise ImportMoved

    def _person_notices(self, row: PersonRow) -> Iterator[Notice]:
        """Say the same to the inbox: what is set, then each address with its device."""
        lead, *others = row.identities
        operations = [{"op": "set", "tag": name, "value": value} for name, value in row.attributes.items()]
        facts: dict[str, Any] = {"operations": operations, "time_zone": row.time_zone, "language": row.language}
        facts["location"] = row.location or None
        data = json_text({key: value for key, value in facts.items() if value is not None})
        yield self._notice((lead,), Word(kind="attributes", data=data))
        devices = {device_identity(lead.workspace_id, device.hwid): device for device in devices_of(row)}
        for identity in (*others, *([lead] if lead in devices else [])):
            identities = (lead,) if identity == lead else (lead, identity)
            device = devices.get(identity)
            if device is None:
                yield self._notice(identities, Word(kind="attributes", data=json_text({"operations": []})))
            else:
                known = {name: value for name, value in to_builtins(device).items() if value is not None}
                yield self._notice(identities, Word(kind="device", data=json_text(known)))

    def _event_notice(self, row: EventRow) -> Notice:
        word = Word(
            kind="event",
            name=row.name,
            data=json_text(row.attributes),
            source_id=row.source_id or f"import:{self._import_id}:{row.number}",
            occurred_at=row.occurred_at,
        )
        return self._notice(row.identities[:2], word, row)

    def _notice(self, identities: tuple[Identity, ...], word: Word, event: EventRow | None = None) -> Notice:
        return Notice(
            workspace_id=self._owner.workspace_id,
            app_id=self._owner.app_id,
            identities=identities,
            words=(word,),
            attributes={} if event is None else event.attributes,
        )


def _batches(reader: Reader, chunks: Iterator[Chunk], plan: Plan, *, skip: int) -> Generator[_Batch]:
    """Read and check the rows after the first `skip`."""
    number = 0
    for chunk in chunks:
        rows = chunk.rows[max(0, skip - number) :]
        first = number + len(chunk.rows) - len(rows) + 1
        number += len(chunk.rows)
        if rows:
            read = [_read(reader, row, plan, place) for place, row in enumerate(rows, first)]
            people = [row for row in read if isinstance(row, PersonRow)]
            events = [row for row in read if isinstance(row, EventRow)]
            refused = [row for row in read if isinstance(row, Refused)]
            yield _Batch(people or events, refused, len(rows), chunk.share)


def _read(reader: Reader, row: Row, plan: Plan, number: int) -> PersonRow | EventRow | Refused:
    return reader.person(row) if plan.subject == "people" else reader.event(row, number)


def _nothing_known(lead: Identity) -> PersonRow:
    return PersonRow(identities=(lead,), attributes={}, time_zone=None, language=None)
