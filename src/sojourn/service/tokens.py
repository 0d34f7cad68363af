"""Tokens: made, recognised, revoked. The plain text exists only in the hands of its owner."""

import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from sojourn.service.commands import Caller
from sojourn.service.errors import NotAllowed, NotAuthenticated, NotFound
from sojourn.store import tokens as store
from sojourn.store.connection import Conn, Pool, single_statements
from sojourn.store.tokens import StoredToken, TokenKind

REMEMBERED_FOR = timedelta(seconds=5)
"""How long a revoked token may still be taken for good, and one that was just made elsewhere for none."""

REMEMBERED_MAX = 10_000

LONG_AGO = datetime.min.replace(tzinfo=UTC)

SUFFICIENT: Mapping[TokenKind, frozenset[TokenKind]] = {
    "api": frozenset({"api"}),
    "device": frozenset({"api", "device"}),
    "site": frozenset({"site"}),
    "write": frozenset({"write"}),
}
"""What is needed to the kinds of tokens that do."""

T = TypeVar("T")


class Gate:
    """Tells who a token's bearer is. Tokens seen a moment ago are not looked up again, nor are those that are none."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._seen: dict[bytes, tuple[datetime, Caller]] = {}
        self._unknown: dict[bytes, datetime] = {}

    def remembered(self, plaintext: str, *, needs: TokenKind) -> Caller | None:
        """Return whom a token stands for that was looked up a moment ago; None if it has to be looked up."""
        seen = self._seen.get(hash_of(plaintext))
        if seen is None or self._clock() - seen[0] >= REMEMBERED_FOR or seen[1].rights not in SUFFICIENT[needs]:
            return None
        return seen[1]

    async def authenticate(self, plaintext: str, *, needs: TokenKind) -> Caller:
        """Return whom the token stands for. An `api` token does what a device does, too; keys of apps stand alone.

        Raises:
            NotAllowed: A token of another kind than is needed.
            NotAuthenticated: No such token, or it was revoked.
        """
        caller = await self._find(hash_of(plaintext))
        if caller.rights not in SUFFICIENT[needs]:
            raise NotAllowed
        return caller

    def has_seen(self, plaintext: str) -> bool:
        """Tell whether the token was in force when it was looked up last, however long ago that is."""
        return hash_of(plaintext) in self._seen

    def forget_all(self) -> None:
        """Look all tokens up the next time. Those that were in force have still been seen."""
        self._seen = {token_hash: (LONG_AGO, caller) for token_hash, (_, caller) in self._seen.items()}
        self._unknown.clear()

    async def _find(self, token_hash: bytes) -> Caller:
        now = self._clock()
        seen = self._seen.get(token_hash)
        if seen is not None and now - seen[0] < REMEMBERED_FOR:
            return seen[1]
        unknown_since = self._unknown.get(token_hash)
        if unknown_since is not None and timedelta(0) <= now - unknown_since < REMEMBERED_FOR:
            raise NotAuthenticated
        async with single_statements(self._pool) as conn:
            token = await store.find_token(conn, token_hash=token_hash)
        if token is None or not hmac.compare_digest(token.token_hash, token_hash):
            self._seen.pop(token_hash, None)
            _remember(self._unknown, token_hash, now)
            raise NotAuthenticated
        self._unknown.pop(token_hash, None)
        caller = _caller(token)
        _remember(self._seen, token_hash, (now, caller))
        return caller


def _caller(token: StoredToken) -> Caller:
    return Caller(
        workspace_id=token.workspace_id,
        rights=token.kind,
        name=token.title,
        app_id=token.app_id,
        origins=tuple(token.origins),
    )


def _remember(memory: dict[bytes, T], token_hash: bytes, what: T) -> None:
    if len(memory) >= REMEMBERED_MAX and token_hash not in memory:
        memory.clear()
    memory[token_hash] = what


async def create_token(
    conn: Conn, workspace_id: int, kind: TokenKind, title: str, now: datetime, *, app_id: int | None = None
) -> str:
    """Make a new token; a write key needs its app. Return its plain text, which cannot be had again."""
    plaintext = secrets.token_urlsafe(32)
    await ensure_token(conn, workspace_id, plaintext, kind, title, now, app_id=app_id)
    return plaintext


async def ensure_token(
    conn: Conn,
    workspace_id: int,
    plaintext: str,
    kind: TokenKind,
    title: str,
    now: datetime,
    *,
    app_id: int | None = None,
) -> bool:
    """Make a token of a given plain text, unless it exists. Return whether it is new. A revoked one stays revoked."""
    assert kind != "site", "keys of sites are made by `service.sites`"
    assert (kind == "write") == (app_id is not None), "a write key is one of an app, other tokens are not"
    return await store.insert_token(
        conn,
        workspace_id=workspace_id,
        kind=kind,
        token_hash=hash_of(plaintext),
        title=title,
        now=now,
        app_id=app_id,
    )


async def revoke_token(conn: Conn, workspace_id: int, plaintext: str, now: datetime) -> None:
    """Take a token out of force.

    Raises:
        NotFound: The workspace has no such token in force.
    """
    if not await store.revoke_token(conn, workspace_id=workspace_id, token_hash=hash_of(plaintext), now=now):
        raise NotFound


def hash_of(plaintext: str) -> bytes:
    """Return what is kept of a token. Tokens are long and random, so one round of a fast hash is enough."""
    return sha256(plaintext.encode(errors="surrogatepass")).digest()
