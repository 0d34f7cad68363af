"""Plans: how a file is to be read, and which of its columns mean what."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec

from sojourn.service.errors import InvalidDocument

Subject = Literal["people", "events"]
Format = Literal["csv", "jsonl", "parquet"]
ValueType = Literal["boolean", "date", "integer", "list", "number", "string"]
VALUE_TYPES: tuple[ValueType, ...] = ("boolean", "date", "integer", "list", "number", "string")

WELL_KNOWN: Mapping[Subject, Mapping[str, tuple[str, ...]]] = {
    "people": {
        "user_id": ("user_id", "userid", "customer_id", "external_id", "id"),
        "email": ("email", "email_address", "e_mail", "mail"),
        "hwid": ("hwid", "device_id"),
        "anonymous_id": ("anonymous_id", "anonymousid"),
        "attributes": ("attributes",),
        "device_list": ("device_list",),
        "first_seen_at": ("first_seen_at",),
        "location.city": ("location.city",),
        "location.country": ("location.country",),
        "location.latitude": ("location.latitude",),
        "location.longitude": ("location.longitude",),
        "location.region": ("location.region",),
        "time_zone": ("time_zone", "timezone", "tz"),
        "language": ("language", "locale"),
    },
    "events": {
        "user_id": ("user_id", "userid", "customer_id", "external_id"),
        "email": ("email", "email_address", "e_mail", "mail"),
        "hwid": ("hwid", "device_id"),
        "anonymous_id": ("anonymous_id", "anonymousid"),
        "attributes": ("attributes",),
        "event": ("event", "event_name", "name"),
        "occurred_at": ("occurred_at", "timestamp", "time", "date", "created_at"),
        "source_id": ("source_id", "event_id", "message_id"),
    },
}
"""What a column may be called to be found without being named; the first name that a file has goes."""

SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".tsv": "csv",
    ".txt": "csv",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to import a file.

    Attributes:
        application_code: The app that people and events belong to.
        columns: Which column holds what, for those that are not called by a well-known name.
        attributes: Which column holds which attribute; None: every column left over, under its own name.
        types: Of attributes; a column without one is text in CSV, and as it is in the other formats.
        event: The name of all events, for files without such a column.
        is_history: Events go straight to the history: no journey reacts to them.
        delimiter: Between the cells of CSV; None: the one that the header uses.
        list_separator: Between the items of a list in one cell, unless the cell is a JSON array.
    """

    subject: Subject
    application_code: str
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    attributes: Mapping[str, str] | None = None
    types: Mapping[str, ValueType] = field(default_factory=dict[str, ValueType])
    event: str = ""
    is_history: bool = False
    delimiter: str | None = None
    list_separator: str = ";"

    def fingerprint(self, content_hash: bytes) -> str:
        """Name the import of some content in this way: the same again is the same import."""
        digest = blake2b(content_hash, digest_size=16)
        digest.update(msgspec.json.encode(self, order="deterministic"))
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one file by what they mean.

    Attributes:
        known: Column by meaning, such as `user_id`.
        attributes: Attribute by column; None: every column left over, under its own name. Where a column holds all
            attributes as an object, none is left over.
    """

    known: Mapping[str, str]
    attributes: Mapping[str, str] | None


def layout_of(plan: Plan, names: Iterable[str]) -> Layout:
    """Find out what the columns of a file mean.

    Raises:
        InvalidDocument: A column that the plan names is not in the file, or one that the subject needs is missing.
    """
    present = list(names)
    _refuse_repeated(present)
    choices = WELL_KNOWN[plan.subject]
    _refuse_unknown(plan, present)
    known = dict(plan.columns)
    taken = set(known.values()) | set((plan.attributes or {}).values())
    by_form = {_form(name): name for name in reversed(present) if name not in taken}
    for meaning, usual in choices.items():
        found = next((by_form[form] for form in usual if form in by_form), None)
        if meaning not in known and found is not None and not (meaning == "event" and plan.event):
            known[meaning] = found
    if not known.keys() & {"user_id", "email", "hwid", "anonymous_id"}:
        raise InvalidDocument(f"no column says who a row is about: {_shown(present)}; map `user_id` to one of them")
    if plan.subject == "events" and "event" not in known and not plan.event:
        raise InvalidDocument(f"no column holds the event's name: {_shown(present)}; map `event` to one, or name all")
    # Of JSON lines only the first rows were looked at: what these lack may come later, under its own name.
    late = choices.keys() - known.keys() - taken - set(present) - {"attributes"}
    known |= {meaning: meaning for meaning in late if not (meaning == "event" and plan.event)}
    attributes = None if plan.attributes is None else {column: name for name, column in plan.attributes.items()}
    if attributes is None and "attributes" in known:
        attributes = {}
    return Layout(known=known, attributes=attributes)


def format_of(path: Path) -> Format:
    """Tell the format of a file by its name.

    >>> format_of(Path("people.jsonl.gz")), format_of(Path("PEOPLE.CSV"))
    ('jsonl', 'csv')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    found = SUFFIXES.get(suffixes[-1]) if suffixes else None
    if found is None:
        raise InvalidDocument(f"`{path.name}`: a file is called {', '.join(SUFFIXES)}, with or without .gz")
    return found


def _refuse_repeated(present: list[str]) -> None:
    for name, count in Counter(present).items():
        if name and count > 1:
            raise InvalidDocument(f"{count} columns are called `{name}`; nothing says which of them counts")


def _refuse_unknown(plan: Plan, present: list[str]) -> None:
    meanings = WELL_KNOWN[plan.subject]
    for meaning in plan.columns:
        if meaning not in meanings:
            raise InvalidDocument(f"`{meaning}` is nothing to map; {plan.subject} have {', '.join(meanings)}")
    for column in (*plan.columns.values(), *(plan.attributes or {}).values()):
        if column not in present:
            raise InvalidDocument(f"the file has no column `{column}`: {_shown(present)}")
    names = set(present) if plan.attributes is None else set(plan.attributes)
    for name in plan.types:
        if name not in names and "attributes" not in present:
            raise InvalidDocument(f"`{name}` has a type but is no attribute of the file")


def _form(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _shown(names: list[str]) -> str:
    return f"the columns are {', '.join(names[:30])}" if names else "there are no columns"
