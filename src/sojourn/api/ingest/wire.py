"""Data-in requests and answers: from the document to the command, from a problem to its place, from the reply to JSON.

Clients on devices send more than is kept; what is known of that stands at the methods. Anything else that is unknown
is a mistake, and is said to be one.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sojourn.api.common.misfits import misfits
from sojourn.api.common.paths import joined
from sojourn.api.ingest.methods import Method
from sojourn.api.ingest.reading import Command, Decoded
from sojourn.service.commands import (
    Attributes,
    CreatePreset,
    DefineEvent,
    EventDefinition,
    PostEvent,
    Preset,
    PresetList,
    Removed,
    Segment,
    SegmentList,
)


def decode(method: Method, document: Mapping[str, Any]) -> Decoded:
    """Read a request."""
    fields = method.shape.__struct_fields__
    over = (method.passes_over | {"auth"}) - set(fields)
    given = {name: value for name, value in document.items() if name not in over and value is not None}
    problems = misfits(given, method.shape, "")
    if problems:
        return Decoded(problems=tuple(problems))
    return method.read(msgspec.convert(given, method.shape))


# Replies ----------------------------------------------------------------------------------------------------


def encode(reply: object) -> object:  # noqa: PLR0911 - one per reply
    """Write a reply as the `response` of an answer."""
    match reply:
        case Attributes(values=values):
            return {"result": values}
        case EventDefinition(number=number):
            return {"event": number}
        case Preset():
            return _preset(reply)
        case PresetList(items=items):
            return {"presets": [_preset(preset) for preset in items]}
        case Removed(removed=removed):
            return {"removed": removed}
        case Segment():
            return _filter(reply)
        case SegmentList(items=items):
            return {"filters": [_filter(segment) for segment in items]}
        case _:
            return None


def _filter(segment: Segment) -> dict[str, object]:
    shown: dict[str, object] = {
        "code": segment.code,
        "name": segment.title,
        "conditions": segment.source,
        "application": segment.application_code,
        "created_at": segment.created_at,
    }
    if segment.warnings:
        shown["warnings"] = [each.text for each in segment.warnings]
    return shown


def _preset(preset: Preset) -> dict[str, object]:
    return {
        "preset_code": preset.code,
        "name": preset.title,
        "application": preset.application_code,
        "channel": preset.channel,
        "content": preset.content,
        "created_at": preset.created_at,
    }


# Places -----------------------------------------------------------------------------------------------------

_PLACES: Mapping[str, str] = {
    "subject/user_id": "userId",
    "subject/hwid": "hwid",
    "subject": "hwid",
    "user_id": "userId",
    "application_code": "application",
    "message_hash": "hash",
    "time_zone": "timezone",
    "time_zone_offset": "timezone",
    "name": "event",
    "source": "conditions",
    "title": "name",
}


def problem_place(command: Command, where: str) -> str:
    """Say where a problem of a command is in the words of its request."""
    if isinstance(command, DefineEvent | CreatePreset):
        head, *rest = where.split("/")
        return joined({"attributes": "eventAttributes", "title": "name"}.get(head, head), rest)
    if where in _PLACES:
        return _PLACES[where]
    head, *rest = where.split("/")
    path = head if isinstance(command, PostEvent) else {"attributes": "tags", "operations": "tags"}.get(head, head)
    return joined(path, rest)
