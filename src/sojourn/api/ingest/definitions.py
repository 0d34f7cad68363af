"""What operators define on the wire of data-in: filters, presets, events."""
# ruff: noqa: N815 - the fields have the contract's names

from typing import Any, Literal

from msgspec import Struct

from sojourn.api.common.paths import item, member
from sojourn.api.ingest.reading import Decoded, either
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    CreatePreset,
    CreateSegment,
    DefinedAttribute,
    DefineEvent,
    DeletePreset,
    DeleteSegment,
    EventAttributeType,
    GetPreset,
    ListPresets,
    ListSegments,
)

ATTRIBUTE_TYPES: dict[int, EventAttributeType] = {
    1: "integer",
    2: "string",
    3: "list",
    4: "date",
    5: "boolean",
    6: "number",
}
"""By their numbers on the wire; 6 is called a price there."""


class CreateFilterRequest(Struct, frozen=True, kw_only=True):
    """`createFilter`. `conditions` is in the segmentation language."""

    name: str
    conditions: str
    application: str | None = None
    code: str = ""


class ListFiltersRequest(Struct, frozen=True, kw_only=True):
    """`listFilters`."""

    application: str | None = None


class DeleteFilterRequest(Struct, frozen=True, kw_only=True):
    """`deleteFilter`."""

    code: str


class CreatePresetRequest(Struct, frozen=True, kw_only=True):
    """`createPreset`. The app is called `applicationCode` or `application`."""

    name: str
    content: dict[str, Any]
    application: str = ""
    applicationCode: str = ""
    channel: Literal["email", "in_app", "line", "push", "sms", "whatsapp"] = "push"
    code: str = ""


class PresetRequest(Struct, frozen=True, kw_only=True):
    """`getPreset` and `deletePreset`."""

    preset_code: str
    application: str | None = None


class ListPresetsRequest(Struct, frozen=True, kw_only=True):
    """`listPresets`."""

    application: str | None = None


class EventAttribute(Struct, frozen=True, kw_only=True):
    """An attribute of an event. `type` is a number of `ATTRIBUTE_TYPES`."""

    name: str
    type: int


class CreateEventRequest(Struct, frozen=True, kw_only=True):
    """`createEvent`."""

    application: str
    name: str
    description: str = ""
    eventAttributes: list[EventAttribute] = []
    trackRevenue: bool = False


def create_filter(request: CreateFilterRequest) -> Decoded:
    """Read `createFilter`."""
    return Decoded(
        CreateSegment(
            title=request.name, source=request.conditions, code=request.code, application_code=request.application
        )
    )


def list_filters(request: ListFiltersRequest) -> Decoded:
    """Read `listFilters`."""
    return Decoded(ListSegments(application_code=request.application))


def delete_filter(request: DeleteFilterRequest) -> Decoded:
    """Read `deleteFilter`."""
    return Decoded(DeleteSegment(code=request.code))


def create_preset(request: CreatePresetRequest) -> Decoded:
    """Read `createPreset`."""
    given = {code for code in (request.application, request.applicationCode) if code}
    problems: list[Problem] = []
    if not given:
        problems.append(Problem("field.required", "application", "is required"))
    if len(given) > 1:
        problems.append(Problem("field.conflict", "applicationCode", "differs from `application`"))
    return either(
        problems,
        lambda: CreatePreset(
            application_code=given.pop(),
            title=request.name,
            channel=request.channel,
            content=request.content,
            code=request.code,
        ),
    )


def get_preset(request: PresetRequest) -> Decoded:
    """Read `getPreset`."""
    return Decoded(GetPreset(code=request.preset_code))


def list_presets(request: ListPresetsRequest) -> Decoded:
    """Read `listPresets`."""
    return Decoded(ListPresets(application_code=request.application))


def delete_preset(request: PresetRequest) -> Decoded:
    """Read `deletePreset`."""
    return Decoded(DeletePreset(code=request.preset_code))


def create_event(request: CreateEventRequest) -> Decoded:
    """Read `createEvent`."""
    choices = ", ".join(f"{number} ({name})" for number, name in ATTRIBUTE_TYPES.items())
    problems = [
        Problem("attribute.type", member(item("eventAttributes", place), "type"), f"must be one of {choices}")
        for place, attribute in enumerate(request.eventAttributes)
        if attribute.type not in ATTRIBUTE_TYPES
    ]
    return either(
        problems[:200],
        lambda: DefineEvent(
            application_code=request.application,
            name=request.name,
            description=request.description,
            attributes=tuple(
                DefinedAttribute(each.name, ATTRIBUTE_TYPES[each.type]) for each in request.eventAttributes
            ),
        ),
    )
