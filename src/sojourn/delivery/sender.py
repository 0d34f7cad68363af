"""Sender: claims due messages and sees them through to their outcome.

One task looks at shards when they are notified or something falls due; one task per lane claims and composes; one task
per message talks to its provider; one task writes results. Leases are renewed while messages are held, so what another
sender finds expired was really left behind.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

import structlog

from sojourn.delivery.agenda import Agenda
from sojourn.delivery.carriers import Carriers
from sojourn.delivery.catalog import Briefing, Catalog
from sojourn.delivery.compose import Defaults, Rejection, compose
from sojourn.delivery.lane import Lane
from sojourn.delivery.messages import Carrier, Email, MessageT_contra, OutboundMessage, Outcome, Retry, WebhookCall
from sojourn.delivery.pacing import Queue, postpone_some
from sojourn.delivery.recorder import Recorder
from sojourn.delivery.retry import PATIENT
from sojourn.delivery.settle import Result, postpone, reject, settle
from sojourn.delivery.silence import SKIPPED, silenced
from sojourn.model.points import MessageCapping, SendEmail, Webhook
from sojourn.store.connection import Conn, Pool
from sojourn.store.delivery import (
    Channel,
    ClaimedMessage,
    claim_messages,
    count_recent_messages,
    hold_back_messages,
    look_for_messages,
    read_delivery_shards,
    release_expired_claims,
    renew_claims,
    wakes,
)

URGENT, ORDINARY = 0, 1
"""Priorities of messages."""

_HELD_AT_ONCE = 20_000
_RELEASED_AT_ONCE = 1000
_PAUSE_SECONDS = 1.0
_CONTENTION = timedelta(milliseconds=50)

Signal = Literal["claimed", "held", "listening", "looked", "recorded", "released"]
Signals = Callable[[Signal, int], None]
"""Told what happened and to how many; for tests, which wait for it instead of sleeping."""

_log = structlog.get_logger()


def no_signals(signal: Signal, count: int) -> None:
    """Do nothing, as in production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderOptions:
    """How a sender works.

    Attributes:
        capacity: How many messages of each channel it holds at once; of urgent ones a quarter more.
        defaults: Where emails come from when nothing else says.
        grace: How long a stop waits for what is under way.
        lease: After how long without a sign of life others take over its messages.
        recheck: How often a shard is looked at without a reason: a sender that died notifies nobody.
    """

    capacity: Mapping[Channel, int] = field(default_factory=lambda: {"email": 400, "webhook": 150})
    defaults: Defaults = field(default_factory=Defaults)
    grace: timedelta = timedelta(seconds=20)
    lease: timedelta = timedelta(minutes=2)
    recheck: timedelta = timedelta(minutes=1)


