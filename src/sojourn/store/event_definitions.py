"""Event definitions: the events that operators have announced."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sojourn.store.connection import Conn
from sojourn.store.errors import domain_errors
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredEventDefinition:
    """A row of `event_definition`. `attributes` is JSON text."""

    number: int
    application_code: str
    name: str
    description: str
    attributes: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EventAcceptance:
    """Which events an app takes: any, or only those of these names."""

    accepts_undefined: bool
    names: frozenset[str]


async def event_acceptance(conn: Conn, *, workspace_id: int, app_id: int) -> EventAcceptance:
    """Return which events an app takes."""
    cursor = await conn.execute(QUERIES["event_acceptance"], {"workspace_id": workspace_id, "app_id": app_id})
    row = await cursor.fetchone()
    assert row is not None, "an app's workspace is there"
    return EventAcceptance(row[0], frozenset(row[1]))


async def insert_event_definition(
    conn: Conn, *, workspace_id: int, app_id: int, name: str, description: str, attributes: str, now: datetime
) -> int:
    """Define an event; return its number.

    Raises:
        AlreadyExists: The app has an event of this name.
    """
    values = {
        "workspace_id": workspace_id,
        "app_id": app_id,
        "name": name,
        "description": description,
        "attributes": attributes,
        "now": now,
    }
    with domain_errors():
        row = await (await conn.execute(QUERIES["insert_event_definition"], values)).fetchone()
    assert row is not None, "an insert without a conflict returns its row"
    return row[0]


async def list_event_definitions(
    conn: Conn, *, workspace_id: int, app_ids: Collection[int]
) -> list[StoredEventDefinition]:
    """Return the events that are defined for these apps, by name."""
    values = {"workspace_id": workspace_id, "app_ids": list(app_ids)}
    cursor = await conn.execute(QUERIES["list_event_definitions"], values)
    return [StoredEventDefinition(*row) for row in await cursor.fetchall()]


async def set_event_acceptance(conn: Conn, *, workspace_id: int, accepts_undefined: bool) -> None:
    """Say whether a workspace takes events that are not defined."""
    values = {"workspace_id": workspace_id, "accepts_undefined": accepts_undefined}
    await conn.execute(QUERIES["set_event_acceptance"], values)
