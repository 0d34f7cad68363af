"""Notices: what a request says about one person, in the form in which it is accepted."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from sojourn.model.identities import Identity, Person
from sojourn.store.inbox import InboxKind, InboxRow, Letter

NAMES_DEVICE = frozenset({"enroll", "event"})
"""Kinds of rows that may enroll, so that it matters through which device they came."""


class Word(Struct, frozen=True, kw_only=True):
    """One row for a person's inbox, before it is known where that is. `data` is JSON text; `occurred_at` None: now.

    A Struct, like `Notice` and `InboxRow`, though it never leaves the process: tens of thousands are made a second, and
    a frozen dataclass takes several times as long.
    """

    kind: InboxKind
    data: str
    name: str | None = None
    source_id: str | None = None
    occurred_at: datetime | None = None


class Notice(Struct, frozen=True, kw_only=True):
    """What one request says about one person.

    Attributes:
        identities: The first decides who the person is; the others become theirs.
        words: In the order in which they are to be applied.
        attributes: Those of an event, whose entries may name other people to enroll.
        joins_users: Whether another user id among the identities means that both users are one person.
    """

    workspace_id: int
    app_id: int | None
    identities: tuple[Identity, ...]
    words: tuple[Word, ...]
    attributes: Mapping[str, Any] = {}
    joins_users: bool = False

    @property
    def device(self) -> str | None:
        """Return the device, address or visitor's id that the request named."""
        for identity in self.identities:
            if identity.kind != "user_id":
                return identity.value
        return None

    def rows(self, person: Person, now: datetime) -> Iterable[InboxRow]:
        """Address the words to the person."""
        device = self.device
        return (
            InboxRow(
                shard=person.shard,
                kind=word.kind,
                workspace_id=self.workspace_id,
                app_id=self.app_id,
                profile_id=person.profile_id,
                name=word.name,
                data=word.data,
                source_id=word.source_id,
                hwid=device if word.kind in NAMES_DEVICE else None,
                occurred_at=word.occurred_at or now,
            )
            for word in self.words
        )

    def letters(self) -> Iterable[Letter]:
        """Address the words by the first two names, while it is not known where the person is."""
        lead, device = self.identities[0], self.device
        other = self.identities[1] if len(self.identities) > 1 else None
        return [
            Letter(
                lead=lead,
                other=other,
                kind=word.kind,
                workspace_id=self.workspace_id,
                app_id=self.app_id,
                name=word.name,
                data=word.data,
                source_id=word.source_id,
                hwid=device if word.kind in NAMES_DEVICE else None,
                occurred_at=word.occurred_at,
            )
            for word in self.words
        ]


def look_rows(people: Iterable[Person], *, workspace_id: int, now: datetime) -> list[InboxRow]:
    """Return the rows that have live audiences look at people whose data is written past the inbox."""
    by_shard: dict[int, set[int]] = {}
    for person in people:
        by_shard.setdefault(person.shard, set()).add(person.profile_id)
    return [
        InboxRow(
            shard=shard,
            kind="look",
            workspace_id=workspace_id,
            data=json_text({"people": sorted(numbers)}),
            occurred_at=now,
        )
        for shard, numbers in sorted(by_shard.items())
    ]


def json_text(value: Any) -> str:  # noqa: ANN401 - whatever JSON can say
    """Encode a value as JSON text."""
    return msgspec.json.encode(value).decode()
