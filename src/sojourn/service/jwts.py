"""JSON Web Tokens: written and read. Which key may have signed is decided by us, never by the token.

A token of ours is signed with our secret (HS256). Where a key set is configured, tokens signed elsewhere with one of
its keys (RS256, ES256) are read, too. The secret is never tried on those, and their public keys never on ours.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args
from uuid import UUID

import jwt
import msgspec
from jwt.types import Options
from msgspec import Struct

from sojourn.service.commands import Role
from sojourn.service.errors import NotAuthenticated
from sojourn.service.key_sets import KeySet

OURS = "HS256"
SKEW = timedelta(seconds=60)
"""By how much the clock of who signed may be ahead."""

CHECKED: Options = {
    "require": ["sub", "exp", "iat"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
"""By the library. Times are not: it would read a clock of its own."""


class Claims(Struct, frozen=True, kw_only=True):
    """What a token says.

    Attributes:
        subject: The account.
        tenant: The workspace, by its `tenant_id`.
        session: Of tokens that we made for who signed in.
        token_id: Likewise.
    """

    subject: str
    tenant: UUID
    role: Role
    issued_at: datetime
    expires_at: datetime
    session: UUID | None = None
    token_id: str = ""


class _Payload(Struct, frozen=True, kw_only=True, rename={"tenant_id": "tenantId"}):
    sub: str
    tenant_id: UUID
    role: str
    exp: float
    iat: float
    nbf: float | None = None
    sid: UUID | None = None
    jti: str = ""


class Tokens:
    """Writes and reads tokens.

    Args:
        secret: Of ours.
        keys: Of others, if those count.
        audience: Whom tokens have to be for; without one, none that is for somebody counts.
        issuer: Who has to have made the tokens of others.
    """

    def __init__(
        self, secret: str, *, keys: KeySet | None = None, audience: str | None = None, issuer: str | None = None
    ) -> None:
        self._secret = secret
        self._keys = keys
        self._audience = audience
        self._issuer = issuer

    def write(self, claims: Claims) -> str:
        """Sign a token of ours."""
        payload: dict[str, Any] = {
            "sub": claims.subject,
            "tenantId": str(claims.tenant),
            "role": claims.role.upper(),
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "sid": str(claims.session),
            "jti": claims.token_id,
        }
        if self._audience is not None:
            payload["aud"] = self._audience
        return jwt.encode(payload, self._secret, algorithm=OURS)

    async def read(self, token: str, now: datetime) -> Claims:
        """Return what a token says.

        Raises:
            NotAuthenticated: It is none, nobody whom we know signed it, or it is not in force.
        """
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm == OURS:
                key: Any = self._secret
                issuer = None
            else:
                key, issuer = await self._foreign_key(header), self._issuer
            payload = jwt.decode(
                token,
                key,
                algorithms=[cast("str", algorithm)],
                audience=self._audience,
                issuer=issuer,
                options=CHECKED,
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise NotAuthenticated from error
        claims = _claims(payload)
        if algorithm != OURS and claims.session is not None:
            raise NotAuthenticated  # sessions are ours to begin
        _check_times(claims, payload, now)
        return claims

    async def _foreign_key(self, header: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a key of the cryptography library
        algorithm, key_id = header.get("alg"), header.get("kid")
        if self._keys is None or algorithm not in {"RS256", "ES256"} or not isinstance(key_id, str):
            raise NotAuthenticated
        return await self._keys.key(key_id, algorithm)


def _claims(payload: Mapping[str, Any]) -> Claims:
    try:
        given = msgspec.convert(payload, _Payload)
        issued_at, expires_at = (datetime.fromtimestamp(at, UTC) for at in (given.iat, given.exp))
    except (msgspec.ValidationError, ValueError, OverflowError, OSError) as error:
        raise NotAuthenticated from error
    role = given.role.lower()
    if role not in get_args(Role) or given.role != given.role.upper():
        raise NotAuthenticated
    return Claims(
        subject=given.sub,
        tenant=given.tenant_id,
        role=cast("Role", role),
        issued_at=issued_at,
        expires_at=expires_at,
        session=given.sid,
        token_id=given.jti,
    )


def _check_times(claims: Claims, payload: Mapping[str, Any], now: datetime) -> None:
    not_before = payload.get("nbf") or 0
    is_early = claims.issued_at > now + SKEW or not_before > (now + SKEW).timestamp()
    if is_early or claims.expires_at <= now:
        raise NotAuthenticated("the session has expired; sign in again" if not is_early else "")
