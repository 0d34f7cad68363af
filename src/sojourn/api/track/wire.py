"""Calls of the tracking API: their shapes, and the command that they stand for.

The clients send more than is kept: `integrations`, most of `context`, and whatever they add of their own. That is
passed over, as the API that they were made for does.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, cast

import msgspec
from msgspec import Raw, Struct

from sojourn.api.common.paths import item, joined, member
from sojourn.api.common.refusals import MalformedRequest, RequestTooLarge
from sojourn.model.problems import Problem
from sojourn.service.commands import Call, Surroundings, TrackCalls
from sojourn.service.values import document_problems

EVENT_MAX = 32 * 1024
"""Bytes of one call, as in that API."""

BATCH_MAX = 500 * 1024
"""Bytes of a batch, as in that API."""

ENVELOPE_MAX = 8 * 1024
"""Bytes that may stand around the calls of a batch."""

TEXT_MAX = 255
LANGUAGE_MAX = 35
PUSH_TOKEN_MAX = 4096

Kind = Literal["alias", "group", "identify", "page", "screen", "track"]
KINDS: Mapping[str, Kind] = {
    "a": "alias", "alias": "alias",
    "g": "group", "group": "group",
    "i": "identify", "identify": "identify",
    "p": "page", "page": "page",
    "s": "screen", "screen": "screen",
    "t": "track", "track": "track",
}  # fmt: skip
"""The last part of the path to the kind of call. The short ones are those of the browser client."""

BATCHES = frozenset({"b", "batch", "import"})
METHODS = (*KINDS, *sorted(BATCHES))

_DETAILS = {
    "app_version": ("app", "version"),
    "manufacturer": ("device", "manufacturer"),
    "model": ("device", "model"),
    "os_version": ("os", "version"),
}
"""What is kept of a device: the name that it is kept under, and where a context says it."""

_DEVICE_TYPES = {"ios": 1, "android": 3}
"""`context.device.type` to the number of a device type."""


class AnyCall(Struct, frozen=True, rename="camel"):
    """A call of any kind. Ids that are numbers are taken for their digits."""

    type: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: Raw = Raw()
    message_id: str | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    write_key: str | None = None


class Batch(Struct, frozen=True, rename="camel"):
    """A batch. `context` and `sentAt` hold for the calls that have none of their own."""

    batch: list[Raw]
    context: Raw = Raw()
    sent_at: datetime | None = None
    write_key: str | None = None


class Decoded(Struct, frozen=True):
    """The command of a request and the write key in its body, and what is wrong with the request."""

    command: TrackCalls
    write_key: str
    problems: tuple[Problem, ...]


_CALL = msgspec.json.Decoder(AnyCall)
_BATCH = msgspec.json.Decoder(Batch)
_CONTEXT = msgspec.json.Decoder(dict[str, Any])
_LENIENT = msgspec.json.Decoder(float_hook=float)
"""Takes numbers that are too large, as infinite ones, so that their places can be told."""


def decode(method: str, body: bytes) -> Decoded:
    """Read a request.

    Raises:
        MalformedRequest: The body is not a JSON object.
        RequestTooLarge: A call or the batch is larger than allowed.
    """
    return _decode_batch(body) if method in BATCHES else _decode_single(KINDS[method], body)


def place_of(problem: Problem, command: TrackCalls, *, is_batch: bool) -> str:
    """Return the place of the service's problem in the words of the request."""
    if not problem.where.startswith("calls/"):
        return problem.where.replace("/", ".")
    _, number, field, *rest = problem.where.split("/")
    path = item("batch", int(number)) if is_batch else ""
    if field == "attributes" and command.calls[int(number)].kind != "event":
        field = "traits"
    return joined(member(path, _FIELDS.get(field, field)), rest)


_FIELDS = {
    "anonymous_id": "anonymousId",
    "attributes": "properties",
    "group_id": "groupId",
    "name": "event",
    "previous_id": "previousId",
    "source_id": "messageId",
    "user_id": "userId",
}


