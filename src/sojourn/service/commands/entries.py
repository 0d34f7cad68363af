"""Commands and replies: people in and out of journeys."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct


class EnrollByApi(Struct, frozen=True, kw_only=True):
    """Send people to the API entry of a running journey. Exactly one of the four selectors. Reply: `EntryAccepted`.

    Attributes:
        is_paced: Refused within a minute after another request of this kind for the same entry point.

    Raises (in this order): BadSelector, JourneyNotFound, JourneyNotRunning, NoApiEntry, SeveralApiEntries,
    EntryDeactivated, UnknownAttribute, InvalidFilter, TooManyRequests.
    """

    journey: str
    users: tuple[str, ...] = ()
    hwids: tuple[str, ...] = ()
    anonymous_ids: tuple[str, ...] = ()
    filter: str = ""
    is_paced: bool = True
    attribute_values: Mapping[str, str] = {}
    idempotency_key: str = ""


class EntryAccepted(Struct, frozen=True, kw_only=True):
    """The durable promise to enroll."""

    request_uuid: UUID


class GetEntryRequest(Struct, frozen=True, kw_only=True):
    """Reply: `EntryOutcome`."""

    journey: str
    request_uuid: UUID


class EntryOutcome(Struct, frozen=True, kw_only=True):
    """What became of a request to enroll.

    Attributes:
        accepted: People named; None while a filter has not been evaluated everywhere.
        refused: Count per reason.
    """

    request_uuid: UUID
    accepted: int | None
    entered: int
    refused: Mapping[str, int]


class DropPeople(Struct, frozen=True, kw_only=True):
    """Take people out of the journeys named, or of all of the workspace. Reply: `Done`."""

    user_ids: tuple[str, ...]
    journeys: tuple[str, ...] = ()
    all_journeys: bool = False


class ChooseWinner(Struct, frozen=True, kw_only=True):
    """Send everybody who comes to a random splitter later by `output`; empty: let them draw again. Reply: `Done`."""

    journey: str
    point: str
    output: str = ""
