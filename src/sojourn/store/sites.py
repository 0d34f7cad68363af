"""Sites: apps as the pages of the web know them, and the keys that those carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredSite:
    """A site."""

    app_id: int
    site_id: UUID
    application_code: str
    title: str
    allowed_origins: Sequence[str]
    default_locale: str
    settings: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSiteKey:
    """A key of a site, without what opens it."""

    key_id: UUID
    title: str
    hint: str
    created_at: datetime


async def find_site(conn: Conn, *, workspace_id: int, site_id: UUID) -> StoredSite | None:
    """Return a site of a workspace."""
    values = {"workspace_id": workspace_id, "site_id": site_id}
    row = await (await conn.execute(QUERIES["find_site"], values)).fetchone()
    return None if row is None else StoredSite(*row)


async def list_sites(conn: Conn, *, workspace_id: int, limit: int, offset: int) -> tuple[list[StoredSite], int]:
    """Return a part of the sites of a workspace, newest first, and how many there are."""
    row = await (await conn.execute(QUERIES["count_sites"], {"workspace_id": workspace_id})).fetchone()
    assert row is not None, "the query returns exactly one row"
    values = {"workspace_id": workspace_id, "limit": limit, "offset": offset}
    cursor = await conn.execute(QUERIES["list_sites"], values)
    return [StoredSite(*each) for each in await cursor.fetchall()], row[0]


async def update_site(
    conn: Conn,
    *,
    app_id: int,
    title: str,
    allowed_origins: Sequence[str],
    default_locale: str,
    settings: Mapping[str, Any],
    now: datetime,
) -> None:
    """Change a site."""
    values = {"app_id": app_id, "title": title, "allowed_origins": list(allowed_origins), "now": now}
    text = msgspec.json.encode(settings).decode()
    await conn.execute(QUERIES["update_site"], values | {"default_locale": default_locale, "settings": text})


async def lock_sites(conn: Conn, *, workspace_id: int) -> set[UUID]:
    """Return the sites of a workspace; they are locked until the transaction ends."""
    cursor = await conn.execute(QUERIES["lock_sites"], {"workspace_id": workspace_id})
    return {site for (site,) in await cursor.fetchall()}


async def count_site_journeys(conn: Conn, *, app_id: int) -> int:
    """Return how many journeys of a site have not been put away."""
    row = await (await conn.execute(QUERIES["site_journeys"], {"app_id": app_id})).fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0]


async def delete_site(conn: Conn, *, app_id: int, now: datetime) -> None:
    """Hide a site, and revoke what opens it."""
    await conn.execute(QUERIES["delete_site"], {"app_id": app_id, "now": now})
    await conn.execute(QUERIES["revoke_site_keys"], {"app_id": app_id, "now": now})


async def insert_site_key(
    conn: Conn,
    *,
    workspace_id: int,
    app_id: int,
    key_id: UUID,
    token_hash: bytes,
    title: str,
    hint: str,
    now: datetime,
) -> None:
    """Make a key of a site."""
    values = {"workspace_id": workspace_id, "app_id": app_id, "public_id": key_id, "token_hash": token_hash}
    await conn.execute(QUERIES["insert_site_key"], values | {"title": title, "hint": hint, "now": now})


async def list_site_keys(conn: Conn, *, app_id: int, limit: int, offset: int) -> tuple[list[StoredSiteKey], int]:
    """Return a part of the keys of a site that are in force, newest first, and how many there are."""
    row = await (await conn.execute(QUERIES["count_site_keys"], {"app_id": app_id})).fetchone()
    assert row is not None, "the query returns exactly one row"
    cursor = await conn.execute(QUERIES["list_site_keys"], {"app_id": app_id, "limit": limit, "offset": offset})
    return [StoredSiteKey(*each) for each in await cursor.fetchall()], row[0]


async def revoke_site_key(conn: Conn, *, app_id: int, key_id: UUID, now: datetime) -> bytes | None:
    """Revoke a key of a site. Return its hash; None if there was none in force."""
    values = {"app_id": app_id, "public_id": key_id, "now": now}
    row = await (await conn.execute(QUERIES["revoke_site_key"], values)).fetchone()
    return None if row is None else bytes(row[0])
