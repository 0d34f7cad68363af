"""Plans: what is to be exported, and what its columns are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sojourn.service.errors import InvalidDocument

Subject = Literal["enrollments", "events", "people"]
TextFormat = Literal["csv", "jsonl"]
Format = Literal["csv", "jsonl", "parquet"]

PERSON = ("user_id", "email", "hwid", "anonymous_id")

LOCATION = tuple(f"location.{name}" for name in ("country", "region", "city", "latitude", "longitude"))
"""Where a person was last seen."""

COLUMNS: Mapping[Subject, tuple[str, ...]] = {
    "enrollments": (
        "journey", "journey_title", *PERSON, "entry_point", "entered_at", "status", "reason", "point", "ended_at",
    ),
    "events": (*PERSON, "event", "occurred_at", "received_at", "application", "source_id", "attributes"),
    "people": (*PERSON, "time_zone", "language", *LOCATION, "first_seen_at", "device_list", "attributes"),
}  # fmt: skip
"""What each row has, in this order. The importer knows those of people and events by these names."""

SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}

BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
END = datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """What to export.

    Attributes:
        application_code: Of people, those who use the app; of events and enrollments, those of the app. None: of all.
        filter: In the segmentation language: only what concerns people who are in it.
        since: Of events when they occurred, of enrollments when they began, of people when they were first heard of.
        until: Before this.
        attributes: Of people and events: these, each in a column of its own; none: all, as one object.
    """

    subject: Subject
    application_code: str | None = None
    filter: str = ""
    since: datetime = BEGINNING
    until: datetime = END
    attributes: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        usual = COLUMNS[self.subject]
        return (*(name for name in usual if name != "attributes"), *self.attributes) if self.attributes else usual


def format_of(path: Path) -> Format:
    """Tell the format by the name of a file.

    >>> format_of(Path("people.jsonl.gz")), format_of(Path("PEOPLE.CSV"))
    ('jsonl', 'csv')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    found = SUFFIXES.get(suffixes[-1]) if suffixes else None
    if found is None or (found == "parquet" and path.suffix.lower() == ".gz"):
        raise InvalidDocument(f"`{path.name}`: a file is called {', '.join(SUFFIXES)}; the first four also with .gz")
    return found
