"""Reactions: deliveries, opens and clicks of messages. Of each kind the first counts, however often somebody looks.

Whoever reports one waits for the commit; while one transaction is under way the next ones gather, so that a blast that
is opened by thousands at once costs few transactions.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import structlog

from sojourn.model.graph import Graph
from sojourn.model.points import SendEmail
from sojourn.model.reactions import EVENT_NAMES, Reaction
from sojourn.service.errors import MessageNotFound, Overloaded
from sojourn.service.facts import Facts
from sojourn.service.notices import json_text
from sojourn.service.signing_keys import webhook_signing_key
from sojourn.service.tracking import MessageRef, read_click, read_open, tracking_key
from sojourn.store.connection import Conn, Pool
from sojourn.store.delivery import read_journey_versions
from sojourn.store.inbox import InboxRow, append_inbox
from sojourn.store.reactions import ReactionRow, Reported, find_message, find_moved_messages, record_reactions

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


MESSAGE_KEY = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{1,5})\.([0-9]{1,19})")
"""What a message is known by to whoever carries it: journey, shard and number."""

SHARD_MAX, MESSAGE_ID_MAX = 2**15 - 1, 2**63 - 1


@dataclass(slots=True)
class _Report:
    """What is reported of one message. `url` is where its link led; None where none was followed."""

    was_delivered: bool = False
    was_opened: bool = False
    url: str | None = None

    def join(self, reaction: Reaction, url: str | None) -> None:
        """Add what else was reported. Whoever followed a link has opened the message."""
        self.was_delivered |= reaction == "delivered"
        self.was_opened |= reaction != "delivered"
        self.url = self.url or url


@dataclass(slots=True)
class _Batch:
    """What is written together."""

    done: "asyncio.Future[None]"
    reports: dict[MessageRef, _Report] = field(default_factory=dict[MessageRef, _Report])


class Reactions:
    """Takes what the addresses in messages report. One per process; `close` it before its pool."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._facts = Facts(pool)
        self._key: bytes | None = None
        self._gathering: _Batch | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._splits: dict[tuple[int, int], _Splits] = {}

    async def open(self, token: str) -> None:
        """Note that a message was opened. A token that is not ours is passed over."""
        message = read_open(await self._tracking_key(), token)
        if message is not None:
            await self._note(message, "opened", None)

    async def report(self, workspace_id: int, app_id: int, message_hash: str, reaction: Reaction) -> None:
        """Note what a device reports of a message of its app. Durable on return.

        `message_hash` is the token of the address that reports an opening, or the key that whoever carries the message
        got with it.

        Raises:
            MessageNotFound: No message of the app goes by the hash.
            Overloaded: Too many reports are waiting.
        """
        message = await self._message_of(message_hash, workspace_id, app_id)
        if message is None:
            raise MessageNotFound
        done = self._gather(message, reaction, None)
        if done is None:
            raise Overloaded
        await asyncio.shield(done)

    async def _message_of(self, message_hash: str, workspace_id: int, app_id: int) -> MessageRef | None:
        known = MESSAGE_KEY.fullmatch(message_hash)
        if known is None:
            message, journey = read_open(await self._tracking_key(), message_hash), None
        else:
            message, journey = MessageRef(int(known[2]), int(known[3])), UUID(known[1])
        if message is None or message.shard > SHARD_MAX or message.message_id > MESSAGE_ID_MAX:
            return None
        async with self._pool.connection() as conn:
            place = (await self._moved(conn, message.shard, [message.message_id])).get(message.message_id, message)
            owner = await find_message(conn, shard=place.shard, message_id=place.message_id)
        if owner is None or (owner.workspace_id, owner.app_id) != (workspace_id, app_id):
            return None
        return message if journey in {None, owner.journey_uuid} else None

    async def click(self, token: str) -> str | None:
        """Note that a link was followed, and return where it leads; None for a token that is not ours."""
        click = read_click(await self._tracking_key(), token)
        if click is None:
            return None
        await self._note(click.message, "clicked", click.url)
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

    async def _note(self, message: MessageRef, reaction: Reaction, url: str | None) -> None:
        """Return when the reaction is durable, or when it takes too long. A lost one is no reason to fail a person."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                done = self._gather(message, reaction, url)
                if done is not None:
                    await asyncio.shield(done)
        except TimeoutError:
            _log.warning("reaction.slow", shard=message.shard, message=message.message_id)
        except Exception:  # noqa: BLE001 - the link must lead on, whatever became of the count
            _log.exception("reaction.lost", shard=message.shard, message=message.message_id)

    def _gather(self, message: MessageRef, reaction: Reaction, url: str | None) -> "asyncio.Future[None] | None":
        """Add a report to those that are written next. Return what tells when they are; None if there are too many."""
        batch = self._gathering
        if batch is None:
            batch = self._gathering = _Batch(asyncio.get_running_loop().create_future())
        if message not in batch.reports and len(batch.reports) >= WAITING_MAX:
            return None
        batch.reports.setdefault(message, _Report()).join(reaction, url)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return batch.done

    async def _flush(self) -> None:
        try:
            while self._gathering is not None:
                batch, self._gathering = self._gathering, None
                try:
                    await self._write(batch.reports)
                except Exception as failure:  # noqa: BLE001 - it belongs to those who wait
                    batch.done.set_exception(failure)
                    batch.done.exception()  # those who waited may have gone on
                else:
                    batch.done.set_result(None)
        finally:
            self._flushing = None

    # Writing ----------------------------------------------------------------------------------------------------

    async def _write(self, reports: Mapping[MessageRef, _Report]) -> None:
        """Write a transaction per shard; one that fails does not keep the others from theirs.

        A message whose person was merged has another place than the one that was reported.
        """
        failures: list[Exception] = []
        moved: dict[MessageRef, _Report] = {}
        for shard in sorted({message.shard for message in reports}):
            own = {message.message_id: reports[message] for message in sorted(reports) if message.shard == shard}
            try:
                async with self._pool.connection() as conn, conn.transaction():
                    places = await self._write_shard(conn, shard, own, self._clock())
                moved |= {place: own[message_id] for message_id, place in places.items()}
            except Exception as failure:  # noqa: BLE001 - as above
                failures.append(failure)
        if moved:
            await self._write(moved)
        if failures:
            raise failures[0]

    async def _write_shard(
        self, conn: Conn, shard: int, reports: Mapping[int, _Report], now: datetime
    ) -> dict[int, MessageRef]:
        """Write what was reported of the messages that are in the shard. Return where those are that left it."""
        reported = [
            Reported(
                message_id=message_id,
                was_delivered=report.was_delivered,
                was_opened=report.was_opened,
                was_clicked=report.url is not None,
            )
            for message_id, report in reports.items()
        ]
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        new = await record_reactions(conn, shard=shard, reported=reported, now=now, hour=hour)
        await self._read_splits(conn, new)
        rows = [row for each in new for row in self._rows(shard, each, reports[each.message_id].url, now)]
        await append_inbox(conn, rows, now=now)
        return await self._moved(conn, shard, reports.keys())

    async def _moved(self, conn: Conn, shard: int, message_ids: Collection[int]) -> dict[int, MessageRef]:
        shards = await self._facts.shard_count()
        moved = await find_moved_messages(conn, shard=shard, message_ids=sorted(message_ids), shard_count=shards)
        return {message_id: MessageRef(*place) for message_id, place in moved.items()}

    def _rows(self, shard: int, new: ReactionRow, url: str | None, now: datetime) -> Iterator[InboxRow]:
        """Yield the events, and the outcome if the person waits for just this."""
        split_by = self._splits.get((new.journey_id, new.version_no), {}).get(new.point_no)
        if new.is_delivery:
            yield _event(shard, new, "delivered", None, now)
        if new.is_opening:
            yield _event(shard, new, "opened", None, now)
        if new.is_click:
            yield _event(shard, new, "clicked", url, now)
        has_come = {"delivered": new.is_delivery, "opened": new.is_opening, "clicked": new.is_click}
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
