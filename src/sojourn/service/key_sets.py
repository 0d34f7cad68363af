"""Key sets: the public keys with which somebody else signs tokens (JWKS), read from one address and remembered.

Whoever sends tokens decides how often an unknown key is asked for, so the address is called seldom whatever they send:
at most every `RETRY_AFTER`, by one request at a time. Keys that were good a moment ago stay in force when the address
does not answer, for `STALE_AFTER` at the longest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from sojourn.service.errors import NotAuthenticated

FRESH_FOR = timedelta(minutes=10)
STALE_AFTER = timedelta(hours=24)
RETRY_AFTER = timedelta(seconds=30)
KEYS_MAX = 100
RSA_BITS_MIN = 2048

Fetch = Callable[[], Awaitable[bytes]]
"""Reads the address. What keeps it from doing so is an `OSError`."""

log = structlog.get_logger()


class _Document(Struct, frozen=True):
    keys: list[dict[str, Any]]


class KeySet:
    """The keys of one address, by their ids."""

    def __init__(self, fetch: Fetch, clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[tuple[str, str], Any] = {}
        self._read_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def key(self, key_id: str, algorithm: str) -> Any:  # noqa: ANN401 - a key of the cryptography library
        """Return the key of an id, which has to be one of the algorithm.

        Raises:
            NotAuthenticated: There is none.
        """
        wanted = key_id, algorithm
        if wanted not in self._keys or not self._is_younger(self._read_at, FRESH_FOR):
            await self._refresh(wanted)
        if wanted not in self._keys or not self._is_younger(self._read_at, STALE_AFTER):
            raise NotAuthenticated
        return self._keys[wanted]

    def _is_younger(self, since: datetime | None, age: timedelta) -> bool:
        return since is not None and self._clock() - since < age

    async def _refresh(self, wanted: tuple[str, str]) -> None:
        async with self._asking:
            if self._is_younger(self._asked_at, RETRY_AFTER):
                return  # somebody else asked a moment ago
            self._asked_at = self._clock()
            try:
                self._keys = keys_of(await self._fetch())
                self._read_at = self._clock()
            except (OSError, ValueError, msgspec.MsgspecError, jwt.PyJWTError) as failure:
                log.warning("jwks.unreadable", reason=str(failure), wanted=wanted[0][:100])


def keys_of(text: bytes) -> dict[tuple[str, str], Any]:
    """Return the keys of a set by id and algorithm: RSA keys of 2048 bits or more for RS256, of P-256 for ES256.

    Raises:
        MsgspecError: It is none.
        PyJWTError: There is no key in it that we could use.
    """
    document = msgspec.json.decode(text, type=_Document)
    found: dict[tuple[str, str], Any] = {}
    for key in jwt.PyJWKSet.from_dict({"keys": document.keys}).keys[:KEYS_MAX]:
        algorithm = _algorithm(key.key)
        if algorithm is None or key.key_id is None or key.public_key_use == "enc":
            continue
        if _named(key) in {None, algorithm}:
            found[key.key_id, algorithm] = key.key
    return found


def _named(key: jwt.PyJWK) -> str | None:
    """Return the algorithm that a set says a key is for."""
    return key._jwk_data.get("alg")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _algorithm(key: object) -> str | None:
    match key:
        case RSAPublicKey() if key.key_size >= RSA_BITS_MIN:
            return "RS256"
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            return "ES256"
        case _:
            return None
