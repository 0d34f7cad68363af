"""Sessions: somebody signs in, and is recognised by a token from then on, until it expires or the session is ended.

A token is short-lived and says which session it belongs to; the session is a row, so it can be ended. Refreshing gives
a new token and takes the old one out of force: a page that was under way with it has `GRACE` to finish. Who brings an
old token for refreshing later than that has stolen it, or had theirs stolen, so the session ends.

A token seen a moment ago is not looked up again. So a session that was ended in another process, or an account that
was disabled, may be taken for good for `REMEMBERED_FOR`; one that was ended here is forgotten at once.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from sojourn.service.commands import Account, Caller, Role
from sojourn.service.errors import NotAuthenticated, TooManyAttempts
from sojourn.service.jwts import Claims, Tokens
from sojourn.service.key_sets import KeySet
from sojourn.service.passwords import Passwords
from sojourn.service.signing_keys import JWT_SECRET, signing_key
from sojourn.store import accounts
from sojourn.store import sessions as store
from sojourn.store.accounts import StoredAccount
from sojourn.store.connection import Conn, Pool, single_statements
from sojourn.store.sessions import StoredSession

TOKEN_FOR = timedelta(hours=12)
SESSION_FOR = timedelta(days=30)
GRACE = timedelta(seconds=30)
REMEMBERED_FOR = timedelta(seconds=5)
REMEMBERED_MAX = 10_000

ATTEMPTS_FOR = timedelta(minutes=15)
PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, PER_ACCOUNT = 10, 50, 100
"""Attempts to sign in within `ATTEMPTS_FOR`. One place cannot lock others out of an account before long."""

AGENT_MAX = 300
EMAIL_MAX = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How tokens are checked.

    Attributes:
        audience: Whom tokens have to be for.
        issuer: Who has to have made those that somebody else signed.
        keys: With which somebody else signs.
    """

    audience: str | None = None
    issuer: str | None = None
    keys: KeySet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A token, and whose it is."""

    token: str
    lasts: timedelta
    account: Account


class Sessions:
    """Begins, recognises and ends sessions."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], datetime],
        options: SessionOptions,
        passwords: Passwords,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._options = options
        self._passwords = passwords
        self._made: Tokens | None = None
        self._seen: dict[bytes, tuple[datetime, Caller]] = {}
        self._changes = 0

    # Recognising ------------------------------------------------------------------------------------------------

    async def caller(self, token: str) -> Caller:
        """Return whose token it is.

        Raises:
            NotAuthenticated: It is none, or not in force.
        """
        if (remembered := self.remembered(token)) is not None:
            return remembered
        now, changes = self._clock(), self._changes
        claims = await (await self._tokens()).read(token, now)
        caller = await self._recognise(claims, now)
        if changes != self._changes:
            return caller  # a session ended meanwhile, perhaps this one
        if len(self._seen) >= REMEMBERED_MAX:
            self._seen.clear()
        self._seen[_seen_as(token)] = min(now + REMEMBERED_FOR, claims.expires_at), caller
        return caller

    def remembered(self, token: str) -> Caller | None:
        """Return whose token it is, if it was seen a moment ago."""
        seen = self._seen.get(_seen_as(token))
        return seen[1] if seen is not None and self._clock() < seen[0] else None

    def forget(self) -> None:
        """Look all tokens up again: an account changed, or a session ended."""
        self._changes += 1
        self._seen.clear()

    async def _recognise(self, claims: Claims, now: datetime) -> Caller:
        if claims.session is None:
            return await self._foreigner(claims)
        found = await self._session(claims, now)
        is_former = found.former_hash is not None and now < found.refreshed_at + GRACE
        fits = _is_hash(found.token_hash, claims) or (is_former and _is_hash(found.former_hash, claims))
        if not fits:
            raise NotAuthenticated
        return Caller(
            workspace_id=found.workspace_id,
            rights=found.role,
            name=found.email,
            account=found.account,
            session=found.session,
        )

    async def _session(self, claims: Claims, now: datetime) -> StoredSession:
        assert claims.session is not None, "a session of ours"
        async with single_statements(self._pool) as conn:
            found = await store.find_session(conn, session=claims.session)
        if found is None or found.expires_at <= now or str(found.account) != claims.subject:
            raise NotAuthenticated
        if found.tenant_id != claims.tenant:
            raise NotAuthenticated
        return found

    async def _foreigner(self, claims: Claims) -> Caller:
        """Return who a token without a session of ours stands for: its claims count, unless we disabled the account."""
        subject = _uuid(claims.subject)
        async with single_statements(self._pool) as conn:
            workspace_id = await accounts.tenant_workspace(conn, tenant_id=claims.tenant)
            if workspace_id is None:
                raise NotAuthenticated
            if subject is not None and await accounts.is_account_disabled(
                conn, workspace_id=workspace_id, account=subject
            ):
                raise NotAuthenticated
        return Caller(workspace_id=workspace_id, rights=claims.role, name=claims.subject)

    async def _tokens(self) -> Tokens:
        if self._made is None:
            async with single_statements(self._pool) as conn:
                secret = await signing_key(conn, JWT_SECRET, self._clock())
            options = self._options
            self._made = Tokens(secret, keys=options.keys, audience=options.audience, issuer=options.issuer)
        return self._made

    # Signing in -------------------------------------------------------------------------------------------------

    async def sign_in(self, email: str, password: str, *, address: str, agent: str) -> SignedIn:
        """Begin a session.

        Raises:
            NotAuthenticated: The email address or the password is wrong, or the account is disabled. Which of these it
                is takes equally long to find out, and is not told.
            TooManyAttempts: There were too many from this place, or for this account.
        """
        now, email = self._clock(), _plain(email.strip().lower(), EMAIL_MAX)
        await self._count_attempt(email, address, now)
        async with single_statements(self._pool) as conn:
            account = await accounts.find_account_by_email(conn, email=email)
        fits = await self._passwords.fits(password, account.password_hash if account else None)
        if not fits or account is None or account.is_disabled:
            raise NotAuthenticated("the email address or the password is wrong")
        renewed = await self._passwords.hash(password) if self._passwords.is_outdated(account.password_hash) else None
        async with self._pool.connection() as conn, conn.transaction():
            if renewed is not None:
                await accounts.replace_password(conn, account_id=account.account_id, password_hash=renewed, now=now)
            subjects = [_subject("both", email, address), _subject("account", email)]
            await accounts.forget_attempts(conn, subjects=subjects, since=now - ATTEMPTS_FOR)
            await accounts.note_sign_in(conn, account_id=account.account_id, now=now)
            return await self._begin(conn, account, address=address, agent=agent, now=now)

    async def _begin(self, conn: Conn, account: StoredAccount, *, address: str, agent: str, now: datetime) -> SignedIn:
        session, token_id = uuid4(), secrets.token_urlsafe(24)
        await store.forget_sessions(conn, account_id=account.account_id, now=now - SESSION_FOR)
        await store.insert_session(
            conn,
            session=session,
            account_id=account.account_id,
            token_hash=_hash(token_id),
            address=address,
            agent=_plain(agent, AGENT_MAX),
            now=now,
            expires_at=now + SESSION_FOR,
        )
        signed = (await self._tokens()).write(
            _claims(account.account, account.tenant_id, account.role, session, token_id, now, now + TOKEN_FOR)
        )
        return SignedIn(token=signed, lasts=TOKEN_FOR, account=account_view(account))

    async def _count_attempt(self, email: str, address: str, now: datetime) -> None:
        """Count before the password is looked at, so that many guesses at once are counted, too."""
        limits = {
            _subject("both", email, address): PER_ACCOUNT_AND_ADDRESS,
            _subject("address", address): PER_ADDRESS,
            _subject("account", email): PER_ACCOUNT,
        }
        async with single_statements(self._pool) as conn:
            counted = await accounts.count_attempts(conn, subjects=list(limits), since=now - ATTEMPTS_FOR, now=now)
        ends = [counted[subject][0] + ATTEMPTS_FOR for subject, limit in limits.items() if counted[subject][1] > limit]
        if ends:
            raise TooManyAttempts(retry_after_s=max(1, int((max(ends) - now).total_seconds())))

    # Going on, and signing out ------------------------------------------------------------------------------------

    async def refresh(self, token: str) -> SignedIn:
        """Put a new token in place of one that is in force.

        Raises:
            NotAuthenticated: It is not in force, or another took its place: then the session ends.
        """
        now = self._clock()
        claims = await (await self._tokens()).read(token, now)
        if claims.session is None:
            raise NotAuthenticated("this session was begun elsewhere; refresh it there")
        found = await self._session(claims, now)
        token_id = secrets.token_urlsafe(24)
        async with single_statements(self._pool) as conn:
            is_done = await store.refresh_session(
                conn, session=found.session, token_hash=_id_hash(claims), new_hash=_hash(token_id), now=now
            )
            if not is_done and now >= found.refreshed_at + GRACE:
                await store.revoke_session(conn, workspace_id=found.workspace_id, session=found.session, now=now)
            account = await accounts.find_account(conn, workspace_id=found.workspace_id, account=found.account)
        self.forget()
        if not is_done or account is None:
            raise NotAuthenticated
        expires_at = min(now + TOKEN_FOR, found.expires_at)
        signed = (await self._tokens()).write(
            _claims(found.account, found.tenant_id, found.role, found.session, token_id, now, expires_at)
        )
        return SignedIn(token=signed, lasts=expires_at - now, account=account_view(account))

    async def sign_out(self, caller: Caller) -> None:
        """End the session in which somebody asks."""
        if caller.session is not None:
            async with single_statements(self._pool) as conn:
                await store.revoke_session(
                    conn, workspace_id=caller.workspace_id, session=caller.session, now=self._clock()
                )
        self.forget()


