"""Inbound webhooks on the command line."""

import json
from pathlib import Path

from typer.testing import CliRunner

from sojourn.cli.main import app
from tests.service.test_exporting import run, workspace

__all__ = ["workspace"]

DEFINITION = {
    "title": "Shop",
    "identifier_path": "customer.email",
    "identifier_kind": "email",
    "event_name": "order",
    "attributes": {"total": "total"},
    "verification": {"scheme": "hmac", "name": "X-Signature"},
}


def refused(url: str, *arguments: str, text: str = "") -> str:
    result = CliRunner().invoke(app, ["webhooks", *arguments, "--database-url", url], input=text)
    assert result.exit_code == 1, result.output
    return result.output


def test_a_webhook_lives_its_life_on_the_command_line(workspace: str, tmp_path: Path) -> None:
    file, payload = tmp_path / "shop.json", tmp_path / "order.json"
    file.write_text(json.dumps(DEFINITION))
    payload.write_text(json.dumps({"customer": {"email": "ada@e.ex"}, "total": 9}))
    assert json.loads(run(workspace, "webhooks", "list", "--json")) == []

    made = json.loads(run(workspace, "webhooks", "create", str(file)))

    assert (made["application"], made["title"], made["has_secret"]) == ("AAAAA-11111", "Shop", True)
    assert made["path"].endswith(made["id"])
    assert made["secret"]
    [listed] = json.loads(run(workspace, "webhooks", "list", "--json"))
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    table = run(workspace, "webhooks", "list")
    assert all(word in table for word in (made["id"], "Shop", "hmac"))
    assert made["secret"] not in table
    tried = json.loads(run(workspace, "webhooks", "test", made["id"], str(payload)))
    [event] = tried["events"]
    assert (event["name"], event["attributes"], tried["passed_over"]) == ("order", {"total": 9}, 0)
    assert f"webhook {made['id']} is deleted" in run(workspace, "webhooks", "delete", made["id"])
    assert "not found" in refused(workspace, "delete", made["id"])


def test_a_definition_that_is_wrong_is_refused_with_all_that_is(workspace: str, tmp_path: Path) -> None:
    said = refused(workspace, "create", "-", text=json.dumps({"titel": "Shop", "identifier_kind": "name"}))
    assert all(word in said for word in ("titel", "title", "identifier_kind", "identifier_path"))
    assert "JSON" in refused(workspace, "create", "-", text="{")
    assert "no such file" in refused(workspace, "create", str(tmp_path / "none.json"))
