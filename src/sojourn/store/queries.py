"""Queries: static SQL lives in `sql/queries/*.sql`, each query under its name with a sentence of purpose."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import LiteralString, cast

from psycopg import sql

NAME_LINE = re.compile(r"^-- name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
QUERY_NAME = re.compile(r"[a-z][a-z0-9_]*")


def parse(text: str, source: str) -> Iterator[tuple[str, str]]:
    r"""Split the text of a query file into names and bodies; a body keeps its comments.

    >>> list(parse("-- name: one\n-- The first number.\nselect 1;\n", "numbers.sql"))
    [('one', '-- The first number.\nselect 1')]
    """
    preamble, *parts = NAME_LINE.split(text)
    assert all(line.startswith("--") or not line.strip() for line in preamble.splitlines()), (
        f"{source}: SQL stands before the first `-- name:` line"
    )
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        assert QUERY_NAME.fullmatch(name), f"{source}: `{name}` is no name of a query: lower case words joined by `_`"
        query = body.strip().removesuffix(";")
        purpose = " ".join(line.removeprefix("--").strip() for line in _leading_comment(query))
        assert purpose.endswith((".", ".)")), f"{source}: query `{name}` needs a sentence of purpose below its name"
        yield name, query


def _leading_comment(query: str) -> Iterator[str]:
    for line in query.splitlines():
        if not line.startswith("--"):
            return
        yield line


@cache
def load_queries() -> Mapping[str, sql.SQL]:
    """Read every query file of the package. Two queries of one name are a bug."""
    found: dict[str, sql.SQL] = {}
    folder = files("sojourn.store") / "sql" / "queries"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            for name, query in parse(file.read_text(encoding="utf-8"), file.name):
                assert name not in found, f"{file.name}: the name `{name}` is taken"
                # The files are part of the program, as literal as a string in it.
                found[name] = sql.SQL(cast("LiteralString", query))
    return MappingProxyType(found)


QUERIES: Mapping[str, sql.SQL] = load_queries()
