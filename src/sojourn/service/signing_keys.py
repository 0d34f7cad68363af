"""Signing keys: secrets that are made once and outlive a restart."""

import secrets
from datetime import datetime

from sojourn.store import administration as store
from sojourn.store.connection import Conn

JWT_SECRET = "jwt_secret"  # noqa: S105 - the name of one
WEBHOOK_KEY = "webhook_signing_key"
NAMES = (JWT_SECRET, WEBHOOK_KEY)


async def signing_key(conn: Conn, name: str, now: datetime) -> str:
    """Return the key of a name, having made it if it is not there."""
    return await store.ensure_secret(conn, name=name, value=secrets.token_urlsafe(48), now=now)


async def webhook_signing_key(conn: Conn, now: datetime) -> str:
    """Return the key from which those that sign webhooks are made."""
    return await signing_key(conn, WEBHOOK_KEY, now)
