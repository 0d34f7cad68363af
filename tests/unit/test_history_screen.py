"""What the command line says of a person's past."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from sojourn.cli.apps import read_days, spelled
from sojourn.cli.history import headline
from sojourn.service.commands import JourneyRef, PointRef, TimelineEntry
from sojourn.service.errors import InvalidDocument

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
JOURNEY = JourneyRef(journey=UUID(int=1), title="Welcome")
HELLO = PointRef(point="", title="Hello", kind="send_email")
GONE = {"n": {"from": 1, "to": None}}
LEFT = {"outcome": "dropped", "reason": "no date"}
SENT = {"channel": "email", "status": "sent", "detail": None, "opened_at": AT, "clicked_at": None}


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (
            TimelineEntry(at=AT, kind="attributes", detail={"changes": {"n": {"from": None, "to": [1]}}}),
            "n: – → [1]",
        ),
        (
            TimelineEntry(at=AT, kind="attributes", journey=JOURNEY, detail={"changes": GONE}),
            "n: 1 → – (by Welcome)",
        ),
        (TimelineEntry(at=AT, kind="event", detail={"name": "buy", "data": {"n": 1}}), 'buy {"n":1}'),
        (TimelineEntry(at=AT, kind="enrollment", journey=JOURNEY, point=HELLO), "Welcome: came in at Hello"),
        (
            TimelineEntry(at=AT, kind="message", journey=JOURNEY, point=HELLO, detail=SENT),
            "Welcome: Hello email sent opened 2026-05-01 12:00:00",
        ),
        (
            TimelineEntry(at=AT, kind="departure", journey=JOURNEY, point=HELLO, detail=LEFT),
            "Welcome: dropped at Hello no date",
        ),
        (
            TimelineEntry(at=AT, kind="passage", journey=JOURNEY, detail={"version": 2, "values_known": False}),
            "Welcome, version 2 (values are not kept any more)",
        ),
    ],
)
def test_an_entry_in_one_line(entry: TimelineEntry, line: str) -> None:
    assert headline(entry) == line


def test_a_retention_in_words() -> None:
    assert [spelled(read_days(text, "--days")) for text in ("forever", "1000")] == ["ever", "1,000 days"]
    with pytest.raises(InvalidDocument):
        read_days("-1", "--days")
