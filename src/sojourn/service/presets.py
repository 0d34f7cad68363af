"""Presets: content of messages that is stored under a code, for journeys to send."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from sojourn.model.points import EmailContent
from sojourn.model.problems import Problem
from sojourn.service.codes import new_code
from sojourn.service.commands import (
    Caller,
    CreatePreset,
    DeletePreset,
    Done,
    GetPreset,
    ListPresets,
    Preset,
    PresetChannel,
    PresetList,
)
from sojourn.service.errors import AlreadyExists, AppNotFound, InUse, PresetNotFound
from sojourn.service.notices import json_text
from sojourn.service.resources import Resources
from sojourn.service.values import code_problems, refuse, text_problems, title_problems
from sojourn.store import errors as store_errors
from sojourn.store import presets as store
from sojourn.store.directory import app_ids
from sojourn.templates import check_template

CONTENT_MAX = 500_000
"""Characters of JSON."""

DEPTH_MAX = 20


async def create_preset(resources: Resources, caller: Caller, command: CreatePreset) -> Preset:
    """Keep a preset.

    Raises:
        AlreadyExists: The workspace has a preset of this code.
        AppNotFound: The app is not the workspace's.
        InvalidDocument: With all problems.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_problems(command))
    code, now = command.code or new_code(), resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        try:
            await store.insert_preset(
                conn,
                workspace_id=caller.workspace_id,
                app_id=app_id,
                code=code,
                title=command.title,
                channel=command.channel,
                content=json_text(command.content),
                now=now,
            )
        except store_errors.AlreadyExists as taken:
            raise AlreadyExists(taken.text) from taken
    return Preset(
        code=code,
        application_code=command.application_code,
        title=command.title,
        channel=command.channel,
        content=command.content,
        created_at=now,
    )


async def get_preset(resources: Resources, caller: Caller, command: GetPreset) -> Preset:
    """Return a preset.

    Raises:
        PresetNotFound: The workspace has none of this code.
    """
    refuse(text_problems(command.code, "code"))
    async with resources.pool.connection() as conn, conn.transaction():
        found = await store.find_preset(conn, workspace_id=caller.workspace_id, code=command.code)
    if found is None:
        raise PresetNotFound
    return _preset(found)


async def list_presets(resources: Resources, caller: Caller, command: ListPresets) -> PresetList:
    """List the presets of an app, or of all apps of the workspace, by title.

    Raises:
        AppNotFound: The app is not the workspace's.
    """
    async with resources.pool.connection() as conn, conn.transaction():
        apps = await app_ids(conn, workspace_id=caller.workspace_id)
        if command.application_code is not None:
            if command.application_code not in apps:
                raise AppNotFound
            apps = {command.application_code: apps[command.application_code]}
        found = await store.list_presets(conn, workspace_id=caller.workspace_id, app_ids=apps.values())
    return PresetList(items=tuple(map(_preset, found)))


async def delete_preset(resources: Resources, caller: Caller, command: DeletePreset) -> Done:
    """Delete a preset.

    Raises:
        InUse: A journey that has not ended sends it.
        PresetNotFound: The workspace has none of this code.
    """
    refuse(text_problems(command.code, "code"))
    async with resources.pool.connection() as conn, conn.transaction():
        if await store.find_preset(conn, workspace_id=caller.workspace_id, code=command.code) is None:
            raise PresetNotFound
        users = await store.preset_users(conn, workspace_id=caller.workspace_id, code=command.code)
        if users:
            raise InUse(f"the preset is sent by the journeys {', '.join(f'`{title}`' for title in users)}")
        await store.delete_preset(conn, workspace_id=caller.workspace_id, code=command.code)
    return Done()


def _preset(stored: store.StoredPreset) -> Preset:
    return Preset(
        code=stored.code,
        application_code=stored.application_code,
        title=stored.title,
        channel=cast("PresetChannel", stored.channel),  # the column's type has no others that are stored
        content=msgspec.json.decode(stored.content, type=dict[str, Any]),
        created_at=stored.created_at,
    )


def _problems(command: CreatePreset) -> Iterator[Problem]:
    yield from title_problems(command.title)
    yield from code_problems(command.code)
    yield from _storage_problems(command.content)
    match command.channel:
        case "email":
            yield from _email_problems(command.content)
        case "push":
            yield from _message_problems(command.content)
        case _:
            pass


def _storage_problems(content: Mapping[str, Any]) -> Iterator[Problem]:
    """Check that the database can hold the content, whatever is in it. No recursion, so that any depth can be met."""
    level: list[object] = [content]
    depth = 0
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            yield Problem("content.depth", "content", f"content nests at most {DEPTH_MAX} levels")
            return
        if any(list(text_problems(each, "")) for each in level if isinstance(each, str)):
            yield from text_problems("\0", "content")
            return
        level = [inner for outer in level for inner in _inside(outer)]
    if len(json_text(content)) > CONTENT_MAX:
        yield Problem("value.too_long", "content", f"content has at most {CONTENT_MAX} characters of JSON")


def _inside(value: object) -> list[object]:
    match value:
        case dict():
            members = cast("dict[object, object]", value)
            return [*members.keys(), *members.values()]
        case list() | tuple():
            return list(cast("list[object]", value))
        case _:
            return []


def _email_problems(content: Mapping[str, Any]) -> Iterator[Problem]:
    known = {name: content[name] for name in EmailContent.__struct_fields__ if content.get(name) is not None}
    try:
        email = msgspec.convert(known, EmailContent)
    except msgspec.ValidationError as problem:
        yield Problem("content.email", "content", f"no email: {problem}")
        return
    if not (email.html or email.text):
        yield Problem("content.empty", "content", "at least one of html and text is needed")
    for name, text in (("subject", email.subject), ("html", email.html), ("text", email.text)):
        problem = check_template(text)
        if problem is not None:
            yield Problem("template.unparsable", f"content/{name}", problem)


def _message_problems(content: Mapping[str, Any]) -> Iterator[Problem]:
    message: object = content.get("message")
    texts = list(cast("dict[str, object]", message).values()) if isinstance(message, dict) else [message]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        text = "is required: a text, or an object with a text for each language"
        yield Problem("content.message", "content/message", text)
