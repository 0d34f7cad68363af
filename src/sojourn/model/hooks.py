"""Hooks: how what another service posts becomes events. Pure.

A path names a place in a JSON document: names joined by dots, places in lists in brackets, and names that are not plain
in brackets and quotes: `data.object.lines[0].sku`, `["first name"]`. The empty path is the whole document.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from sojourn.model.identities import EMAIL, PHONE
from sojourn.model.problems import Problem

IdentifierKind = Literal["email", "hwid", "phone", "user_id"]

ITEMS_MAX = 1000
PATH_MAX = 255
STEPS_MAX = 20
FIELDS_MAX = 200

_STEP = re.compile(r'(?:^|\.)(?P<name>[^.\[\]"\s]+)|\[(?P<place>[0-9]{1,6})\]|\["(?P<quoted>(?:[^"\\]|\\.)+)"\]')
_MILLISECONDS = 100_000_000_000
"""Numbers of seconds from here on, the year 5138, are taken for milliseconds."""

PATH_RULE = 'a path is of the form `data.items[0].id` or `["a name"]`'


class Missing:
    """Nothing is at a path. Null is something."""


MISSING = Missing()


class Verification(Struct, frozen=True, kw_only=True):
    """How a hook knows who posts.

    Attributes:
        scheme: `none`: by the address alone; `header`, `query`: the secret itself; `hmac`: a signature over the body;
            `hmac_timestamped`: one over the time, a dot and the body, spelled `t=…,v1=…`.
        name: Of the header or the parameter.
        prefix: What stands before the signature of `hmac`, such as `sha256=`.
        tolerance_seconds: How old a signature with a time may be.
    """

    scheme: Literal["header", "hmac", "hmac_timestamped", "none", "query"] = "none"
    name: str = ""
    algorithm: Literal["sha1", "sha256"] = "sha256"
    encoding: Literal["base64", "hex"] = "hex"
    prefix: str = ""
    tolerance_seconds: int = 300


class Rule(Struct, frozen=True, kw_only=True):
    """How a payload is read.

    Attributes:
        items_path: Where the list is, if a payload holds several; the other paths begin at its items.
        event_name: What events are called, if nothing else says.
        event_name_path: Where the payload says what happened.
        event_names: What it says there, to what the event is called. With them, and without `event_name`, anything else
            is passed over.
        attributes: Attributes of the event, to their paths.
        profile_attributes: Attributes of the person, to their paths.
        event_id_path: Where the event's own id is: the same one again is not applied again.
        time_path: When it happened: ISO 8601, or seconds or milliseconds since 1970. Without it, now.
    """

    identifier_kind: IdentifierKind = "user_id"
    identifier_path: str = ""
    items_path: str = ""
    event_name: str = ""
    event_name_path: str = ""
    event_names: Mapping[str, str] = {}
    attributes: Mapping[str, str] = {}
    profile_attributes: Mapping[str, str] = {}
    event_id_path: str = ""
    time_path: str = ""


class HookEvent(Struct, frozen=True, kw_only=True):
    """What an item of a payload becomes."""

    identifier: str
    name: str
    attributes: Mapping[str, Any]
    profile_attributes: Mapping[str, Any]
    event_id: str = ""
    occurred_at: datetime | None = None


class Reading(Struct, frozen=True, kw_only=True):
    """What a payload becomes: events, how many items are none, and what is wrong."""

    events: tuple[HookEvent, ...] = ()
    passed_over: int = 0
    problems: tuple[Problem, ...] = ()


def steps(path: str) -> tuple[str | int, ...] | None:
    r"""Read a path; None if it is none.

    >>> steps('data.items[0]["a \\"b\\""].id'), steps("a..b"), steps("")
    (('data', 'items', 0, 'a "b"', 'id'), None, ())
    """
    found: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or len(path) > PATH_MAX or len(found) >= STEPS_MAX:
            return None
        name, place, quoted = match.group("name", "place", "quoted")
        found.append(int(place) if place else name or re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
    return tuple(found)


def find(document: object, path: str) -> object:
    """Return what is at a path, or MISSING."""
    for step in steps(path) or ():
        if isinstance(step, str) and isinstance(document, dict):
            document = cast("dict[str, object]", document).get(step, MISSING)
        elif isinstance(step, int) and isinstance(document, list):
            items = cast("list[object]", document)
            document = items[step] if step < len(items) else MISSING
        else:
            return MISSING
    return document


def rule_problems(rule: Rule) -> Iterator[Problem]:
    """Check a rule."""
    for name in ("event_id_path", "event_name_path", "identifier_path", "items_path", "time_path"):
        yield from _path_problems(getattr(rule, name), name)
    if not rule.identifier_path:
        yield Problem("path.missing", "identifier_path", "is required")
    if not rule.event_name and not rule.event_name_path:
        yield Problem("event_name.missing", "event_name", "a name, or the path of one, is required")
    if rule.event_names and not rule.event_name_path:
        yield Problem("path.missing", "event_name_path", "is required where `event_names` are given")
    for field in ("attributes", "profile_attributes", "event_names"):
        given = cast("Mapping[str, str]", getattr(rule, field))
        if len(given) > FIELDS_MAX:
            yield Problem("fields.too_many", field, f"at most {FIELDS_MAX} are allowed")
        elif field != "event_names":
            for name, path in given.items():
                yield from _path_problems(path, f"{field}/{name}")


def _path_problems(path: str, where: str) -> Iterator[Problem]:
    if steps(path) is None:
        yield Problem("path.form", where, f"{PATH_RULE}, of at most {STEPS_MAX} steps and {PATH_MAX} characters")


def verification_problems(how: Verification) -> Iterator[Problem]:
    """Check how senders are known."""
    if how.scheme != "none" and not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", how.name):
        text = "the name of a header or parameter is letters, digits, `-` and `_`"
        yield Problem("name.form", "verification/name", text)
    if not 1 <= how.tolerance_seconds <= 86_400:
        yield Problem("value.out_of_range", "verification/tolerance_seconds", "must be between 1 and 86400")
    if len(how.prefix) > 100:
        yield Problem("value.too_long", "verification/prefix", "must have at most 100 characters")


def read(rule: Rule, payload: object) -> Reading:
    """Read a payload."""
    items, problems = _items(rule, payload)
    events: list[HookEvent] = []
    for place, item in enumerate(items):
        where = f"{rule.items_path}[{place}]" if rule.items_path else ""
        name = _name(rule, item)
        if name is None:
            continue
        event = _event(rule, item, name, where, problems)
        if event is not None:
            events.append(event)
    passed_over = len(items) - len(events) if not problems else 0
    return Reading(events=tuple(events), passed_over=passed_over, problems=tuple(problems))


def _items(rule: Rule, payload: object) -> tuple[Sequence[object], list[Problem]]:
    if not rule.items_path:
        return [payload], []
    items = find(payload, rule.items_path)
    if not isinstance(items, list):
        return [], [Problem("items.missing", rule.items_path, "must be a list")]
    listed = cast("list[object]", items)
    if len(listed) > ITEMS_MAX:
        return [], [Problem("items.too_many", rule.items_path, f"must have at most {ITEMS_MAX} items")]
    return listed, []


def _name(rule: Rule, item: object) -> str | None:
    """Return what the event is called; None: it is none. Empty: it should say so, but does not."""
    if not rule.event_name_path:
        return rule.event_name
    said = _word(find(item, rule.event_name_path))
    if rule.event_names:
        return rule.event_names.get(said) or rule.event_name or None
    return said or rule.event_name


def _event(rule: Rule, item: object, name: str, where: str, problems: list[Problem]) -> HookEvent | None:
    before = len(problems)
    if not name:
        problems.append(Problem("event_name.missing", _below(where, rule.event_name_path), "must name the event"))
    identifier = _word(find(item, rule.identifier_path))
    wrong = _identifier_problem(rule.identifier_kind, identifier)
    if wrong:
        problems.append(Problem("identifier.form", _below(where, rule.identifier_path), wrong))
    at = _time(find(item, rule.time_path)) if rule.time_path else None
    if isinstance(at, Missing):
        text = "must be an instant: ISO 8601, or seconds or milliseconds since 1970"
        problems.append(Problem("time.form", _below(where, rule.time_path), text))
    if len(problems) > before or isinstance(at, Missing):
        return None
    return HookEvent(
        identifier=identifier,
        name=name,
        attributes=_values(rule.attributes, item),
        profile_attributes=_values(rule.profile_attributes, item),
        event_id=_word(find(item, rule.event_id_path)) if rule.event_id_path else "",
        occurred_at=at,
    )


def _below(where: str, path: str) -> str:
    return f"{where}{path}" if path.startswith("[") or not where else f"{where}.{path}"


def _values(paths: Mapping[str, str], item: object) -> dict[str, Any]:
    found = {name: find(item, path) for name, path in paths.items()}
    return {name: value for name, value in found.items() if value is not MISSING}


def _word(value: object) -> str:
    match value:
        case bool():
            return ""
        case str():
            return value
        case int():
            return str(value)
        case _:
            return ""


def _identifier_problem(kind: IdentifierKind, value: str) -> str:
    if not value:
        return "must be a string or a whole number"
    if kind == "email" and not EMAIL.fullmatch(value):
        return "must be an email address"
    if kind == "phone" and not PHONE.fullmatch(value):
        return "must be a phone number of the form +4930123456"
    return ""


def _time(value: object) -> datetime | Missing:
    try:
        match value:
            case bool():
                return MISSING
            case int() | float():
                return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS else value, UTC)
            case str():
                at = msgspec.convert(value, datetime)
                return at if at.tzinfo else at.replace(tzinfo=UTC)
            case _:
                return MISSING
    except (msgspec.ValidationError, OverflowError, OSError, ValueError):
        return MISSING
