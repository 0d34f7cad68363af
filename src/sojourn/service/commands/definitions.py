"""Commands and replies: what event definitions and presets look like."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

EventAttributeType = Literal["boolean", "date", "integer", "list", "number", "string"]


class DefinedAttribute(Struct, frozen=True):
    """An attribute that an event comes with."""

    name: str
    type: EventAttributeType


class DefineEvent(Struct, frozen=True, kw_only=True):
    """Announce an event, so that it can be suggested. Reply: `EventDefinition`."""

    application_code: str
    name: str
    description: str = ""
    attributes: tuple[DefinedAttribute, ...] = ()


class ListEventDefinitions(Struct, frozen=True, kw_only=True):
    """Reply: `EventDefinitionList`."""

    application_code: str | None = None


class EventDefinition(Struct, frozen=True, kw_only=True):
    """An event that was announced."""

    number: int
    application_code: str
    name: str
    description: str
    attributes: tuple[DefinedAttribute, ...]
    created_at: datetime


class EventDefinitionList(Struct, frozen=True, kw_only=True):
    """Events by name."""

    items: tuple[EventDefinition, ...]


PresetChannel = Literal["email", "in_app", "line", "push", "sms", "whatsapp"]


class CreatePreset(Struct, frozen=True, kw_only=True):
    """Store the content of a message under a code. Reply: `Preset`.

    Attributes:
        content: For an email `subject`, `html` and `text`; for a push message at least `message`.
    """

    application_code: str
    title: str
    channel: PresetChannel
    content: Mapping[str, Any]
    code: str = ""


class GetPreset(Struct, frozen=True, kw_only=True):
    """Reply: `Preset`."""

    code: str


class ListPresets(Struct, frozen=True, kw_only=True):
    """Reply: `PresetList`."""

    application_code: str | None = None


class DeletePreset(Struct, frozen=True, kw_only=True):
    """Delete a preset that no journey uses. Reply: `Done`."""

    code: str


class Preset(Struct, frozen=True, kw_only=True):
    """Stored content of messages."""

    code: str
    application_code: str
    title: str
    channel: PresetChannel
    content: Mapping[str, Any]
    created_at: datetime


class PresetList(Struct, frozen=True, kw_only=True):
    """Presets by title."""

    items: tuple[Preset, ...]
