"""Rows: what an export says about a person, an event or an enrollment, by column."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sojourn.service.exporting.plan import LOCATION, ExportPlan, Subject

Cells = dict[str, Any]

_KINDS: Mapping[str, str] = {"anonymous_id": "anonymous_id", "email": "email", "hwid": "hwid", "phone": "hwid"}
"""Kind of an identity to its column; a phone number is a hwid to whoever reads it."""


def cells_of(plan: ExportPlan) -> Callable[[Sequence[Any]], Cells]:
    """Return what makes the cells of a row out of what the database says."""
    make = _MAKERS[plan.subject]
    if not plan.attributes:
        return make

    def chosen(row: Sequence[Any]) -> Cells:
        cells = make(row)
        attributes = msgspec.json.decode(cells.pop("attributes"), type=dict[str, Any])
        return cells | {name: attributes.get(name) for name in plan.attributes}

    return chosen


def names_of(user_id: str | None, identities: Iterable[Sequence[str]] | None) -> Cells:
    """Return the names of a person, of each kind one or a list; the user id they are known by goes first."""
    names: dict[str, list[str]] = {"user_id": [] if user_id is None else [user_id]}
    for kind, value in identities or ():
        listed = names.setdefault(_KINDS.get(kind, kind), [])
        if value not in listed:
            listed.append(value)
    return {
        column: None if not (found := names.get(column)) else found[0] if len(found) == 1 else found
        for column in ("user_id", "email", "hwid", "anonymous_id")
    }


def _names(user_id: str | None, identities: Iterable[Sequence[str]] | None) -> Cells:
    """Return the names of a person as an import reads them: what alone would be read differently is a list of one."""
    return {
        column: [name] if isinstance(name, str) and (name != name.strip() or name.startswith("[")) else name
        for column, name in names_of(user_id, identities).items()
    }


def _people(row: Sequence[Any]) -> Cells:
    _, attributes, time_zone, language, location, created_at, user_id, identities, devices = row
    return _names(user_id, identities) | {
        "time_zone": time_zone,
        "language": language,
        **_place(location),
        "first_seen_at": _text(created_at),
        "device_list": devices or [],
        "attributes": msgspec.Raw(attributes.encode()),
    }


def _place(location: Mapping[str, Any] | None) -> Cells:
    return {column: None if location is None else location.get(column.partition(".")[2]) for column in LOCATION}


def _events(row: Sequence[Any]) -> Cells:
    _, name, occurred_at, received_at, application_code, source_id, data, user_id, identities = row
    return _names(user_id, identities) | {
        "event": name,
        "occurred_at": _text(occurred_at),
        "received_at": _text(received_at),
        "application": application_code,
        "source_id": source_id,
        "attributes": msgspec.Raw(data.encode()),
    }


def _enrollments(row: Sequence[Any]) -> Cells:
    _, journey, title, entry, entered_at, status, reason, point, ended_at, user_id, identities = row
    return {
        "journey": journey,
        "journey_title": title,
        **_names(user_id, identities),
        "entry_point": entry,
        "entered_at": _text(entered_at),
        "status": status,
        "reason": reason,
        "point": point,
        "ended_at": _text(ended_at),
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


_MAKERS: Mapping[Subject, Callable[[Sequence[Any]], Cells]] = {
    "enrollments": _enrollments,
    "events": _events,
    "people": _people,
}
