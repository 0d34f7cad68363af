"""Acceptance: notices that arrive together become durable together.

Whoever submits a notice waits for the commit. While one transaction is under way the next ones gather, so the batches
grow with the load, and without load nobody waits for others. Where much has gathered, a second transaction sets off
beside the first, unless both speak of one person: then the database does not wait for this process, nor it for the
database, and what is said of a person is still written in the order in which it came.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

import msgspec

from sojourn.model.identities import Identity, user_identity
from sojourn.model.problems import Problem
from sojourn.service.backlog import Backlog
from sojourn.service.errors import InvalidDocument, Overloaded
from sojourn.service.facts import Facts
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.owners import address
from sojourn.store.connection import Conn, Pool, single_statements
from sojourn.store.errors import CONFLICTS, Unavailable, availability
from sojourn.store.identities import find_identities
from sojourn.store.inbox import DATA_MAX, InboxRow, NamedListener, append_inbox, append_letters, named_listeners

ATTEMPTS = 3
"""How often a batch is tried whose transaction collides with another."""

BATCH_MAX = 1000
"""Notices in one transaction."""

CROWD = 24
"""Requests for which a second transaction is worth its price; so is half of what goes into one."""

FLIGHTS_MAX = 2
"""Transactions under way at once."""

BATCH_SIZE_MAX = 4_000_000
"""Characters after which a batch takes no further notice."""

WAITING_MAX = 20_000
"""Notices that may wait; more are refused, so that a stalled database does not fill the memory."""

WAITING_SIZE_MAX = 100_000_000
"""Characters that may wait, for the same reason."""

NAMES_MAX = 2
"""Names by which a person may go in a letter."""

NAMED_MAX = 1000
"""People that one event may name for enrollment; the rest of a longer list is not read."""

NAMED_SIZE_MAX = 32_000_000
"""Characters of what the people get whom one event names: each gets the event. A thousand of them at 32 kB each."""


class _Unit:
    """Notices that become durable together, and who waits for it."""

    __slots__ = ("_names", "done", "letters", "notices", "size")

    def __init__(self, notices: Sequence[Notice], done: "asyncio.Future[None]") -> None:
        self.notices = notices
        self.done = done
        self._names: frozenset[Identity] | None = None
        # Made now, while another transaction is under way, and not when the database waits for the next one.
        self.letters = [letter for notice in notices for letter in notice.letters()]
        self.size = sum([len(letter.data) for letter in self.letters])

    @property
    def is_simple(self) -> bool:
        """Tell whether letters say all of the notices."""
        return all(len(notice.identities) <= NAMES_MAX for notice in self.notices)

    @property
    def names(self) -> frozenset[Identity]:
        """Whom the notices speak of. Asked for where the load is high only."""
        if self._names is None:
            self._names = frozenset([each for notice in self.notices for each in notice.identities])
        return self._names


class Acceptance:
    """Collects notices and commits them in batches, those of a person in the order in which they came."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], datetime],
        facts: Facts,
        *,
        backlog: Backlog | None = None,
        batch_max: int = BATCH_MAX,
        waiting_max: int = WAITING_MAX,
        waiting_size_max: int = WAITING_SIZE_MAX,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._facts = facts
        self.backlog = backlog or Backlog(pool)
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._waiting_size_max = waiting_size_max
        self._waiting_size = 0
        self._waiting_count = 0
        self._waiting: deque[_Unit] = deque()
        self._flights: dict[asyncio.Task[None], Sequence[_Unit]] = {}
        self._is_called = False

    async def submit(self, notice: Notice) -> None:
        """Return when the notice is durable.

        Raises:
            Overloaded: Too many are waiting.
        """
        await self.submit_all((notice,))

    async def submit_all(self, notices: Sequence[Notice]) -> None:
        """Return when all the notices are durable; if that fails, none of them is.

        Raises:
            Overloaded: Too many are waiting, for their acceptance or for the engines.
        """
        if not notices:
            return
        self.backlog.admit()
        if self._waiting_count >= self._waiting_max or self._waiting_size >= self._waiting_size_max:
            raise Overloaded
        unit = _Unit(notices, asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        self._waiting_count += len(notices)
        self._waiting_size += unit.size
        self._call()
        await unit.done

    async def close(self) -> None:
        """Wait for what has been submitted."""
        while self._waiting or self._flights:
            self._set_off()
            await asyncio.wait(self._flights)
        await self.backlog.close()

    async def accept_many(
        self, notices: Sequence[Notice], *, before_commit: Callable[[Conn], Awaitable[None]] | None = None
    ) -> None:
        """Accept notices in one transaction of their own. `before_commit` may write what must be true with them.

        Raises:
            Overloaded: Too many are waiting for the engines.
        """
        self.backlog.admit()
        await self._accept_many(notices, before_commit)

    async def _accept_many(
        self, notices: Sequence[Notice], before_commit: Callable[[Conn], Awaitable[None]] | None = None
    ) -> None:
        for _ in range(ATTEMPTS - 1):
            # Locks are taken in one order, so this is rare: somebody else decided who a person is while we waited.
            with suppress(*CONFLICTS):
                return await self._accept_once(notices, before_commit)
        return await self._accept_once(notices, before_commit)

    async def _accept_once(
        self, notices: Sequence[Notice], before_commit: Callable[[Conn], Awaitable[None]] | None
    ) -> None:
        shard_count = await self._facts.shard_count()
        # In a pipeline what needs no answer is sent without waiting for one: half the turns to and fro.
        async with self._pool.connection() as conn, conn.pipeline(), conn.transaction():
            await accept(conn, notices, shard_count=shard_count, now=self._clock())
            if before_commit is not None:
                await before_commit(conn)

    def _call(self) -> None:
        """See to it that what waits sets off: not at once, so that what comes at the same moment comes along."""
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._set_off)

    def _set_off(self) -> None:
        """Begin the transactions for which it is time."""
        self._is_called = False
        while self._waiting and self._is_time() and (batch := self._next_batch()):
            flight = asyncio.create_task(self._commit(batch))
            self._flights[flight] = batch
            flight.add_done_callback(self._land)

    def _is_time(self) -> bool:
        """Tell whether what waits should go now: a second transaction makes both dearer unless much waits for it."""
        if not self._flights:
            return True
        is_much = len(self._waiting) >= CROWD or 2 * self._waiting_count >= self._batch_max
        return is_much and len(self._flights) < FLIGHTS_MAX

    def _land(self, flight: "asyncio.Task[None]") -> None:
        del self._flights[flight]
        self._call()

    def _next_batch(self) -> list[_Unit]:
        """Take what goes together; nothing while the first that waits speaks of somebody who is under way."""
        batch: list[_Unit] = []
        count = size = 0
        busy = frozenset[Identity]().union(*(unit.names for flight in self._flights.values() for unit in flight))
        while self._waiting and count < self._batch_max and size < BATCH_SIZE_MAX:
            if busy and not busy.isdisjoint(self._waiting[0].names):
                break
            unit = self._waiting.popleft()
            batch.append(unit)
            count += len(unit.notices)
            size += unit.size
        self._waiting_count -= count
        self._waiting_size -= size
        return batch

    async def _append_at_once(self, batch: Sequence[_Unit]) -> bool:
        """Accept a batch in one statement, if it is settled who all its people are. Return whether it was."""
        if sum(unit.size for unit in batch) > DATA_MAX or not all(unit.is_simple for unit in batch):
            return False
        shard_count, now = await self._facts.shard_count(), self._clock()
        letters = [letter for unit in batch for letter in unit.letters]
        events = {(each.workspace_id, each.name) for each in letters if each.kind == "event" and each.name is not None}
        async with single_statements(self._pool) as conn:
            return await append_letters(conn, letters, shard_count=shard_count, events=events, now=now)

    async def _commit(self, batch: Sequence[_Unit]) -> None:
        """Commit a batch. Where it fails for what it holds, part it, so that only what is at fault fails."""
        try:
            with availability():
                if not await self._append_at_once(batch):
                    await self._accept_many([notice for unit in batch for notice in unit.notices])
        except Exception as failure:  # noqa: BLE001 - it belongs to those who wait
            middle = len(batch) // 2
            if middle and not isinstance(failure, Unavailable):
                await self._commit(batch[:middle])
                await self._commit(batch[middle:])
                return
            for unit in batch:
                if not unit.done.done():
                    unit.done.set_exception(failure)
        else:
            for unit in batch:
                if not unit.done.done():
                    unit.done.set_result(None)