def account_view(account: StoredAccount) -> Account:
    """Return an account as others see it."""
    return Account(
        account=account.account,
        tenant=account.tenant_id,
        email=account.email,
        name=account.name,
        role=account.role,
        is_disabled=account.is_disabled,
        created_at=account.created_at,
        updated_at=account.updated_at,
        signed_in_at=account.signed_in_at,
    )


def _claims(
    account: UUID, tenant: UUID, role: Role, session: UUID, token_id: str, now: datetime, expires_at: datetime
) -> Claims:
    return Claims(
        subject=str(account),
        tenant=tenant,
        role=role,
        issued_at=now,
        expires_at=expires_at,
        session=session,
        token_id=token_id,
    )


def _plain(text: str, longest: int) -> str:
    """Return what a column of text can keep of what a stranger sent."""
    return "".join(character if character.isprintable() else "?" for character in text[:longest])


def _seen_as(token: str) -> bytes:
    """Return what is remembered of a token, so that the memory of the process holds none."""
    return sha256(token.encode(errors="surrogatepass")).digest()


def _subject(kind: str, *words: str) -> bytes:
    return sha256("\0".join((kind, *words)).encode(errors="surrogatepass")).digest()


def _hash(token_id: str) -> bytes:
    return sha256(token_id.encode()).digest()


def _id_hash(claims: Claims) -> bytes:
    return _hash(claims.token_id)


def _is_hash(kept: bytes | None, claims: Claims) -> bool:
    return kept is not None and hmac.compare_digest(kept, _id_hash(claims))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
