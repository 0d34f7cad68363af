"""The past: attributes of a person as they were, found by taking back what has changed since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sojourn.store.history import Change, PassageRow

Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """One person.

    Attributes:
        present: Their attributes now.
        changes: What changed, newest first.
        known_since: Before this, not all changes are known.
    """

    present: Mapping[str, Any]
    changes: Sequence[Change]
    known_since: datetime

    def knows(self, at: datetime) -> bool:
        """Tell whether the attributes at an instant are known."""
        return at >= self.known_since

    def before(self, walk: PassageRow) -> Attributes:
        """Return the attributes that a walk set out with: what the tick had made of them by then."""
        return taken_back(self.present, [each for each in self.changes if _is_later(each, walk) or _is_of(each, walk)])

    def after(self, walk: PassageRow) -> Attributes:
        """Return the attributes that a walk left behind."""
        return taken_back(self.present, [each for each in self.changes if _is_later(each, walk)])


def taken_back(attributes: Mapping[str, Any], changes: Iterable[Change]) -> Attributes:
    """Return attributes as they were before changes, which are given newest first.

    >>> at = datetime(2026, 5, 1)
    >>> taken_back({"a": 2, "b": 1}, [Change(at, 1, None, {"a": {"from": 1, "to": 2}, "b": {"from": None, "to": 1}})])
    {'a': 1}
    """
    result = dict(attributes)
    for change in changes:
        for tag, values in change.changes.items():
            if values["from"] is None:
                result.pop(tag, None)
            else:
                result[tag] = values["from"]
    return result


def _is_later(change: Change, walk: PassageRow) -> bool:
    return (change.at, change.change_no) > (walk.at, walk.no)


def _is_of(change: Change, walk: PassageRow) -> bool:
    """Tell whether a walk made a change: its number lies between those of the walk before and of the walk."""
    is_own = change.enrollment_id == walk.enrollment_id and change.at == walk.at
    return is_own and (walk.before_no or 0) < change.change_no < walk.no
