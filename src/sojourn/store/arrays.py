"""Arrays: many values as one parameter, spelled at once.

The driver spells a list element by element, each with a regular expression; for the batches in which notices are
accepted that costs more than everything else. A cast in the statement says what the elements are.
"""

from collections.abc import Iterable
from datetime import datetime


def numbers(values: Iterable[int | None]) -> str:
    """Spell an array of integers.

    >>> numbers([1, None, 2])
    '{1,NULL,2}'
    """
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


def texts(values: Iterable[str | None]) -> str:
    r"""Spell an array of texts, or of what is read from text.

    >>> print(texts(["a", None, 'say "b\\c"', "NULL", ""]))
    {"a",NULL,"say \"b\\c\"","NULL",""}
    """
    return f"{{{','.join(['NULL' if value is None else _quoted(value) for value in values])}}}"


def instants(values: Iterable[datetime]) -> str:
    """Spell an array of instants.

    >>> from datetime import UTC
    >>> instants([datetime(2026, 5, 1, tzinfo=UTC)])
    '{2026-05-01T00:00:00+00:00}'
    """
    return f"{{{','.join([value.isoformat() for value in values])}}}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
