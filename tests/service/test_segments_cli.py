"""Segments and fixed lists on the command line."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sojourn.cli.main import app
from sojourn.cli.sources import pointed_out
from sojourn.engine.runner import Runner
from tests.service.test_exporting import run, workspace

__all__ = ["workspace"]

CITY = 'T("City", EQ, "Paris")'


def refused(url: str, *arguments: str, text: str = "") -> str:
    result = CliRunner().invoke(app, ["segments", *arguments, "--database-url", url], input=text)
    assert result.exit_code == 1, result.output
    return result.output


def drain(url: str) -> None:
    asyncio.run(Runner(url, lambda: datetime.now(UTC)).drain())


def populate(url: str, folder: Path) -> None:
    source = folder / "people.jsonl"
    people = [{"user_id": name, "City": city} for name, city in (("ada", "Paris"), ("bob", "Rome"), ("cid", "Paris"))]
    source.write_text("".join(json.dumps(row) + "\n" for row in people))
    run(url, "people", "import", str(source))


def test_a_segment_lives_its_life_on_the_command_line(workspace: str, tmp_path: Path) -> None:
    populate(workspace, tmp_path)
    filter_file = tmp_path / "paris.seg"
    filter_file.write_text(f"{CITY}\n")

    def segments(*arguments: str) -> str:
        return run(workspace, "segments", *arguments)

    made = json.loads(segments("create", "Parisians", f"@{filter_file}", "--code", "paris", "--json"))
    assert (made["kind"], made["source"]) == ("filter", CITY)
    assert [each["code"] for each in json.loads(segments("list", "--json"))] == ["paris"]
    assert "Parisians" in segments("list")
    assert segments("count", "paris") == "2 people\n"
    assert json.loads(segments("count", "--source", 'T("City", SET)', "--json")) == {"count": 3}
    shown = segments("preview", "paris", "--attribute", "City", "--sample", "1")
    assert all(word in shown for word in ("Paris", "2 people"))
    told = segments("explain", "bob", "--source", f'Not(Segment("paris")) * {CITY}')
    assert told.splitlines()[0] == "✗ all of"
    assert all(line in told for line in ("  ✓ not", f"  ✗ {CITY}: has Rome"))
    file = tmp_path / "out.csv"
    assert "exported 2 people" in segments("export", "paris", str(file), "--attribute", "City")
    assert file.read_text().count("Paris") == 2
    assert "Romans" in segments("update", "paris", 'T("City", EQ, "Rome")', "--title", "Romans")
    assert "Rome" in segments("show", "paris")
    assert segments("count", "paris") == "1 people\n"
    assert "segment paris is deleted" in segments("delete", "paris")
    assert "segment not found" in refused(workspace, "show", "paris")


def test_a_list_is_filled_on_the_command_line(workspace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    populate(workspace, tmp_path)
    run(workspace, "segments", "create", "Testers", "--list", "--code", "testers")
    said = run(workspace, "segments", "add", "testers", "ada", "zoe", "--email", "x@e.ex")
    assert said == "1 are put on the list by the next tick\nnobody goes by zoe, x@e.ex\n"
    drain(workspace)
    assert "members      1" in run(workspace, "segments", "show", "testers")
    (tmp_path / "new.csv").write_text("who\nbob\ncid\nzoe\n")
    arguments = ("segments", "import", "testers", "new.csv", "--map", "user_id=who")
    said = run(workspace, *arguments, "--replace")
    assert "2 of 3 rows name somebody\n1 others leave the list\nrefused 1 rows, 1 since nobody" in said
    assert "nobody goes by these names" in (tmp_path / "new.csv.rejects.csv").read_text()
    drain(workspace)
    page = json.loads(run(workspace, "segments", "members", "testers", "--json"))
    assert sorted(each["user_id"] for each in page["items"]) == ["bob", "cid"]
    assert "more with --after" in run(workspace, "segments", "members", "testers", "--limit", "1")
    removed = json.loads(run(workspace, "segments", "remove", "testers", "bob", "--json"))
    assert removed == {"accepted": 1, "unknown": 0, "unknown_names": {}}
    report: dict[str, Any] = json.loads(run(workspace, *arguments, "--remove", "--json"))
    assert (report["rows_accepted"], report["removed"]) == (2, 0)
    drain(workspace)
    assert "members      0" in run(workspace, "segments", "show", "testers")


def test_what_cannot_be_done_is_said(workspace: str, tmp_path: Path) -> None:
    wrong = refused(workspace, "create", "x", "-", text='T("City", SET)\n  * T("City" EQ 3')
    line, below = wrong.splitlines()[-2:]
    assert "line 2, column 14" in wrong
    assert (line, below) == ('    * T("City" EQ 3', f"  {' ' * 13}^")
    assert "there is no list with this code" in refused(workspace, "add", "none", "ada")
    assert "no such file" in refused(workspace, "count", "--source", f"@{tmp_path}/none")
    assert "exactly one of `code` and `source` is required" in " ".join(refused(workspace, "count").split())
    assert "a fixed list has no filter" in refused(workspace, "create", "x", CITY, "--list")
    (tmp_path / "a.csv").write_text("user_id\n")
    assert "exclude each other" in refused(workspace, "import", "x", str(tmp_path / "a.csv"), "--remove", "--replace")


@pytest.mark.parametrize(("column", "shown", "mark"), [(3, "abc", 2), (200, "x" * 100, 50)])
def test_a_mark_stands_below_the_mistake(column: int, shown: str, mark: int) -> None:
    source = "abc" if column == 3 else "x" * 300
    assert pointed_out(source, 1, column) == (shown, f"{' ' * mark}^")