async def accept(conn: Conn, notices: Sequence[Notice], *, shard_count: int, now: datetime) -> None:
    """Find or make the people of notices, and append to their inboxes. Runs in the caller's transaction."""
    rows = await address(conn, notices, shard_count=shard_count, now=now)
    rows += await _named_entries(conn, notices, shard_count=shard_count, now=now)
    await append_inbox(conn, rows, now=now)


async def _named_entries(conn: Conn, notices: Sequence[Notice], *, shard_count: int, now: datetime) -> list[InboxRow]:
    """Make the rows that enroll the people whom events name. Names that nobody has are passed over."""
    events = [(notice, word) for notice in notices for word in notice.words if word.kind == "event"]
    if not events:
        return []
    by_event: dict[tuple[int, str | None], list[NamedListener]] = {}
    names = {(notice.workspace_id, word.name) for notice, word in events if word.name is not None}
    for listener in await named_listeners(conn, names):
        by_event.setdefault((listener.workspace_id, listener.event_name), []).append(listener)
    entries = [
        (entry, user)
        for notice, word in events
        for listener in by_event.get((notice.workspace_id, word.name), ())
        if listener.app_id is None or listener.app_id == notice.app_id
        for entry in [_entry_event(notice, word, listener)]  # one text, however many people share it
        for user in _checked(_named_users(notice, listener.attribute_name), word, listener)
    ]
    if not entries:
        return []
    owners = await find_identities(conn, {user for _, user in entries}, shard_count=shard_count)
    return [row for entry, user in entries if user in owners for row in entry.rows(owners[user], now)]


