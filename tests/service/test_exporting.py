"""Exports into files: every format, and the way back through the importer."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sojourn.cli.main import app
from sojourn.service.workspaces import ensure_default
from sojourn.store.connection import make_pool
from tests.conftest import TEMPLATE, Postgres
from tests.service.test_importing import NOW

PEOPLE = [
    {"user_id": "ada", "email": ["a@example.com", "b@example.com"], "attributes": {"City": "Paris", "Likes": ["tea"]}},
    {
        "hwid": "h-1",
        "attributes": {"Age": 36},
        "language": "fr",
        "time_zone": "Europe/Paris",
        "location.country": "FR",
        "location.region": "Île-de-France",
        "location.city": "Paris",
        "location.latitude": 48.85,
        "location.longitude": 2.35,
        "device_list": [
            {
                "hwid": "h-1", "channel": "push", "platform": "iOS", "push_token": "t", "language": "fr",
                "is_subscribed": False, "details": {"os_version": "17.4", "app_version": "2.10"},
            }
        ],
    },
]  # fmt: skip


def run(url: str, *arguments: str) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--database-url", url])
    assert result.exit_code == 0, result.output
    return result.stdout


async def with_app(url: str) -> str:
    async with make_pool(url, application_name="test", max_size=1) as pool, pool.connection() as conn:
        await ensure_default(conn, NOW, application_code="AAAAA-11111")
    return url


@pytest.fixture
async def workspace(database_url: str) -> str:
    return await with_app(database_url)


@pytest.fixture
async def empty_workspace(postgres: Postgres) -> AsyncIterator[str]:
    name = postgres.create_database(TEMPLATE)
    yield await with_app(postgres.url_for(name))
    postgres.drop_database(name)


def read(path: Path) -> list[Any]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return sorted((row | {"first_seen_at": ""} for row in rows), key=lambda row: row.get("user_id", ""))


@pytest.mark.parametrize("name", ["people.jsonl", "people.csv", "people.csv.gz", "people.parquet"])
def test_what_is_exported_can_be_imported(workspace: str, empty_workspace: str, tmp_path: Path, name: str) -> None:
    source = tmp_path / "source.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in PEOPLE))
    run(workspace, "people", "import", str(source))
    file, again = tmp_path / name, tmp_path / "again.jsonl"
    assert "exported 2 people" in run(workspace, "people", "export", str(file))
    assert not file.with_name(f"{name}.part").exists()

    answer = json.loads(run(workspace, "people", "import", str(file), "--json"))

    assert (answer["rows_done"], answer["rows_refused"]) == (2, 0)
    run(empty_workspace, "people", "import", str(file))
    run(empty_workspace, "people", "export", str(again))
    rows = read(again)
    assert rows[0] == PEOPLE[1] | {"first_seen_at": ""}
    assert [row["attributes"] for row in rows] == [{"Age": 36}, {"City": "Paris", "Likes": ["tea"]}]
    assert rows[1]["email"] == ["a@example.com", "b@example.com"]


def test_events_are_exported(workspace: str, tmp_path: Path) -> None:
    source, file = tmp_path / "events.csv", tmp_path / "events.jsonl"
    source.write_text("user_id,name,date,sum\nada,Purchase,2026-02-01,9\nada,View,2026-03-01,\n")
    run(workspace, "events", "import", str(source), "--history")
    assert "exported 1 events" in run(workspace, "events", "export", str(file), "--to", "2026-02-15")
    (row,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert (row["user_id"], row["event"], row["attributes"]) == ("ada", "Purchase", {"sum": "9"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x.xml",), "a file is called .csv, .json, .jsonl, .ndjson, .parquet"),
        (("x.csv", "--from", "soon"), "an instant such as 2026-05-01T09:00:00Z is expected"),
        (("x.csv", "--filter", "T("), "invalid filter: "),
        (("x.csv", "--app", "ZZZZZ-ZZZZZ"), "application not found"),
    ],
)
def test_what_cannot_be_exported_leaves_no_file(
    workspace: str, tmp_path: Path, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["people", "export", *arguments, "--database-url", workspace])
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []
