"""Contents: what the pages of a site show, and its operators write."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET

from sojourn.model.contents import DOCUMENT_MAX, DOCUMENTS, ContentKind, ContentStatus, document_problems
from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.errors import NotFound, SiteNotFound
from sojourn.service.notices import json_text
from sojourn.service.resources import Resources
from sojourn.service.values import refuse, text_problems
from sojourn.store import contents as store
from sojourn.store.connection import Conn
from sojourn.store.contents import StoredContent
from sojourn.store.sites import StoredSite, find_site

NAME_MAX, SEARCH_MAX = 255, 255
SEEN: tuple[ContentStatus, ...] = ("draft", "published")
"""What lists show where no status is asked for."""


async def list_contents(resources: Resources, caller: c.Caller, command: c.ListContents) -> c.ContentList:
    """Return a part of the contents of a kind. Raises as the command says."""
    refuse(text_problems(command.search, "search"))
    async with resources.pool.connection() as conn:
        apps = None if command.site is None else [(await _site(conn, caller, command.site)).app_id]
        found, total = await store.list_contents(
            conn,
            workspace_id=caller.workspace_id,
            kind=command.kind,
            app_ids=apps,
            statuses=SEEN if command.status is None else (command.status,),
            search=command.search[:SEARCH_MAX],
            limit=command.limit,
            offset=command.offset,
        )
    return c.ContentList(items=tuple(map(_view, found)), total=total)


async def create_content(resources: Resources, caller: c.Caller, command: c.CreateContent) -> c.Content:
    """Keep a content. Raises as the command says."""
    refuse(_problems(command.kind, command.name, command.document))
    content = uuid4()
    async with resources.pool.connection() as conn, conn.transaction():
        site = await _site(conn, caller, command.site)
        await store.insert_content(
            conn,
            content=content,
            workspace_id=caller.workspace_id,
            app_id=site.app_id,
            kind=command.kind,
            name=command.name,
            document=command.document,
            status=command.status,
            now=resources.clock(),
        )
        return _view(await _find(conn, caller, command.kind, content))


async def get_content(resources: Resources, caller: c.Caller, command: c.GetContent) -> c.Content:
    """Return a content. Raises as the command says."""
    async with resources.pool.connection() as conn:
        return _view(await _find(conn, caller, command.kind, command.content))


async def update_content(resources: Resources, caller: c.Caller, command: c.UpdateContent) -> c.Content:
    """Change a content; pages that show it, or wait for it, learn of it. Raises as the command says."""
    shard_count = await resources.facts.shard_count()
    async with resources.pool.connection() as conn, conn.transaction():
        before = await _find(conn, caller, command.kind, command.content)
        name = before.name if command.name is UNSET else command.name
        document = before.document if command.document is UNSET else command.document
        refuse(_problems(command.kind, name, document))
        site = await _site(conn, caller, before.site if command.site is UNSET else command.site)
        await store.update_content(
            conn,
            content=command.content,
            workspace_id=caller.workspace_id,
            app_id=site.app_id,
            kind=command.kind,
            name=name,
            document=document,
            status=before.status if command.status is UNSET else command.status,
            now=resources.clock(),
        )
        await store.notify_pages(conn, shard_count=shard_count)
        return _view(await _find(conn, caller, command.kind, command.content))


async def delete_content(resources: Resources, caller: c.Caller, command: c.DeleteContent) -> c.Done:
    """Remove a content. Raises as the command says."""
    shard_count = await resources.facts.shard_count()
    async with resources.pool.connection() as conn, conn.transaction():
        is_there = await store.delete_content(
            conn, workspace_id=caller.workspace_id, kind=command.kind, content=command.content
        )
        if not is_there:
            raise NotFound
        await store.notify_pages(conn, shard_count=shard_count)
    return c.Done()


def _problems(kind: ContentKind, name: str, document: Mapping[str, Any]) -> Iterator[Problem]:
    if not 1 <= len(name) <= NAME_MAX:
        yield Problem("name.length", "name", f"a name has 1 to {NAME_MAX} characters")
    yield from text_problems(name, "name")
    text = json_text(document)
    yield from text_problems(text.replace("\\u0000", "\0"), "content")
    if len(text) > DOCUMENT_MAX:
        yield Problem("content.too_large", "content", f"a content has at most {DOCUMENT_MAX} characters")
        return
    try:
        read = msgspec.convert(document, DOCUMENTS[kind])
    except msgspec.ValidationError as misfit:
        yield Problem("content.form", "content", str(misfit))
    else:
        yield from document_problems(read, "content")


async def _find(conn: Conn, caller: c.Caller, kind: ContentKind, content: UUID) -> StoredContent:
    found = await store.find_content(conn, workspace_id=caller.workspace_id, kind=kind, content=content)
    if found is None:
        raise NotFound
    return found


async def _site(conn: Conn, caller: c.Caller, site: UUID) -> StoredSite:
    found = await find_site(conn, workspace_id=caller.workspace_id, site_id=site)
    if found is None:
        raise SiteNotFound
    return found


def _view(stored: StoredContent) -> c.Content:
    return c.Content(
        content=stored.content,
        kind=stored.kind,
        name=stored.name,
        site=stored.site,
        document=stored.document,
        status=stored.status,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
