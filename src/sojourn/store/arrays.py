r"""Arrays: many values as one parameter, spelled at once.

The driver spells a list element by element, each with a regular expression; for the batches in which notices are
accepted that costs more than everything else. A JSON list is spelled by a compiled encoder, and PostgreSQL reads what
stands in one as it reads an array's elements, `null` and quoted texts with `\"` and `\\` included. Only the other
escapes of JSON mean nothing to it. A cast in the statement says what the elements are.

An array of nothing but nulls is spelled empty: `unnest` fills the shorter of its arrays up with nulls, and does so for
less than it reads them.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec


def numbers(values: Sequence[int | None]) -> str:
    """Spell an array of integers.

    >>> numbers([1, None, 2])
    '{1,null,2}'
    >>> numbers([None, None])
    '{}'
    """
    return _array(values)


def texts(values: Sequence[str | None]) -> str:
    r"""Spell an array of texts, or of what is read from text.

    >>> print(texts(["a", None, 'say "b\\c"', "NULL", ""]))
    {"a",null,"say \"b\\c\"","NULL",""}
    >>> texts(["two\nlines"])
    '{"two\nlines"}'
    """
    spelled = _array(values)
    if "\\" in spelled:
        return f"{{{','.join(['null' if value is None else _quoted(value) for value in values])}}}"
    return spelled


def instants(values: Sequence[datetime | None]) -> str:
    """Spell an array of instants.

    >>> from datetime import UTC
    >>> instants([datetime(2026, 5, 1, tzinfo=UTC)])
    '{"2026-05-01T00:00:00Z"}'
    """
    return _array(values)


def _array(values: Sequence[datetime | int | str | None]) -> str:
    if values and values[0] is None and values.count(None) == len(values):
        return "{}"
    return f"{{{msgspec.json.encode(values)[1:-1].decode()}}}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
