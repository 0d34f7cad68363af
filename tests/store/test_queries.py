"""Query files: the rules of the loader, and that PostgreSQL accepts every query."""

import re

import psycopg
import pytest

from sojourn.store.connection import connect
from sojourn.store.queries import QUERIES, load_queries, parse

PLACEHOLDER = re.compile(r"%\((\w+)\)s")

pytestmark = pytest.mark.both_postgres


def test_a_file_holds_queries_under_their_names() -> None:
    text = (
        "-- About numbers.\n\n-- name: one\n-- The first.\nselect 1;\n\n-- name: two\n-- The\n-- second.\nselect 2;\n"
    )
    assert dict(parse(text, "numbers.sql")) == {
        "one": "-- The first.\nselect 1",
        "two": "-- The\n-- second.\nselect 2",
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: one\nselect 1;", "needs a sentence of purpose"),
        ("-- name: one\n-- number\nselect 1;", "needs a sentence of purpose"),
        ("-- name: One\n-- The first.\nselect 1;", "is no name of a query"),
        ("-- name:\n-- The first.\nselect 1;", "is no name of a query"),
        ("select 0;\n-- name: one\n-- The first.\nselect 1;", "stands before the first"),
    ],
)
def test_a_query_without_name_or_purpose_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        list(parse(text, "numbers.sql"))


def test_queries_are_read_once_and_stay_as_they_are() -> None:
    assert load_queries() is QUERIES
    with pytest.raises(TypeError):
        QUERIES["x"] = QUERIES["shard_count"]  # type: ignore[index]


@pytest.mark.parametrize("name", sorted(QUERIES))
async def test_postgres_accepts_the_query(name: str, shared_database_url: str) -> None:
    """Prepared, not run. A query whose parameter types PostgreSQL cannot tell needs a cast."""
    text = QUERIES[name].as_string()
    names = list(dict.fromkeys(PLACEHOLDER.findall(text)))
    numbered = PLACEHOLDER.sub(lambda match: f"${names.index(match[1]) + 1}", text).replace("%%", "%")
    async with await connect(shared_database_url, application_name="test") as conn:
        result = conn.pgconn.prepare(b"checked", numbered.encode())
        assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, result.get_error_message()
