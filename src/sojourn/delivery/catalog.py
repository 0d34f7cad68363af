"""Catalog: what messages are made from: the points of journey versions, presets, and channel settings.

Versions never change, so they are kept; the rest is read anew for each batch.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import msgspec
import structlog

from sojourn.model.graph import Graph, Settings, SilentHours
from sojourn.model.points import SendEmail, Webhook
from sojourn.model.silence import after_silence, zone_of
from sojourn.store.connection import Conn
from sojourn.store.delivery import (
    Channel,
    ChannelSettingRow,
    ClaimedMessage,
    JourneyVersionRow,
    read_channel_settings,
    read_journey_versions,
    read_presets,
)

Sender = SendEmail | Webhook

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PointOfMessage:
    """A point that makes messages.

    Attributes:
        holds_people: Whether enrollments stay at it until the outcome is known.
    """

    point: Sender
    holds_people: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What messages need of a journey version. `points` is empty for a graph that cannot be read.

    Attributes:
        silences: When messages do not go out, by channel.
    """

    journey_uuid: str
    workspace_id: int
    app_id: int
    application_code: str
    points: Mapping[int, PointOfMessage]
    silences: Mapping[Channel, SilentHours]

    def earliest(self, message: ClaimedMessage, channel: Channel) -> datetime:
        """Return when a message could go at the earliest: as it came, or when the silence it came in was over."""
        hours = self.silences.get(channel)
        if hours is None or hours.policy != "WAIT":
            return message.created_at
        return after_silence(hours, zone_of(hours, message.time_zone), message.created_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """Everything that a batch of messages is made from."""

    versions: Mapping[tuple[int, int], Version]
    presets: Mapping[tuple[int, str], Any]
    settings: Mapping[int, ChannelSettingRow]

    def point_of(self, message: ClaimedMessage) -> tuple[Version, PointOfMessage] | None:
        """Return where a message comes from; None when that is gone."""
        version = self.versions.get((message.journey_id, message.version_no))
        point = None if version is None else version.points.get(message.point_no)
        return None if version is None or point is None else (version, point)


class Catalog:
    """Reads briefings, and keeps the versions used last."""

    def __init__(self, capacity: int = 500) -> None:
        self._capacity = capacity
        self._versions: OrderedDict[tuple[int, int], Version] = OrderedDict()

    async def brief(self, conn: Conn, messages: Iterable[ClaimedMessage], channel: Channel) -> Briefing:
        """Return what these messages are made from."""
        keys = sorted({(message.journey_id, message.version_no) for message in messages})
        await self._read_missing(conn, keys)
        versions = {key: self._versions[key] for key in keys if key in self._versions}
        codes = sorted(
            {(version.workspace_id, code) for version in versions.values() for code in _preset_codes(version)}
        )
        presets = (
            await read_presets(conn, workspace_ids=[id_ for id_, _ in codes], codes=[code for _, code in codes])
            if codes
            else []
        )
        app_ids = sorted({version.app_id for version in versions.values()})
        settings = await read_channel_settings(conn, app_ids=app_ids, channel=channel)
        self._forget_oldest()
        return Briefing(
            versions=versions,
            presets={(row.workspace_id, row.code): row.content for row in presets},
            settings={row.app_id: row for row in settings},
        )

    async def _read_missing(self, conn: Conn, keys: list[tuple[int, int]]) -> None:
        missing = [key for key in keys if key not in self._versions]
        if missing:
            rows = await read_journey_versions(
                conn, journey_ids=[journey_id for journey_id, _ in missing], version_nos=[no for _, no in missing]
            )
            self._versions.update({(row.journey_id, row.version_no): _version(row) for row in rows})
        for key in keys:
            if key in self._versions:
                self._versions.move_to_end(key)

    def _forget_oldest(self) -> None:
        while len(self._versions) > self._capacity:
            self._versions.popitem(last=False)


def _version(row: JourneyVersionRow) -> Version:
    graph = _graph(row)
    return Version(
        journey_uuid=str(row.journey_uuid),
        workspace_id=row.workspace_id,
        app_id=row.app_id,
        application_code=row.application_code,
        points={} if graph is None else _points(graph, row.point_uuids),
        silences={} if graph is None else _silences(graph.settings),
    )


def _graph(row: JourneyVersionRow) -> Graph | None:
    try:
        return msgspec.json.decode(row.graph, type=Graph)
    except (msgspec.DecodeError, ValueError) as problem:
        _log.error("delivery.graph_unreadable", journey=row.journey_id, version=row.version_no, problem=str(problem))
        return None


def _silences(chosen: Settings) -> dict[Channel, SilentHours]:
    channels: tuple[Channel, ...] = get_args(Channel)
    return {channel: hours for channel in channels if (hours := chosen.silence(channel)) is not None}


def _points(graph: Graph, numbers: Mapping[str, str]) -> dict[int, PointOfMessage]:
    by_id = {point.id: point for point in graph.points}
    with_failure_output = {edge.from_ for edge in graph.edges if edge.output == "output1"}
    found: dict[int, PointOfMessage] = {}
    for number, point_id in numbers.items():
        match by_id.get(point_id):
            case SendEmail() as point:
                found[int(number)] = PointOfMessage(point=point, holds_people=False)
            case Webhook() as point:
                holds = point.wait_for_response or bool(point.save_response) or point.id in with_failure_output
                found[int(number)] = PointOfMessage(point=point, holds_people=holds)
            case _:
                pass  # makes no messages
    return found


def _preset_codes(version: Version) -> set[str]:
    points = (known.point for known in version.points.values())
    return {point.preset_code for point in points if isinstance(point, SendEmail) and point.preset_code is not None}
