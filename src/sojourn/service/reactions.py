"""Reactions: opens and clicks of messages. Of each kind the first counts, however often somebody looks.

Whoever reports one waits for the commit; while one transaction is under way the next ones gather, so that a blast that
is opened by thousands at once costs few transactions.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import structlog

from sojourn.model.graph import Graph
from sojourn.model.points import SendEmail
from sojourn.model.reactions import EVENT_NAMES, Reaction
from sojourn.service.administration import webhook_signing_key
from sojourn.service.notices import json_text
from sojourn.service.tracking import MessageRef, read_click, read_open, tracking_key
from sojourn.store.connection import Conn, Pool
from sojourn.store.delivery import read_journey_versions
from sojourn.store.inbox import InboxRow, append_inbox
from sojourn.store.reactions import ReactionRow, record_reactions

PATIENCE_SECONDS = 2.0
"""How long whoever opened or clicked waits for the database; then they go on without."""

WAITING_MAX = 20_000
"""Messages whose reactions may wait; more are not noted, so that a stalled database does not fill the memory."""

VERSIONS_MAX = 500
"""Journey versions of which is kept what their messages are split by."""

REACTED = 1
"""The output of a message that is split by a reaction which came."""

_Splits = Mapping[int, Reaction]
_log = structlog.get_logger()


@dataclass(slots=True)
class _Batch:
    """What is written together. `clicked` by message: the address, or None where it was only opened."""

    done: "asyncio.Future[None]"
    clicked: dict[MessageRef, str | None] = field(default_factory=dict[MessageRef, str | None])


class Reactions:
    """Takes what the addresses in messages report. One per process; `close` it before its pool."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._key: bytes | None = None
        self._gathering: _Batch | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._splits: dict[tuple[int, int], _Splits] = {}

    async def open(self, token: str) -> None:
        """Note that a message was opened. A token that is not ours is passed over."""
        message = read_open(await self._tracking_key(), token)
        if message is not None:
            await self._note(message, None)

    async def click(self, token: str) -> str | None:
        """Note that a link was followed, and return where it leads; None for a token that is not ours."""
        click = read_click(await self._tracking_key(), token)
        if click is None:
            return None
        await self._note(click.message, click.url)
        return click.url

    async def close(self) -> None:
        """Wait until what was reported has been written."""
        if self._flushing is not None:
            await self._flushing

    async def _tracking_key(self) -> bytes:
        if self._key is None:
            async with self._pool.connection() as conn:
                self._key = tracking_key(await webhook_signing_key(conn, self._clock()))
        return self._key

    # Gathering --------------------------------------------------------------------------------------------------

    async def _note(self, message: MessageRef, url: str | None) -> None:
        """Return when the reaction is durable, or when it takes too long. A lost one is no reason to fail a person."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.shield(self._gather(message, url))
        except TimeoutError:
            _log.warning("reaction.slow", shard=message.shard, message=message.message_id)
        except Exception:  # noqa: BLE001 - the link must lead on, whatever became of the count
            _log.exception("reaction.lost", shard=message.shard, message=message.message_id)

    def _gather(self, message: MessageRef, url: str | None) -> "asyncio.Future[None]":
        batch = self._gathering
        if batch is None:
            batch = self._gathering = _Batch(asyncio.get_running_loop().create_future())
        if message in batch.clicked or len(batch.clicked) < WAITING_MAX:
            batch.clicked[message] = batch.clicked.get(message) or url
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return batch.done

    async def _flush(self) -> None:
        try:
            while self._gathering is not None:
                batch, self._gathering = self._gathering, None
                try:
                    await self._write(batch.clicked)
                except Exception as failure:  # noqa: BLE001 - it belongs to those who wait
                    batch.done.set_exception(failure)
                    batch.done.exception()  # those who waited may have gone on
                else:
                    batch.done.set_result(None)
        finally:
            self._flushing = None

    # Writing ----------------------------------------------------------------------------------------------------

    async def _write(self, clicked: Mapping[MessageRef, str | None]) -> None:
        """Write a transaction per shard; one that fails does not keep the others from theirs."""
        failures: list[Exception] = []
        for shard in sorted({message.shard for message in clicked}):
            urls = {message.message_id: url for message, url in sorted(clicked.items()) if message.shard == shard}
            try:
                async with self._pool.connection() as conn, conn.transaction():
                    await self._write_shard(conn, shard, urls, self._clock())
            except Exception as failure:  # noqa: BLE001 - as above
                failures.append(failure)
        if failures:
            raise failures[0]

    async def _write_shard(self, conn: Conn, shard: int, urls: Mapping[int, str | None], now: datetime) -> None:
        new = await record_reactions(
            conn,
            shard=shard,
            have_clicked={message_id: url is not None for message_id, url in urls.items()},
            now=now,
            hour=now.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
        )
        await self._read_splits(conn, new)
        rows = [row for each in new for row in self._rows(shard, each, urls[each.message_id], now)]
        await append_inbox(conn, rows, now=now)

    def _rows(self, shard: int, new: ReactionRow, url: str | None, now: datetime) -> Iterator[InboxRow]:
        """Yield the events, and the outcome if the person waits for just this."""
        split_by = self._splits.get((new.journey_id, new.version_no), {}).get(new.point_no)
        if new.is_opening:
            yield _event(shard, new, "opened", None, now)
        if new.is_click:
            yield _event(shard, new, "clicked", url, now)
        has_come = {"opened": new.is_opening, "clicked": new.is_click}
        if split_by is not None and has_come[split_by] and new.is_latest:
            yield _outcome(shard, new, now)

    async def _read_splits(self, conn: Conn, new: list[ReactionRow]) -> None:
        """Learn what the messages of versions are split by. Versions never change."""
        missing = sorted({(row.journey_id, row.version_no) for row in new} - self._splits.keys())
        if not missing:
            return
        while len(self._splits) > VERSIONS_MAX:
            del self._splits[next(iter(self._splits))]
        found = await read_journey_versions(
            conn, journey_ids=[journey_id for journey_id, _ in missing], version_nos=[no for _, no in missing]
        )
        for version in found:
            numbers = {point_uuid: int(number) for number, point_uuid in version.point_uuids.items()}
            self._splits[version.journey_id, version.version_no] = _splits_of(version.graph, numbers)


def _splits_of(graph: str, numbers: Mapping[str, int]) -> _Splits:
    """Return the reaction that each point of a stored graph is split by. A graph that cannot be read has none."""
    try:
        points = msgspec.json.decode(graph, type=Graph).points
    except (msgspec.DecodeError, ValueError):
        return {}
    return {
        numbers[point.id]: "opened" if point.split_by_reaction.reaction == "OPENED" else "clicked"
        for point in points
        if isinstance(point, SendEmail) and point.split_by_reaction is not None and point.id in numbers
    }


def _event(shard: int, new: ReactionRow, reaction: Reaction, url: str | None, now: datetime) -> InboxRow:
    name = EVENT_NAMES[reaction]
    data = {
        "journey": new.journey_uuid,
        "point": new.point_uuid,
        "channel": new.channel,
        "message_id": str(new.message_id),
    } | ({} if url is None else {"url": url})
    return InboxRow(
        shard=shard,
        kind="event",
        workspace_id=new.workspace_id,
        app_id=new.app_id,
        profile_id=new.profile_id,
        name=name,
        data=json_text(data),
        source_id=f"{name}:{shard}:{new.message_id}",
        occurred_at=now,
    )


def _outcome(shard: int, new: ReactionRow, now: datetime) -> InboxRow:
    data = {
        "enrollment_id": new.enrollment_id,
        "journey_id": new.journey_id,
        "point_no": new.point_no,
        "output": REACTED,
    }
    return InboxRow(
        shard=shard,
        kind="outcome",
        workspace_id=new.workspace_id,
        profile_id=new.profile_id,
        data=json_text(data),
        occurred_at=now,
    )
