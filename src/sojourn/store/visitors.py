"""Visitors: where the people on the pages of a site are in its journeys. Decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.model.contents import ContentKind
from sojourn.model.public_ids import Place
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class VisitorRow:
    """An enrollment of a visitor, what is to be seen there now, and how it ended.

    Attributes:
        named: The shard and number by which the world knows the enrollment.
        since: None where the enrollment has ended.
        point: The content point at which it is, if it is at one and people move on from there now.
        content: What it shows, if that is published.
        outcome: None where the enrollment goes on.
    """

    profile_id: int
    named: Place
    journey: UUID
    since: datetime | None
    point: UUID | None
    content: UUID | None
    kind: ContentKind | None
    document: Mapping[str, Any] | None
    outcome: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReportedStay:
    """What a report is about. `since` None: the enrollment is not there any more, or has been let go."""

    profile_id: int
    journey_id: int
    journey: UUID
    point_no: int
    since: datetime | None
    content_id: str | None
    content_type: str | None


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """What pages need to know of their site.

    Attributes:
        versions: Of its journeys that run: the number of the journey, and that of its version.
    """

    tenant: UUID
    site: UUID
    title: str
    settings: Mapping[str, Any]
    default_locale: str
    versions: Sequence[tuple[int, int]]


async def visitors_journeys(
    conn: Conn, *, shard: int, app_id: int, profile_ids: Sequence[int], ended_after: datetime
) -> list[VisitorRow]:
    """Return where visitors of one shard are in the journeys of a site, and which ended after an instant."""
    values = {"shard": shard, "app_id": app_id, "profile_ids": list(profile_ids), "ended_after": ended_after}
    cursor = await conn.execute(QUERIES["visitors_journeys"], values)
    return [
        VisitorRow(profile_id, (shard, number), *row) for profile_id, shard, number, *row in await cursor.fetchall()
    ]


async def find_report(conn: Conn, place: Place, *, app_id: int, point: UUID) -> ReportedStay | None:
    """Return what a report is about; None where the site has no such enrollment, or its journey no such point."""
    shard, enrollment_id = place
    values = {"shard": shard, "app_id": app_id, "enrollment_id": enrollment_id, "point": point}
    row = await (await conn.execute(QUERIES["find_report"], values)).fetchone()
    return None if row is None else ReportedStay(*row)


async def site_config(conn: Conn, *, app_id: int) -> StoredConfig:
    """Return what pages need to know of their site."""
    row = await (await conn.execute(QUERIES["site_config"], {"app_id": app_id})).fetchone()
    assert row is not None, "a key is one of an app"
    *said, journey_ids, version_nos = row
    return StoredConfig(*said, versions=tuple(zip(journey_ids, version_nos, strict=True)))


async def version_triggers(
    conn: Conn, *, versions: Sequence[tuple[int, int]]
) -> Mapping[tuple[int, int], Sequence[str]]:
    """Return the points of versions of journeys that wait for what pages tell of, as JSON texts."""
    values = {
        "journey_ids": [journey_id for journey_id, _ in versions],
        "version_nos": [version_no for _, version_no in versions],
    }
    found: dict[tuple[int, int], list[str]] = {}
    for journey_id, version_no, point in await (await conn.execute(QUERIES["version_triggers"], values)).fetchall():
        found.setdefault((journey_id, version_no), []).append(point)
    return found