def _entry_event(notice: Notice, word: Word, listener: NamedListener) -> Notice:
    data = {"journey_id": listener.journey_id, "point_no": listener.point_no, "event": msgspec.Raw(word.data.encode())}
    entry = Word(kind="entry_event", data=json_text(data), name=word.name, occurred_at=word.occurred_at)
    return Notice(workspace_id=notice.workspace_id, app_id=notice.app_id, identities=(), words=(entry,))


def _checked(users: list[Identity], word: Word, listener: NamedListener) -> list[Identity]:
    if len(users) * len(word.data) > NAMED_SIZE_MAX:
        limit = NAMED_SIZE_MAX // len(users)
        text = f"an event that names {len(users)} people to enroll has at most {limit} characters"
        problem = Problem("event.named_too_large", f"attributes/{listener.attribute_name}", text)
        raise InvalidDocument(text, problems=(problem,))
    return users


def _named_users(notice: Notice, attribute_name: str) -> list[Identity]:
    """Read user ids from an attribute: a string or number, or a list of them; each once."""
    value = notice.attributes.get(attribute_name)
    values = cast("list[Any]", value)[:NAMED_MAX] if isinstance(value, list) else [value]  # JSON lists hold anything
    user_ids = dict.fromkeys(user_id for each in values if (user_id := _user_id(each)))
    return [user_identity(notice.workspace_id, user_id) for user_id in user_ids]


def _user_id(value: Any) -> str:  # noqa: ANN401 - whatever the attribute holds
    """Spell a user id; empty for what cannot be one."""
    match value:
        case bool():
            return ""
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value)
        case _:
            return ""
