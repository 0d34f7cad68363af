"""Event definitions: which events an app knows. They are suggested to operators; a workspace may insist on them."""

from collections.abc import Iterator

import msgspec

from sojourn.model.problems import Problem
from sojourn.service.commands import (
    Caller,
    DefinedAttribute,
    DefineEvent,
    EventDefinition,
    EventDefinitionList,
    ListEventDefinitions,
)
from sojourn.service.errors import AlreadyExists, AppNotFound
from sojourn.service.notices import json_text
from sojourn.service.resources import Resources
from sojourn.service.values import ATTRIBUTES_MAX, name_problems, refuse, text_problems
from sojourn.store import errors as store_errors
from sojourn.store import event_definitions as store
from sojourn.store.directory import app_ids

DESCRIPTION_MAX = 1000

_ATTRIBUTES = msgspec.json.Decoder(tuple[DefinedAttribute, ...])


async def define_event(resources: Resources, caller: Caller, command: DefineEvent) -> EventDefinition:
    """Keep the definition of an event.

    Raises:
        AlreadyExists: The app has an event of this name.
        AppNotFound: The app is not the workspace's.
        InvalidDocument: With all problems.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_problems(command))
    now = resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        try:
            number = await store.insert_event_definition(
                conn,
                workspace_id=caller.workspace_id,
                app_id=app_id,
                name=command.name,
                description=command.description,
                attributes=json_text(command.attributes),
                now=now,
            )
        except store_errors.AlreadyExists as taken:
            raise AlreadyExists(taken.text) from taken
    resources.facts.forget_events()
    return EventDefinition(
        number=number,
        application_code=command.application_code,
        name=command.name,
        description=command.description,
        attributes=command.attributes,
        created_at=now,
    )


async def list_event_definitions(
    resources: Resources, caller: Caller, command: ListEventDefinitions
) -> EventDefinitionList:
    """List the events of an app, or of all apps of the workspace, by name.

    Raises:
        AppNotFound: The app is not the workspace's.
    """
    async with resources.pool.connection() as conn, conn.transaction():
        apps = await app_ids(conn, workspace_id=caller.workspace_id)
        if command.application_code is not None:
            if command.application_code not in apps:
                raise AppNotFound
            apps = {command.application_code: apps[command.application_code]}
        found = await store.list_event_definitions(conn, workspace_id=caller.workspace_id, app_ids=apps.values())
    return EventDefinitionList(
        items=tuple(
            EventDefinition(
                number=each.number,
                application_code=each.application_code,
                name=each.name,
                description=each.description,
                attributes=_ATTRIBUTES.decode(each.attributes),
                created_at=each.created_at,
            )
            for each in found
        )
    )


async def accept_undefined_events(resources: Resources, workspace_id: int, *, accept: bool) -> None:
    """Say whether a workspace takes events that are not defined. Servers learn of it within seconds."""
    async with resources.pool.connection() as conn, conn.transaction():
        await store.set_event_acceptance(conn, workspace_id=workspace_id, accepts_undefined=accept)
    resources.facts.forget_events()


def _problems(command: DefineEvent) -> Iterator[Problem]:
    yield from name_problems(command.name, "name")
    if len(command.description) > DESCRIPTION_MAX:
        yield Problem("value.too_long", "description", f"a description has at most {DESCRIPTION_MAX} characters")
    yield from text_problems(command.description, "description")
    if len(command.attributes) > ATTRIBUTES_MAX:
        yield Problem("attributes.too_many", "attributes", f"at most {ATTRIBUTES_MAX} attributes are allowed")
        return
    seen: set[str] = set()
    for place, attribute in enumerate(command.attributes):
        where = f"attributes/{place}/name"
        yield from name_problems(attribute.name, where)
        if attribute.name in seen:
            yield Problem("attribute.repeated", where, f"`{attribute.name}` is there twice")
        seen.add(attribute.name)
