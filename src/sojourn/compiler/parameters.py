"""Parameters: everything a person typed goes into SQL through here, never as text."""

from datetime import datetime
from typing import Literal

SqlType = Literal[
    "bigint",
    "boolean",
    "double precision",
    "integer",
    "integer[]",
    "interval",
    "jsonb",
    "numeric",
    "smallint",
    "text",
    "text[]",
    "time",
    "timestamp",
    "timestamptz",
]
Value = str | int | float | bool | datetime | list[str] | list[int]
"""A jsonb value is passed as its JSON text."""


class Parameters:
    """Named values of one statement. Equal values share a name, so the same graph gives the same text.

    >>> parameters = Parameters()
    >>> parameters.add("gold", "text"), parameters.add("gold", "text"), parameters.add(3, "bigint")
    ('%(v1)s::text', '%(v1)s::text', '%(v2)s::bigint')
    """

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self.values: dict[str, Value] = {}

    def add(self, value: Value, type_: SqlType) -> str:
        """Return the placeholder, with its cast, that stands for `value`."""
        key = (repr(value), type_)
        name = self._names.get(key)
        if name is None:
            name = f"v{len(self._names) + 1}"
            self._names[key] = name
            self.values[name] = value
        return f"%({name})s::{type_}"
