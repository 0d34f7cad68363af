"""Statement: SQL text with its constant parameters, made of named sets (CTEs)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent, indent

from sojourn.compiler.parameters import Parameters, Value

COMPILER = 1
"""Rises when the same graph begins to give other text."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the database runs; `sends` tells that it may queue messages, `writes` which attributes it may change.

    `sql` names the parameters of run time, too, such as shard and now.
    """

    sql: str
    values: Mapping[str, Value]
    sends: bool = False
    writes: frozenset[str] = frozenset()


@dataclass(slots=True)
class Draft:
    """A statement in the making.

    Its sets stand in the order in which they are written.

    >>> draft = Draft("-- nothing")
    >>> draft.add("due", "select 1 as one")
    'due'
    >>> print(draft.finish("select one from due").sql)
    -- nothing
    with
    due as materialized (
        select 1 as one
    )
    select one from due
    """

    title: str
    parameters: Parameters = field(default_factory=Parameters)
    _sets: list[str] = field(default_factory=list[str])

    def add(self, name: str, body: str, *, materialized: bool = True) -> str:
        """Append a set and return its name. Sets that change rows are never marked: they are always run once."""
        kind = " materialized" if materialized else ""
        self._sets.append(f"{name} as{kind} (\n{indent(tidy(body), '    ')}\n)")
        return name

    def finish(self, last: str, *, sends: bool = False, writes: frozenset[str] = frozenset()) -> Statement:
        """Return the statement whose result is `last`."""
        sets = ",\n".join(self._sets)
        return Statement(f"{self.title}\nwith\n{sets}\n{tidy(last)}", dict(self.parameters.values), sends, writes)


def tidy(text: str) -> str:
    """Remove the common margin and the blank lines."""
    return "\n".join(line.rstrip() for line in dedent(text).splitlines() if line.strip())
