"""Passwords: hashed with Argon2id, away from the event loop, a few at a time because each takes 64 MiB."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sojourn.model.problems import Problem

PASSWORD_MIN, PASSWORD_MAX = 8, 200
"""Characters."""

AT_ONCE = 2


class Passwords:
    """Hashes passwords and compares them with hashes."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._free = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        async with self._free:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, password_hash: str | None) -> bool:
        """Tell whether a password is the one of a hash. Without a hash it takes as long, and is not."""
        async with self._free:
            fits = await asyncio.to_thread(self._verify, password, password_hash)
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password: str, password_hash: str | None) -> bool:
        try:
            return self._hasher.verify(password_hash or _nobodys(self._hasher), password)
        except (InvalidHashError, VerificationError):
            return False


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    """Return the hash of a password that nobody has."""
    return hasher.hash("\0")


def password_problems(password: str, where: str) -> list[Problem]:
    """Return what keeps a password from being one."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        text = f"must have {PASSWORD_MIN} to {PASSWORD_MAX} characters"
        return [Problem("account.password", where, text)]
    if not password.isprintable():
        return [Problem("account.password", where, "must have printable characters only")]
    return []
