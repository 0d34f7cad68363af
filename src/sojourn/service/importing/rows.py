"""Rows: what one row of a file says about a person or an event, or every reason why it says nothing."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from sojourn.model.identities import EMAIL, IDENTITY_MAX, Identity, anonymous_identity, device_identity, user_identity
from sojourn.model.problems import Problem, legible
from sojourn.model.segments import FIRST_UNIX_SECOND, LAST_UNIX_SECOND, Span, moment
from sojourn.service.importing.content import Fields, Row
from sojourn.service.importing.plan import Layout, Plan, ValueType
from sojourn.service.notices import json_text
from sojourn.service.people import LANGUAGE_MAX, PUSH_TOKEN_MAX
from sojourn.service.values import attribute_problems, document_problems, id_problems, name_problems, text_problems

WORDS_OF_TRUTH: Mapping[str, bool] = {
    "0": False,
    "1": True,
    "f": False,
    "false": False,
    "n": False,
    "no": False,
    "t": True,
    "true": True,
    "y": True,
    "yes": True,
}


LIST_MAX = 1000
"""Ids, or devices, in one cell."""


DETAILS_MAX = 50
"""What a device says of itself, by name."""

ATTRIBUTES_SIZE_MAX = 1_000_000
"""Characters of all attributes of a row as JSON."""

PLACE_MAX = 255
"""Characters of the name of a country, region or city."""

DEGREES: Mapping[str, int] = {"latitude": 90, "longitude": 180}


class DeviceRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a row says about a device."""

    hwid: Annotated[str, Meta(min_length=1, max_length=IDENTITY_MAX)]
    channel: Literal["email", "in_app", "line", "push", "sms", "webhook", "whatsapp"]
    platform: Annotated[str, Meta(max_length=64)]
    push_token: Annotated[str, Meta(max_length=PUSH_TOKEN_MAX)] | None = None
    language: Annotated[str, Meta(max_length=LANGUAGE_MAX)] | None = None
    is_subscribed: bool = True
    details: Annotated[dict[str, Any], Meta(max_length=DETAILS_MAX)] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """What a row says about a person. The first identity decides who it is.

    Attributes:
        location: Where the person was last seen, as far as the row says.
        devices: None where the row does not say; then an email address or phone number is a device by itself.
        first_seen_at: When the person was first heard of, for those who are new here.
    """

    identities: tuple[Identity, ...]
    attributes: dict[str, Any]
    time_zone: str | None
    language: str | None
    location: Mapping[str, str | float] = field(default_factory=dict[str, "str | float"])
    devices: tuple[DeviceRow, ...] | None = None
    first_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """What a row says about an event. `number` is its place among the rows of the file, from 1."""

    number: int
    identities: tuple[Identity, ...]
    name: str
    occurred_at: datetime | None
    attributes: dict[str, Any]
    source_id: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not imported, and why."""

    row: Row
    reasons: tuple[str, ...]


class Reader:
    """Reads the rows of one file."""

    def __init__(self, plan: Plan, layout: Layout, *, workspace_id: int, zones: frozenset[str]) -> None:
        self._plan = plan
        self._known = layout.known
        self._attributes = layout.attributes
        self._workspace_id = workspace_id
        self._zones = zones
        self._not_attributes = frozenset(layout.known.values())

    def person(self, row: Row) -> PersonRow | Refused:
        """Read a row about a person."""
        if row.problem:
            return Refused(row, (row.problem,))
        identities, problems = self._identities(row.fields)
        attributes = self._read_attributes(row.fields, problems)
        zone = self._text(row.fields, "time_zone", problems)
        if zone and zone not in self._zones:
            problems.append(f"`{zone[:64]}` is no time zone; an IANA name, such as `Europe/Berlin`, is one")
        language = self._text(row.fields, "language", problems)
        if len(language) > LANGUAGE_MAX:
            problems.append(f"a language tag has at most {LANGUAGE_MAX} characters")
        location = self._location(row.fields, problems)
        devices = self._devices(row.fields, problems)
        first_seen_at = self._instant(row.fields, "first_seen_at", problems)
        if problems:
            return Refused(row, tuple(problems))
        of_devices = (device_identity(self._workspace_id, device.hwid) for device in devices or ())
        return PersonRow(
            identities=tuple(dict.fromkeys((*identities, *of_devices))),
            attributes=attributes,
            time_zone=zone or None,
            language=language or None,
            location=location,
            devices=devices,
            first_seen_at=first_seen_at,
        )

    def names(self, row: Row) -> tuple[Identity, ...] | Refused:
        """Read what a row calls somebody, and nothing else of it."""
        if row.problem:
            return Refused(row, (row.problem,))
        identities, problems = self._identities(row.fields)
        return Refused(row, tuple(problems)) if problems else identities

    def event(self, row: Row, number: int) -> EventRow | Refused:
        """Read a row about an event, the `number`th of the file."""
        if row.problem:
            return Refused(row, (row.problem,))
        identities, problems = self._identities(row.fields)
        attributes = self._read_attributes(row.fields, problems)
        name = self._plan.event or self._text(row.fields, "event", problems)
        problems += [f"event: {problem.text}" for problem in name_problems(name, "event")]
        occurred_at = self._instant(row.fields, "occurred_at", problems)
        source_id = self._text(row.fields, "source_id", problems)
        problems += [f"source id: {problem.text}" for problem in id_problems(source_id, "source_id")]
        if problems:
            return Refused(row, tuple(problems))
        return EventRow(
            number=number,
            identities=identities,
            name=name,
            occurred_at=occurred_at,
            attributes=attributes,
            source_id=source_id or None,
        )

    def _identities(self, fields: Fields) -> tuple[tuple[Identity, ...], list[str]]:
        """Read who a row is about: any cell may hold several ids, as a list."""
        problems: list[str] = []
        found = [user_identity(self._workspace_id, each) for each in self._texts(fields, "user_id", problems)]
        for email in self._texts(fields, "email", problems):
            found.append(device_identity(self._workspace_id, email))
            if not EMAIL.fullmatch(email):
                problems.append(f"`{email[:64]}` is no email address; `name@example.com` is the form of one")
        found += [device_identity(self._workspace_id, each) for each in self._texts(fields, "hwid", problems)]
        found += [
            anonymous_identity(self._workspace_id, each) for each in self._texts(fields, "anonymous_id", problems)
        ]
        problems += [f"{one.kind}: {each.text}" for one in found for each in id_problems(one.value, one.kind)]
        if not found and not problems:
            problems.append("nothing says who the row is about")
        return tuple(dict.fromkeys(found)), problems

    def _texts(self, fields: Fields, meaning: str, problems: list[str]) -> list[str]:
        """Return the texts in the column of a meaning: of a list, or of a JSON array, each item."""
        column = self._known.get(meaning)
        value = None if column is None else fields.get(column)
        if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
            value = _decoded(value)
        if not isinstance(value, list) or column is None:
            text = self._text(fields, meaning, problems)
            return [text] if text else []
        items = cast("list[object]", value)
        if len(items) > LIST_MAX:
            problems.append(f"{meaning}: at most {LIST_MAX} are allowed")
            return []
        read = (item if isinstance(item, str) else self._text({column: item}, meaning, problems) for item in items)
        return [text for text in read if text]

    def _text(self, fields: Fields, meaning: str, problems: list[str]) -> str:
        """Return the text in the column of a meaning; empty where there is no column, or nothing in it."""
        column = self._known.get(meaning)
        value = None if column is None else fields.get(column)
        match value:
            case None:
                return ""
            case str():
                text = value.strip()
                problems += [f"{meaning}: {each.text}" for each in text_problems(text, meaning)]
                return text
            case bool():
                problems.append(f"{meaning}: a text or a whole number is expected")
            case int():
                return str(value)
            case float() if value.is_integer():
                return str(int(value))
            case _:
                problems.append(f"{meaning}: a text or a whole number is expected")
        return ""

    def _read_attributes(self, fields: Fields, problems: list[str]) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        cells = ((name, value) for name, value in self._attribute_fields(fields) if value != "")
        for name, value in (*self._attribute_object(fields, problems), *cells):
            type_ = self._plan.types.get(name)
            if value is None or (value == "" and type_ is not None):
                continue
            try:
                attributes[name] = value if type_ is None else READERS[type_](value, self._plan.list_separator)
            except ValueError:
                problems.append(f"`{name}`: `{str(value)[:64]}` is no {type_}")
        problems += [f"{legible(each.where)}: {each.text}" for each in _document_problems(attributes)]
        return attributes

    def _attribute_object(self, fields: Fields, problems: list[str]) -> Iterable[tuple[str, Any]]:
        """Read the column that holds all attributes as an object."""
        value = self._structure(fields, "attributes")
        if value is None:
            return ()
        if not isinstance(value, dict):
            problems.append("attributes: an object with the attributes is expected")
            return ()
        return cast("dict[str, Any]", value).items()

    def _location(self, fields: Fields, problems: list[str]) -> dict[str, str | float]:
        """Read where a person was last seen: names of places, and coordinates, which come together or not at all."""
        names = {name: self._text(fields, f"location.{name}", problems) for name in ("country", "region", "city")}
        problems += [
            f"location.{name}: at most {PLACE_MAX} characters are allowed"
            for name, text in names.items()
            if len(text) > PLACE_MAX
        ]
        angles = {name: self._angle(fields, name, most, problems) for name, most in DEGREES.items()}
        known = {name: angle for name, angle in angles.items() if angle is not None}
        if len(known) == 1:
            problems.append("location: a latitude and a longitude come together")
        return {name: text for name, text in names.items() if text} | known

    def _angle(self, fields: Fields, name: str, most: int, problems: list[str]) -> float | None:
        column = self._known.get(f"location.{name}")
        value = None if column is None else fields.get(column)
        if value is None or value == "":
            return None
        try:
            angle = _number(value, "")
        except ValueError:
            angle = math.inf
        if abs(angle) > most:
            problems.append(f"location.{name}: `{str(value)[:64]}` is no number from {-most} to {most}")
        return angle

    def _devices(self, fields: Fields, problems: list[str]) -> tuple[DeviceRow, ...] | None:
        value = self._structure(fields, "device_list")
        if value is None:
            return None
        try:
            devices = msgspec.convert(value, tuple[DeviceRow, ...])
        except msgspec.ValidationError as error:
            problems.append(f"device list: {error}")
            return None
        if len(devices) > LIST_MAX:
            problems.append(f"device list: at most {LIST_MAX} are allowed")
        texts = (text for device in devices for text in (device.hwid, device.platform, device.push_token or ""))
        problems += [f"device list: {each.text}" for text in texts for each in text_problems(text, "device_list")]
        problems += [
            f"device list: {each.text}" for device in devices for each in attribute_problems(device.details, "details")
        ]
        return devices

    def _structure(self, fields: Fields, meaning: str) -> object:
        """Return what a column of objects or lists holds, of text the JSON in it; None where there is nothing."""
        column = self._known.get(meaning)
        value = None if column is None else fields.get(column)
        if isinstance(value, str):
            return _decoded(value) if value.strip() else None
        return value

    def _attribute_fields(self, fields: Fields) -> Iterator[tuple[str, Any]]:
        if self._attributes is None:
            return ((column, value) for column, value in fields.items() if column not in self._not_attributes)
        return ((name, fields.get(column)) for column, name in self._attributes.items())

    def _instant(self, fields: Fields, meaning: str, problems: list[str]) -> datetime | None:
        column = self._known.get(meaning)
        value = None if column is None else fields.get(column)
        if value is None or value == "":
            return None
        try:
            return instant(value)
        except ValueError:
            problems.append(
                f"`{str(value)[:64]}` is no time; `2026-01-31T09:30:00+01:00` is one, and so are unix seconds"
            )
            return None


def _document_problems(attributes: dict[str, Any]) -> Iterator[Problem]:
    """Find what keeps attributes from being stored: whatever the other ways in take is taken here, too."""
    found = False
    for problem in document_problems(attributes, "attributes"):
        found = True
        yield problem
    if not found and len(json_text(attributes)) > ATTRIBUTES_SIZE_MAX:
        text = f"all attributes together have at most {ATTRIBUTES_SIZE_MAX:,} characters"
        yield Problem("value.too_long", "attributes", text)


def _decoded(text: str) -> object:
    """Return what JSON in a cell stands for; the text itself where it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return text


