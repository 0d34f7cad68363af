"""Write keys: made for the clients of the tracking API, listed and revoked."""

import secrets
from collections.abc import Iterator

from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.errors import InUse, NotFound
from sojourn.service.resources import Resources
from sojourn.service.tokens import hash_of
from sojourn.service.values import NAME_MAX, refuse, text_problems
from sojourn.store import tokens as store

KEYS_MAX = 100
"""Keys of an app in force, about: two that are made at once may be one more."""


async def create_write_key(resources: Resources, caller: c.Caller, command: c.CreateWriteKey) -> c.NewWriteKey:
    """Make a key. Raises as the command says."""
    refuse(_title_problems(command.title))
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    plaintext, now = secrets.token_urlsafe(32), resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        if len(await store.list_write_keys(conn, app_id=app_id)) >= KEYS_MAX:
            raise InUse(f"an app has at most {KEYS_MAX} write keys; revoke one first")
        number = await store.insert_write_key(
            conn,
            workspace_id=caller.workspace_id,
            app_id=app_id,
            token_hash=hash_of(plaintext),
            title=command.title,
            now=now,
        )
    return c.NewWriteKey(number=number, title=command.title, created_at=now, plaintext=plaintext)


async def list_write_keys(resources: Resources, caller: c.Caller, command: c.ListWriteKeys) -> c.WriteKeyList:
    """Return the keys in force. Raises as the command says."""
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    async with resources.pool.connection() as conn:
        found = await store.list_write_keys(conn, app_id=app_id)
    items = (c.WriteKey(number=each.token_id, title=each.title, created_at=each.created_at) for each in found)
    return c.WriteKeyList(items=tuple(items))


async def revoke_write_key(resources: Resources, caller: c.Caller, command: c.RevokeWriteKey) -> c.Done:
    """Take a key out of force: in this process at once, in others within seconds. Raises as the command says."""
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    token_id = command.number if 0 < command.number <= NUMBER_MAX else 0
    async with resources.pool.connection() as conn:
        revoked = await store.revoke_write_key(conn, app_id=app_id, token_id=token_id, now=resources.clock())
    resources.forget_callers()
    if not revoked:
        raise NotFound("write key not found")
    return c.Done()


NUMBER_MAX = 2**31 - 1


def _title_problems(title: str) -> Iterator[Problem]:
    if len(title) > NAME_MAX:
        yield Problem("name.length", "title", f"a title has at most {NAME_MAX} characters")
    yield from text_problems(title, "title")