def _decode_single(kind: Kind, body: bytes) -> Decoded:
    if len(body) > EVENT_MAX:
        raise RequestTooLarge(f"a call has at most {EVENT_MAX} bytes")
    problems: list[Problem] = []
    call = _read(_CALL, AnyCall, body, "", problems)
    if call is None:
        return Decoded(TrackCalls(calls=()), "", tuple(problems))
    command = TrackCalls(calls=(_call(kind, call, call.sent_at, _surroundings(bytes(call.context))),))
    return Decoded(command, call.write_key or "", ())


def _decode_batch(body: bytes) -> Decoded:
    problems: list[Problem] = []
    batch = _read(_BATCH, Batch, body, "", problems)
    if batch is None:
        return Decoded(TrackCalls(calls=()), "", tuple(problems))
    calls = [
        call
        for place, raw in enumerate(batch.batch)
        if (call := _item(place, raw, batch, problems)) is not None
    ]  # fmt: skip
    return Decoded(TrackCalls(calls=tuple(calls)), batch.write_key or "", tuple(problems))


def _item(place: int, raw: Raw, batch: Batch, problems: list[Problem]) -> Call | None:
    text = bytes(raw)
    if len(text) > EVENT_MAX:
        problems.append(Problem("call.too_large", item("batch", place), f"a call has at most {EVENT_MAX} bytes"))
        return None
    try:
        call = _CALL.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        call = _read(_CALL, AnyCall, text, item("batch", place), problems)
        if call is None:
            return None
    kind = KINDS.get(call.type or "")
    if kind is None:
        choices = ", ".join(sorted(set(KINDS.values())))
        problems.append(Problem("field.type", member(item("batch", place), "type"), f"must be one of {choices}"))
        return None
    return _call(kind, call, call.sent_at or batch.sent_at, _surroundings(bytes(call.context) or bytes(batch.context)))


def _call(kind: Kind, call: AnyCall, sent_at: datetime | None, surroundings: Surroundings | None) -> Call:
    name, attributes = "", call.traits
    if kind == "track":
        name, attributes = call.event or "", call.properties
    elif kind in {"page", "screen"}:
        name, attributes = kind, _titled(call)
    return Call(
        kind=cast("Any", kind) if kind in {"alias", "group", "identify"} else "event",
        user_id=_id(call.user_id),
        anonymous_id=_id(call.anonymous_id),
        previous_id=_id(call.previous_id),
        group_id=_id(call.group_id),
        name=name,
        attributes=attributes or {},
        surroundings=surroundings,
        timestamp=call.timestamp or call.original_timestamp,
        sent_at=sent_at,
        source_id=call.message_id or "",
    )


def _id(given: str | int | None) -> str:
    return "" if given is None else str(given)


def _titled(call: AnyCall) -> dict[str, Any]:
    """Return the properties of a page or screen, with its name and category among them."""
    titles = {"name": call.name, "category": call.category}
    return (call.properties or {}) | {key: title for key, title in titles.items() if title is not None}


# What is wrong ----------------------------------------------------------------------------------------------


