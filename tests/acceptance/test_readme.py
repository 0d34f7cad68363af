"""What the README promises: people move, emails arrive, and a second run doubles nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.acceptance.processes import free_ports, sojourn

PEOPLE = 1500


class Inbox:
    """Takes every email and remembers for whom it was."""

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.subjects: set[str] = set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.recipients += envelope.rcpt_tos
        content = envelope.content or b""
        lines = content.splitlines() if isinstance(content, bytes) else []
        self.subjects.update(line.decode() for line in lines if line.startswith(b"Subject:"))
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[tuple[str, Inbox]]:
    inbox, port = Inbox(), free_ports(1)[0]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}", inbox
    controller.stop()


@pytest.mark.timeout(900)
def test_the_demonstration_moves_people_and_sends_what_it_counts(tmp_path: Path, mail: tuple[str, Inbox]) -> None:
    url, inbox = mail
    data_dir = tmp_path / "data"

    first = demo(data_dir, url)

    assert first.returncode == 0, first.stderr
    for shown in (f"imported {PEOPLE:,} of {PEOPLE:,} rows", "Welcome series", "Order follow-up", "http://127.0.0.1:"):
        assert shown in first.stdout
    numbers = statistics(data_dir)
    assert numbers["Welcome series"]["entered"] == PEOPLE
    assert numbers["Order follow-up"]["entered"] == 300
    for each in numbers.values():
        assert each["entered"] == each["inside"] + sum(each["departed"].values())
        assert each["inside"] == 0
    thanked, reminded = (sent(numbers[title]) for title in ("Welcome series", "Order follow-up"))
    assert thanked > 100
    assert reminded > 10
    assert len(inbox.recipients) == thanked + reminded
    assert len(set(inbox.recipients)) >= thanked

    second = demo(data_dir, url)

    assert second.returncode == 0, second.stderr
    assert second.stdout.count("imported before") == 2
    assert "created" not in second.stdout
    assert statistics(data_dir) == numbers
    assert len(inbox.recipients) == thanked + reminded

    healthy = sojourn("doctor", "--data-dir", data_dir)
    assert healthy.returncode == 0, healthy.stdout
    for journey in numbers.values():
        explained = sojourn("journey", "explain", journey["journey"], "--analyze", "--data-dir", data_dir)
        assert explained.returncode == 0, explained.stderr
        for shown in ('"points"', "left_1_", " <- ", "as materialized (", "Execution Time"):
            assert shown in explained.stdout


def demo(data_dir: Path, smtp_url: str) -> Any:
    port, grpc_port = free_ports()
    return sojourn(
        "demo", "--once", "--data-dir", data_dir, "--port", port, "--grpc-port", grpc_port, "--people", PEOPLE,
        SOJOURN_SMTP_URL=smtp_url,
    )  # fmt: skip


def statistics(data_dir: Path) -> dict[str, Any]:
    listed = sojourn("journey", "list", "--json", "--data-dir", data_dir)
    assert listed.returncode == 0, listed.stderr
    found: dict[str, Any] = {}
    for journey in json.loads(listed.stdout)["items"]:
        shown = sojourn("journey", "stats", journey["journey"], "--json", "--data-dir", data_dir)
        found[journey["title"]] = json.loads(shown.stdout)
    return found


def sent(numbers: dict[str, Any]) -> int:
    return sum(point["messages"].get("sent", 0) for point in numbers["points"])


def test_without_the_examples_the_demonstration_says_where_it_looked(tmp_path: Path) -> None:
    refused = sojourn("demo", "--once", "--data-dir", tmp_path / "data", "--examples", tmp_path)
    assert refused.returncode == 1
    assert str(tmp_path / "data" / "cdnow_master.txt.gz") in refused.stderr
