"""Sites: apps by another name. One that is made here has an application code, too, and the other dialect lists it.

A site's key stands in its pages for everybody to read: it says whose pages they are, and opens only what these need.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET

from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.codes import new_code
from sojourn.service.errors import InUse, NotFound, SiteNotFound
from sojourn.service.resources import Resources
from sojourn.service.tokens import hash_of
from sojourn.service.values import refuse
from sojourn.store import sites as store
from sojourn.store.connection import Conn, single_statements
from sojourn.store.sites import StoredSite
from sojourn.store.workspaces import insert_app

NAME_MAX, ORIGINS_MAX, ORIGIN_MAX, KEYS_MAX, SETTINGS_MAX = 255, 100, 255, 100, 20_000
KEY_PREFIX, HINT_LENGTH = "sjk_", 10
LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,3}")


async def list_sites(resources: Resources, caller: c.Caller, command: c.ListSites) -> c.SiteList:
    """Return a part of the sites."""
    async with single_statements(resources.pool) as conn:
        found, total = await store.list_sites(
            conn, workspace_id=caller.workspace_id, limit=command.limit, offset=command.offset
        )
    return c.SiteList(items=tuple(map(_view, found)), total=total)


async def create_site(resources: Resources, caller: c.Caller, command: c.CreateSite) -> c.Site:
    """Make a site. Raises as the command says."""
    refuse(_problems(command.name, command.allowed_origins, command.default_locale, command.settings))
    now, site_id = resources.clock(), uuid4()
    async with resources.pool.connection() as conn, conn.transaction():
        await insert_app(
            conn,
            workspace_id=caller.workspace_id,
            application_code=new_code(),
            site_id=site_id,
            title=command.name,
            now=now,
        )
        made = await _find(conn, caller, site_id)
        await store.update_site(
            conn,
            app_id=made.app_id,
            title=command.name,
            allowed_origins=_spelled(command.allowed_origins),
            default_locale=command.default_locale,
            settings=command.settings,
            now=now,
        )
        return _view(await _find(conn, caller, site_id))


async def get_site(resources: Resources, caller: c.Caller, command: c.GetSite) -> c.Site:
    """Return a site. Raises as the command says."""
    async with single_statements(resources.pool) as conn:
        return _view(await _find(conn, caller, command.site))


async def update_site(resources: Resources, caller: c.Caller, command: c.UpdateSite) -> c.Site:
    """Change a site. Raises as the command says."""
    async with resources.pool.connection() as conn, conn.transaction():
        await store.lock_sites(conn, workspace_id=caller.workspace_id)
        before = await _find(conn, caller, command.site)
        name = before.title if command.name is UNSET else command.name
        origins = before.allowed_origins if command.allowed_origins is UNSET else command.allowed_origins
        locale = before.default_locale if command.default_locale is UNSET else command.default_locale
        settings = before.settings if command.settings is UNSET else command.settings
        refuse(_problems(name, origins, locale, settings))
        await store.update_site(
            conn,
            app_id=before.app_id,
            title=name,
            allowed_origins=_spelled(origins),
            default_locale=locale,
            settings=settings,
            now=resources.clock(),
        )
        after = await _find(conn, caller, command.site)
    resources.forget_callers()
    return _view(after)


async def delete_site(resources: Resources, caller: c.Caller, command: c.DeleteSite) -> c.Done:
    """Hide a site. Raises as the command says."""
    async with resources.pool.connection() as conn, conn.transaction():
        sites = await store.lock_sites(conn, workspace_id=caller.workspace_id)
        found = await _find(conn, caller, command.site)
        if sites == {command.site}:
            raise InUse("a workspace keeps at least one site")
        if journeys := await store.count_site_journeys(conn, app_id=found.app_id):
            raise InUse(f"the site has {journeys} journeys; archive them first")
        await store.delete_site(conn, app_id=found.app_id, now=resources.clock())
    resources.facts.forget_apps()
    resources.forget_callers()
    return c.Done()


async def create_site_key(resources: Resources, caller: c.Caller, command: c.CreateSiteKey) -> c.NewSiteKey:
    """Make a key. Raises as the command says."""
    refuse(_name_problems(command.name, least=0))
    plaintext, key, now = KEY_PREFIX + secrets.token_urlsafe(32), uuid4(), resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        await store.lock_sites(conn, workspace_id=caller.workspace_id)
        site = await _find(conn, caller, command.site)
        _, total = await store.list_site_keys(conn, app_id=site.app_id, limit=0, offset=0)
        if total >= KEYS_MAX:
            raise InUse(f"a site has at most {KEYS_MAX} keys; delete one first")
        await store.insert_site_key(
            conn,
            workspace_id=caller.workspace_id,
            app_id=site.app_id,
            key_id=key,
            token_hash=hash_of(plaintext),
            title=command.name,
            hint=plaintext[:HINT_LENGTH],
            now=now,
        )
    hint = plaintext[:HINT_LENGTH]
    return c.NewSiteKey(key=key, name=command.name, hint=hint, created_at=now, plaintext=plaintext)


async def list_site_keys(resources: Resources, caller: c.Caller, command: c.ListSiteKeys) -> c.SiteKeyList:
    """Return a part of the keys. Raises as the command says."""
    async with single_statements(resources.pool) as conn:
        site = await _find(conn, caller, command.site)
        found, total = await store.list_site_keys(conn, app_id=site.app_id, limit=command.limit, offset=command.offset)
    items = (c.SiteKey(key=each.key_id, name=each.title, hint=each.hint, created_at=each.created_at) for each in found)
    return c.SiteKeyList(items=tuple(items), total=total)


async def revoke_site_key(resources: Resources, caller: c.Caller, command: c.RevokeSiteKey) -> c.Done:
    """Revoke a key. Raises as the command says."""
    async with single_statements(resources.pool) as conn:
        site = await _find(conn, caller, command.site)
        revoked = await store.revoke_site_key(conn, app_id=site.app_id, key_id=command.key, now=resources.clock())
    resources.forget_callers()
    if revoked is None:
        raise NotFound("key not found")
    return c.Done()


async def _find(conn: Conn, caller: c.Caller, site: UUID) -> StoredSite:
    found = await store.find_site(conn, workspace_id=caller.workspace_id, site_id=site)
    if found is None:
        raise SiteNotFound
    return found


def _view(site: StoredSite) -> c.Site:
    return c.Site(
        site=site.site_id,
        application_code=site.application_code,
        name=site.title,
        allowed_origins=tuple(site.allowed_origins),
        default_locale=site.default_locale,
        settings=site.settings,
        created_at=site.created_at,
        updated_at=site.updated_at,
    )


def _problems(name: str, origins: Sequence[str], locale: str, settings: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _name_problems(name, least=1)
    if len(origins) > ORIGINS_MAX:
        yield Problem("site.origins", "allowedOrigins", f"must have at most {ORIGINS_MAX} items")
    for index, origin in enumerate(origins[:ORIGINS_MAX]):
        if not is_origin(origin):
            text = "must be the origin of pages, such as https://example.com"
            yield Problem("site.origin", f"allowedOrigins[{index}]", text)
    if not LOCALE.fullmatch(locale):
        yield Problem("site.locale", "defaultLocale", "must be a language tag, such as en or pt-BR")
    encoded = msgspec.json.encode(settings)
    if len(encoded) > SETTINGS_MAX:
        yield Problem("site.settings", "settings", f"must take at most {SETTINGS_MAX} bytes as JSON")
    elif b"\\u0000" in encoded.replace(b"\\\\", b""):
        yield Problem("site.settings", "settings", "must have no NUL character")


def _name_problems(name: str, *, least: int) -> Iterator[Problem]:
    if not least <= len(name) <= NAME_MAX or not (name.isprintable() or not name):
        yield Problem("site.name", "name", f"must have {least} to {NAME_MAX} printable characters")


def is_origin(text: str) -> bool:
    """Tell whether a text is a web origin: scheme, host and port, and nothing else.

    >>> is_origin("https://example.com"), is_origin("http://localhost:3000"), is_origin("https://example.com/")
    (True, True, False)
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname
    if host is None or parts.scheme not in {"http", "https"} or len(text) > ORIGIN_MAX or not text.isascii():
        return False
    plain = f"[{host}]" if ":" in host else host
    spelled = f"{parts.scheme}://{plain}" + ("" if port is None else f":{port}")
    return text.lower() == spelled and re.fullmatch(r"[a-z0-9.:\[\]_-]+", plain) is not None


def _spelled(origins: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(origin.lower() for origin in origins))