def instant(value: object) -> datetime:
    """Read a point in time: ISO 8601 (in UTC unless it says otherwise), a date, or unix seconds.

    >>> instant("2026-01-31 09:30").isoformat(), instant("1769851800") == instant(1769851800)
    ('2026-01-31T09:30:00+00:00', True)
    """
    if isinstance(value, str):
        text = value.strip()
        if not text.replace(".", "", 1).isdigit() or len(text) == 8:
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > LAST_UNIX_SECOND:
        raise ValueError("not a time")
    return datetime.fromtimestamp(value, UTC)


def _boolean(value: object, _separator: str) -> bool:
    if isinstance(value, bool):
        return value
    try:
        return WORDS_OF_TRUTH[str(value).strip().lower()]
    except KeyError:
        raise ValueError("not a boolean") from None


def _date(value: object, _separator: str) -> str:
    """Return a date, with or without a clock, in the form in which segments compare it."""
    text = str(value).strip()
    if text.isdigit() and FIRST_UNIX_SECOND <= int(text) <= LAST_UNIX_SECOND:
        return instant(text).isoformat()
    if text.isdigit():
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date().isoformat()
    if not isinstance(moment(text), Span):
        raise ValueError("not a date")  # noqa: TRY004 - as above
    return text


def _integer(value: object, _separator: str) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or "_" in str(value):
        raise ValueError("not an integer")
    return int(value)


def _number(value: object, _separator: str) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "_" in str(value):
        raise ValueError("not a number")
    if isinstance(value, int):
        return value
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _list(value: object, separator: str) -> list[Any]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        decoded: object = msgspec.json.decode(value)  # its error is a ValueError, too
        if not isinstance(decoded, list):
            raise ValueError("not a list")
        return cast("list[Any]", decoded)
    if isinstance(value, str):
        return [item for part in value.split(separator) if (item := part.strip())]
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _string(value: object, _separator: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        raise ValueError("not a string")  # noqa: TRY004 - one exception for "cannot be read so"
    return str(value)


READERS: Mapping[ValueType, Callable[[object, str], Any]] = {
    "boolean": _boolean,
    "date": _date,
    "integer": _integer,
    "list": _list,
    "number": _number,
    "string": _string,
}
"""How the values of each type are read; ValueError for what is none."""
