"""Every table with rows of people is one that deletions empty and merges move: a new one must be named in both."""

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from sojourn.store import deletion, transfers
from sojourn.store.queries import QUERIES

SCHEMA = (files("sojourn.store") / "sql" / "schema.sql").read_text()

DELETED_ELSEWHERE = {"enrollment", "identity", "stay"}
"""With a statement of its own, beside the lists."""

LEFT_BEHIND = {"former_profile"}
"""Nothing but the number, so that nobody comes back."""

MOVED_ELSEWHERE = {
    "audience_member": "forget_former_members",
    "event": "take_events",
    "former_profile": "close_former",
    "identity": "give_identities",
    "inbox": "forward_inbox",
    "transfer": "due_transfers",
}
"""Not moved as rows of one person: the statement that sees to the table."""


def tables_with(*columns: str) -> Iterator[str]:
    """Yield the tables of the schema that have one of some columns."""
    for table, body in re.findall(r"^create table (\w+) \((.*?)^\)", SCHEMA, re.DOTALL | re.MULTILINE):
        if re.search(rf"^\s+({'|'.join(columns)})\s", body, re.MULTILINE):
            yield table


OF_SOMEBODY = sorted(tables_with("enrollment_id", "profile_id"))


def text(query: str) -> str:
    return QUERIES[query].as_string(None)


def test_the_schema_is_read() -> None:
    assert {"device", "draw", "message", "profile", "profile_change", "static_member"} <= set(OF_SOMEBODY)


@pytest.mark.parametrize("table", sorted({*OF_SOMEBODY, "event_source"} - LEFT_BEHIND))
def test_deletions_empty_every_table_of_people(table: str) -> None:
    assert table in {*deletion.OF_PEOPLE, *deletion.OF_ENROLLMENTS, *DELETED_ELSEWHERE}
    query = "erase_identities" if table == "identity" else deletion.PLURALS.get(table, f"erase_{table}s")
    assert f"delete from {table} as" in text(query)


@pytest.mark.parametrize("table", OF_SOMEBODY)
def test_merges_move_every_table_of_people(table: str) -> None:
    query = MOVED_ELSEWHERE.get(table, f"take_{table}s")
    assert table in MOVED_ELSEWHERE or f"{table}s" in {*transfers.OF_PEOPLE, *transfers.OF_ENROLLMENTS}
    assert re.search(rf"(delete from|update|from|join) {table} as", text(query))