def _read(
    decoder: "msgspec.json.Decoder[Any]", shape: type[Struct], text: bytes, place: str, problems: list[Problem]
) -> Any:  # noqa: ANN401 - what the decoder is for
    """Decode, or note all that keeps a document from being decoded and return None."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        try:
            document = _LENIENT.decode(text)
        except msgspec.ValidationError:  # only the decoder's own limits are left
            problems.append(Problem("value.out_of_range", place, "an integer has at most 309 digits"))
            return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as worse:
            raise _malformed(worse) from error
        found = [*_misfits(shape, document, place), *_unkept(document, place)]
        problems.extend(found or [Problem("field.type", place, str(error))])
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error) from error


def _unkept(document: object, place: str) -> Iterator[Problem]:
    """Find what cannot be kept of what a call says, such as a number that is none any more because it is too large."""
    members = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    for field in ("properties", "traits"):
        for problem in document_problems(_members(members, field), field):
            yield Problem(problem.code, joined(place, problem.where.split("/")), problem.text)


def _malformed(error: Exception) -> MalformedRequest:
    match error:
        case RecursionError():
            return MalformedRequest("malformed JSON: too deeply nested")
        case UnicodeDecodeError():
            return MalformedRequest("malformed JSON: not valid UTF-8")
        case _:
            return MalformedRequest(f"malformed JSON: {str(error).removeprefix('JSON is malformed: ')}")


def _misfits(shape: type[Struct], document: object, place: str) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield Problem("field.type", place, "must be an object")
        return
    given = cast("dict[str, Any]", document)
    for field in msgspec.structs.fields(shape):
        path = member(place, field.encode_name)
        if field.encode_name not in given:
            if field.required:
                yield Problem("field.required", path, "is required")
        elif field.type is not Raw and not _fits(given[field.encode_name], field.type):
            yield Problem("field.type", path, _RULES[field.encode_name])


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type, or a union of them
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except (msgspec.DecodeError, ValueError, OverflowError):
        return False
    return True


_TIME, _TEXT, _ID = (
    "must be an instant, such as 2026-03-01T12:00:00Z",
    "must be a string",
    "must be a string or a number",
)
_RULES = {
    "anonymousId": _ID, "batch": "must be a list of calls", "category": _TEXT, "event": _TEXT, "groupId": _ID,
    "messageId": _TEXT, "name": _TEXT, "originalTimestamp": _TIME, "previousId": _ID, "properties": "must be an object",
    "sentAt": _TIME, "timestamp": _TIME, "traits": "must be an object", "type": _TEXT, "userId": _ID, "writeKey": _TEXT,
}  # fmt: skip


# The surroundings -------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _surroundings(context: bytes) -> Surroundings | None:
    """Read what is kept of a context; what is not as it should be is passed over. None: nothing is kept."""
    try:
        given = _CONTEXT.decode(context or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    device = _device(given)
    found = Surroundings(
        language=_language(given.get("locale")),
        time_zone=_text(given.get("timezone")),
        location=_location(given),
        **device,
    )
    return None if found == Surroundings() else found


def _language(locale: object) -> str:
    """Return the language of a locale.

    >>> _language("pt-BR"), _language("en_US"), _language(7)
    ('pt', 'en', '')
    """
    return _text(locale)[:LANGUAGE_MAX].replace("_", "-").partition("-")[0].lower()


def _location(context: Mapping[str, Any]) -> Mapping[str, str | float]:
    members = _members(context, "location")
    places = {name: text for name in ("country", "region", "city") if (text := _text(members.get(name)))}
    degrees = {"latitude": 90, "longitude": 180}
    angles = {name: members[name] for name, most in degrees.items() if _is_angle(members.get(name), most)}
    return places | (angles if len(angles) == len(degrees) else {})


def _is_angle(value: object, most: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= most


def _device(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the device that can be reached, and what the context says of it."""
    members = _members(context, "device")
    number = _DEVICE_TYPES.get(_text(members.get("type")).lower())
    device_id, token = _text(members.get("id")), _text(members.get("token"), PUSH_TOKEN_MAX)
    if number is None or not device_id or not token:
        return {}
    said = {name: _text(_members(context, group).get(member)) for name, (group, member) in _DETAILS.items()}
    details = {name: text for name, text in said.items() if text}
    return {"device_id": device_id, "device_type": number, "push_token": token, "details": details}


def _members(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _text(value: object, most: int = TEXT_MAX) -> str:
    return value if isinstance(value, str) and len(value) <= most and "\0" not in value else ""


__all__: Sequence[str] = (
    "BATCHES",
    "BATCH_MAX",
    "ENVELOPE_MAX",
    "EVENT_MAX",
    "METHODS",
    "Decoded",
    "decode",
    "place_of",
)