class Sender:
    """Sends the messages of some shards. `run` works until `stop`.

    Args:
        pool: Of the database; one connection listens, up to six work.
        carriers: Who can send what.
        clock: Returns the present instant, aware.
        shards: Which; all of the installation if None.
        options: How.
        chance: Draws evenly from 0 to 1.
        signals: For tests.
    """

    def __init__(
        self,
        pool: Pool,
        carriers: Carriers,
        clock: Callable[[], datetime],
        *,
        shards: Sequence[int] | None = None,
        options: SenderOptions | None = None,
        chance: Callable[[], float] = random.random,
        signals: Signals = no_signals,
    ) -> None:
        self._pool = pool
        self._carriers = carriers
        self._clock = clock
        self._shards = shards
        self._options = options or SenderOptions()
        self._chance = chance
        self._signals = signals
        self._agenda = Agenda()
        self._catalog = Catalog()
        self._recorder = Recorder(pool, clock, self._recorded)
        self._lanes = [
            Lane(priority, channel, capacity // 4 + 1 if priority == URGENT else capacity)
            for priority in (URGENT, ORDINARY)
            for channel, capacity in sorted(self._options.capacity.items())
        ]
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Claim nothing more; `run` ends when what is under way has its outcome, or the grace is over."""
        self._stopping.set()

    def wake(self) -> None:
        """Look at every shard now, as after the clock was moved."""
        self._agenda.wake(self._shards or ())

    async def run(self) -> None:
        """Work until `stop`."""
        if self._shards is None:
            async with self._pool.connection() as conn:
                self._shards = await read_delivery_shards(conn)
        self.wake()
        claims = [self._forever("claim", partial(self._claim_next, lane)) for lane in self._lanes]
        looks = [self._forever("look", self._look_at_due), self._forever("listen", self._listen)]
        async with _beside(self._recorder.run(), self._forever("renew", self._renew)):
            async with _beside(*looks, *claims):
                await self._stopping.wait()
            await self._finish()

    async def _forever(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step; a failure, such as a restart of the database, costs a pause."""
        while True:
            try:
                await step()
            except Exception:  # noqa: BLE001 - whatever it was, the sender goes on
                _log.exception("delivery.step_failed", step=name)
                await asyncio.sleep(_PAUSE_SECONDS)
                self.wake()

    async def _finish(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.grace.total_seconds()):
                await asyncio.gather(*(lane.emptied() for lane in self._lanes))
        await _end(self._under_way)

    # Looking ------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async with wakes(self._pool) as shards:
            self.wake()  # for what was queued before we listened
            self._signals("listening", 1)
            async for shard in shards:
                self._agenda.wake([shard] if shard in (self._shards or ()) else [])

    async def _look_at_due(self) -> None:
        await self._agenda.wait(self._clock)
        due = self._agenda.take_due(self._clock())
        if due:
            async with self._pool.connection() as conn:
                for shard in due:
                    await self._look(conn, shard)
            self._signals("looked", len(due))

    async def _look(self, conn: Conn, shard: int) -> None:
        """Offer a shard to the lanes that have something due in it, and plan the next look."""
        now = self._clock()
        rows = await look_for_messages(
            conn,
            shard=shard,
            priorities=[lane.priority for lane in self._lanes],
            channels=[lane.channel for lane in self._lanes],
        )
        self._agenda.plan(shard, now + self._options.recheck)
        for row in rows:
            if row.at > now:
                self._agenda.plan(shard, row.at)
            elif row.priority is None or row.channel is None:
                await self._release_expired(conn, shard, now)
            elif row.held_journey is not None:
                await self._hold_back(conn, shard, row.held_journey, self._lane(row.priority, row.channel))
            else:
                self._lane(row.priority, row.channel).offer(shard)

    async def _hold_back(self, conn: Conn, shard: int, journey_id: int, lane: Lane) -> None:
        """Take what a held journey has at the head of a lane out of the queue, and look at what comes after it."""
        now = self._clock()
        held = await hold_back_messages(
            conn,
            shard=shard,
            journey_id=journey_id,
            priority=lane.priority,
            channel=lane.channel,
            now=now,
            batch=_HELD_AT_ONCE,
        )
        await conn.commit()  # a start of the journey waits for this
        if held:
            self._agenda.wake([shard])
            self._signals("held", held)
        else:
            self._agenda.plan(shard, now + _CONTENTION)  # another sender was quicker, or the journey runs again

    def _lane(self, priority: int, channel: Channel) -> Lane:
        return next(lane for lane in self._lanes if (lane.priority, lane.channel) == (priority, channel))

    async def _release_expired(self, conn: Conn, shard: int, now: datetime) -> None:
        held = [id_ for lane in self._lanes for id_ in lane.held_ids(shard)]
        released = await release_expired_claims(conn, shard=shard, now=now, held_ids=held, batch=_RELEASED_AT_ONCE)
        if released:
            _log.warning("delivery.lease_expired", shard=shard, messages=released)
            self._agenda.wake([shard])
            self._signals("released", released)

    async def _renew(self) -> None:
        await asyncio.sleep(self._options.lease.total_seconds() / 3)
        async with self._pool.connection() as conn:
            for shard in self._shards or ():
                held = [id_ for lane in self._lanes for id_ in lane.held_ids(shard)]
                if held:
                    until = self._clock() + self._options.lease
                    await renew_claims(conn, shard=shard, message_ids=sorted(held), claimed_until=until)

    # Claiming -----------------------------------------------------------------------------------------------------

    async def _claim_next(self, lane: Lane) -> None:
        shard = await lane.next_shard()
        room, now = lane.room, self._clock()
        async with self._pool.connection() as conn:
            messages = await claim_messages(
                conn,
                shard=shard,
                priority=lane.priority,
                channel=lane.channel,
                now=now,
                claimed_until=now + self._options.lease,
                batch=room,
            )
            await conn.commit()  # whatever happens now, the lease is taken
            for message in messages:
                lane.hold(shard, message.message_id)
            try:
                briefing = await self._catalog.brief(conn, messages, lane.channel)
                recent = await self._count_recent(conn, lane, messages, briefing, now)
                silent = silenced(messages, briefing, lane.channel, now)
                wanted = [message for message in messages if message.message_id not in silent]
                postponed = silent.waiting | await postpone_some(conn, _queues(wanted, briefing, recent), now)
            except Exception:
                self._recorder.add(postpone(message, now) for message in messages)
                raise
        self._signals("claimed", len(messages))
        # A task of its own, because a stop that came in between would leave messages without a result.
        self._recorder.add(
            postpone(message, postponed[message.message_id]) for message in messages if message.message_id in postponed
        )
        self._recorder.add(
            reject(message, SKIPPED, holding=_holding_point(message, briefing))
            for message in messages
            if message.message_id in silent.skipped
        )
        going = [message for message in wanted if message.message_id not in postponed]
        self._start(self._begin_all(going, briefing, recent))
        if len(messages) == room:
            lane.offer(shard)
        elif messages:
            self._agenda.wake([shard])
        else:
            self._agenda.plan(shard, now + _CONTENTION)  # another sender holds the rows that we saw

    async def _count_recent(
        self, conn: Conn, lane: Lane, messages: list[ClaimedMessage], briefing: Briefing, now: datetime
    ) -> dict[int, int]:
        """Count what people got lately, for the messages whose point caps that."""
        capped = [
            (message, now - timedelta(seconds=capping.period_seconds))
            for message in messages
            if (capping := _custom_capping(message, briefing)) is not None
        ]
        if not capped:
            return {}
        return await count_recent_messages(
            conn,
            shard=capped[0][0].shard,
            channel=lane.channel,
            message_ids=[message.message_id for message, _ in capped],
            profile_ids=[message.profile_id for message, _ in capped],
            journey_ids=[message.journey_id for message, _ in capped],
            sinces=[since for _, since in capped],
        )

    async def _begin_all(
        self, messages: Sequence[ClaimedMessage], briefing: Briefing, recent: Mapping[int, int]
    ) -> None:
        """Start sending a batch; what cannot or may not be sent gets its result at once."""
        for message in messages:
            await asyncio.sleep(0)  # composing takes time, and urgent messages must not wait for it
            self._begin(message, briefing, recent.get(message.message_id, 0))

    def _begin(self, message: ClaimedMessage, briefing: Briefing, recent: int) -> None:
        holding = _holding_point(message, briefing)
        try:
            prepared = self._prepare(message, briefing, recent, self._clock())
        except Exception as bug:  # noqa: BLE001 - one message must not stop the others
            _log.exception("delivery.compose_failed", shard=message.shard, message=message.message_id)
            prepared = Rejection(status="failed", reason="internal", detail=f"{type(bug).__name__}: {bug}")
        match prepared:
            case datetime():
                self._recorder.add([postpone(message, prepared)])
            case Rejection():
                self._recorder.add([reject(message, prepared, holding=holding)])
            case Email() | WebhookCall():
                since = None if holding is None else _called_from(message, briefing)
                self._start(self._send(message, prepared, _provider_name(message, briefing), holding, since))

    def _prepare(
        self, message: ClaimedMessage, briefing: Briefing, recent: int, now: datetime
    ) -> OutboundMessage | Rejection | datetime:
        """Return what to send, or why not, or when to come back."""
        if self._stopping.is_set():
            return now
        if message.attempt > PATIENT.max_attempts:
            return Rejection(status="failed", reason="abandoned", detail="no attempt came to an end")
        if _is_capped(message, briefing, recent):
            return Rejection(status="skipped", reason="capped", detail=f"{recent} messages within the period")
        return compose(message, briefing, self._options.defaults, now)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    # Sending ------------------------------------------------------------------------------------------------------

    async def _send(
        self,
        message: ClaimedMessage,
        outbound: OutboundMessage,
        provider: str | None,
        holding: Webhook | None,
        since: datetime | None,
    ) -> None:
        try:
            match outbound:
                case Email():
                    outcome = await _deliver(self._carriers.email, provider, outbound)
                case WebhookCall():
                    outcome = await _deliver(self._carriers.webhook, provider, outbound)
        except Exception as bug:  # noqa: BLE001 - as above
            _log.exception("delivery.provider_failed", shard=message.shard, message=message.message_id)
            outcome = Retry(detail=f"{type(bug).__name__}: {bug}")
        result = settle(message, outcome, now=self._clock(), chance=self._chance(), holding=holding, since=since)
        if result.status == "failed":
            _log.warning(
                "delivery.failed",
                shard=message.shard,
                message=message.message_id,
                journey=message.journey_id,
                point_no=message.point_no,
                reason=result.reason,
            )
        self._recorder.add([result])

    def _recorded(self, shard: int, results: list[Result]) -> None:
        for result in results:
            for lane in self._lanes:
                lane.let_go(shard, result.message_id)
        due_ats = [result.due_at for result in results if result.due_at is not None]
        if due_ats:
            self._agenda.plan(shard, min(due_ats))
        self._signals("recorded", len(results))


@asynccontextmanager
async def _beside(*loops: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Run loops beside a block, and cancel them at its end. A loop that breaks is a bug, and breaks the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            await _end(tasks)


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until they are done.

    Once is not enough: `asyncio.wait_for` of Python 3.11, which the driver uses, loses a cancellation that comes in
    the same moment as the result.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_PAUSE_SECONDS)


def _email_point(message: ClaimedMessage, briefing: Briefing) -> SendEmail | None:
    origin = briefing.point_of(message)
    return origin[1].point if origin is not None and isinstance(origin[1].point, SendEmail) else None


def _custom_capping(message: ClaimedMessage, briefing: Briefing) -> MessageCapping | None:
    """Return how often the point may send to one person. Urgent messages are exempt."""
    point = _email_point(message, briefing)
    if point is None or point.capping is None or point.capping.mode != "CUSTOM" or message.priority == URGENT:
        return None
    return point.capping


def _is_capped(message: ClaimedMessage, briefing: Briefing, recent: int) -> bool:
    """Tell whether a person has had as much from the point as it may send."""
    capping = _custom_capping(message, briefing)
    return capping is not None and recent >= capping.max_messages


def _queues(
    messages: Sequence[ClaimedMessage], briefing: Briefing, recent: Mapping[int, int]
) -> dict[tuple[int, int], Queue]:
    """Return the messages that may only go at the pace of their point."""
    queues: dict[tuple[int, int], tuple[float, list[int]]] = {}
    for message in messages:
        point = _email_point(message, briefing)
        is_capped = _is_capped(message, briefing, recent.get(message.message_id, 0))
        if point is not None and point.send_rate_per_second is not None and not is_capped:
            place = (message.journey_id, message.point_no)
            queues.setdefault(place, (point.send_rate_per_second, []))[1].append(message.message_id)
    return {place: Queue(rate, ids) for place, (rate, ids) in queues.items()}


def _holding_point(message: ClaimedMessage, briefing: Briefing) -> Webhook | None:
    """Return the point at which the person waits for this message's outcome."""
    origin = briefing.point_of(message)
    if origin is None or not origin[1].holds_people or not isinstance(origin[1].point, Webhook):
        return None
    return origin[1].point


def _called_from(message: ClaimedMessage, briefing: Briefing) -> datetime | None:
    """Return from when the time counts in which the answer to a call has to come."""
    origin = briefing.point_of(message)
    return None if origin is None else origin[0].earliest(message, "webhook")


def _provider_name(message: ClaimedMessage, briefing: Briefing) -> str | None:
    """Return the provider that the app's settings name, if they do."""
    origin = briefing.point_of(message)
    setting = None if origin is None else briefing.settings.get(origin[0].app_id)
    return None if setting is None else setting.provider


async def _deliver(
    carriers: Sequence[Carrier[MessageT_contra]], provider: str | None, outbound: MessageT_contra
) -> Outcome:
    for carrier in carriers:
        if provider is None or carrier.name == provider:
            return await carrier.deliver(outbound)
    return Retry(detail=f"provider `{provider}` is not set up")
