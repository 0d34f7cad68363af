"""Filters: the ones that differ from standard Liquid, and the bounds around all of them.

Standard filters that read the clock (`date`) or could be made to fill the memory are replaced or guarded here.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from functools import wraps
from typing import Any, Protocol, cast

from dateutil import parser
from liquid import RenderContext
from liquid.exceptions import FilterArgumentError, ResourceLimitError
from liquid.filter import with_context
from liquid.undefined import is_undefined

from sojourn.templates.zones import zone_named

MAX_TEXT = 1_000_000
"""Characters that one filter may produce."""

MAX_ITEMS = 10_000
"""Items that one filter may take or produce."""

_MAX_FORMAT = 200
_DIGITS = re.compile(r"[0-9]{1,11}")
_PADDED = re.compile(r"%[-_0^#]*\d")
_EPOCH = re.compile(r"(?<!%)((?:%%)*)%s")


Growth = Callable[[object, tuple[object, ...]], int]
"""Bounds the size of a result from the value and the arguments."""


class Filter(Protocol):
    """What python-liquid calls."""

    def __call__(self, value: object, *args: object, **kwargs: object) -> object:
        """Return the filtered value."""
        ...


@with_context
def date_filter(value: object, form: object = None, zone: object = None, *, context: RenderContext) -> object:
    """Write an instant by a strftime format, on the person's clock or on that of `zone`.

    "now" and "today" are the instant of the rendering. A text without an offset is taken as it stands. What is no
    date is returned unchanged, as in standard Liquid.
    """
    if is_undefined(value) or value is None:
        return ""
    now = cast("datetime", context.globals["now"])  # Scope puts it there
    instant = now if value in {"now", "today"} else _instant(value, now)
    if instant is None or is_undefined(form) or form is None:
        return str(value) if instant is None else instant.isoformat()
    if isinstance(value, str) and value not in {"now", "today"} and instant.tzinfo is None:
        return instant.strftime(_checked_format(form, instant.replace(tzinfo=UTC)))
    there = instant.astimezone(zone_named(str(zone)) if zone else now.tzinfo)
    return there.strftime(_checked_format(form, there))


def _checked_format(form: object, instant: datetime) -> str:
    text = str(form)
    # glibc pads to any width, so `%999999999d` would fill the memory.
    if len(text) > _MAX_FORMAT or _PADDED.search(text):
        raise FilterArgumentError(f"date: a format has at most {_MAX_FORMAT} characters and no widths", token=None)
    # `%s` of the C library reads the server's zone.
    return _EPOCH.sub(lambda found: f"{found[1]}{int(instant.timestamp())}", text)


def _instant(value: object, now: datetime) -> datetime | None:
    match value:
        case bool():
            return None
        case datetime():
            return value if value.tzinfo else value.replace(tzinfo=now.tzinfo)
        case date():
            return datetime.combine(value, time.min, now.tzinfo)
        case int() | float():
            return _from_epoch(value)
        case str():
            return _from_epoch(int(value)) if _DIGITS.fullmatch(value) else _parsed(value, now)
        case _:
            return None


def _from_epoch(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _parsed(text: str, now: datetime) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        # What the text leaves open comes from the given instant; dateutil would ask the clock.
        return parser.parse(text[:100], default=datetime.combine(now.date(), time.min))
    except (ValueError, OverflowError):
        return None


def json_filter(value: object) -> str:
    """Write a value as JSON, for bodies of webhooks: `{"name": {{ profile.name | json }}}`."""
    return json.dumps(value, default=_json_default, ensure_ascii=False, allow_nan=False)


def _json_default(value: object) -> object:
    if is_undefined(value):
        return None
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return list(value) if isinstance(value, range) else str(value)


def bounded(filter_: Callable[..., Any]) -> Filter:
    """Guard a filter: nothing larger than `MAX_TEXT` or `MAX_ITEMS` goes in or comes out."""

    @wraps(filter_)  # keeps the marks of with_context and with_environment
    def guarded(value: object, *args: object, **kwargs: object) -> object:
        for given in (value, *args):
            _check_size(given)
        result: object = filter_(value, *args, **kwargs)
        _check_size(result)
        return result

    return guarded


def _check_size(value: object) -> None:
    match value:
        case str():
            is_large = len(value) > MAX_TEXT
        case list() | tuple() | range():
            is_large = len(cast("list[object]", value)) > MAX_ITEMS
        case int():
            is_large = value.bit_length() > 4096
        case _:
            is_large = False
    if is_large:
        raise ResourceLimitError("a filter's value is too large", token=None)


def product_guard(filter_: Callable[..., Any], grown: Growth) -> Callable[..., Any]:
    """Refuse a filter whose result would be too large before it is built."""

    @wraps(filter_)
    def guarded(value: object, *args: object, **kwargs: object) -> object:
        if grown(value, args) > MAX_TEXT:
            raise ResourceLimitError("a filter's value is too large", token=None)
        return filter_(value, *args, **kwargs)

    return guarded


def joined_length(value: object, args: tuple[object, ...]) -> int:
    """Bound the length of `value | join: separator` from above, but for the items that are no texts."""
    if not isinstance(value, list | tuple | range):
        return 0
    items = cast("list[object]", value)
    separator = len(str(args[0])) if args else 1
    return len(items) * separator + sum(len(item) for item in items if isinstance(item, str))


def replaced_length(value: object, args: tuple[object, ...]) -> int:
    """Bound the length of `value | replace: old, new` from above."""
    text = str(value)
    old, new = (str(args[0]) if args else "", str(args[1]) if len(args) > 1 else "")
    return len(text) + text.count(old) * len(new)


OURS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("date", date_filter),
    ("json", json_filter),
)

GROWING: tuple[tuple[str, Growth], ...] = (
    ("join", joined_length),
    ("replace", replaced_length),
)
"""Standard filters whose result may be as large as the product of what goes in."""
