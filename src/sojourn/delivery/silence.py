"""Silence: which of the messages that are to go now fall into silent hours. Time is an argument.

The tick makes messages due after the silence. One may come into it all the same: behind a send rate, when its journey
runs again after a pause, at a further try.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sojourn.delivery.catalog import Briefing
from sojourn.delivery.compose import Rejection
from sojourn.model.graph import SilentHours
from sojourn.model.schedule import ZoneName
from sojourn.model.silence import after_silence, zone_of
from sojourn.store.delivery import Channel, ClaimedMessage

SKIPPED = Rejection(status="skipped", reason="silent hours", detail="the message came in silent hours")


@dataclass(frozen=True, slots=True)
class Silenced:
    """The messages of a batch that do not go now.

    Attributes:
        waiting: Until when, by id.
        skipped: Those that never go.
    """

    waiting: dict[int, datetime] = field(default_factory=dict[int, datetime])
    skipped: set[int] = field(default_factory=set[int])

    def __contains__(self, message_id: int) -> bool:
        """Tell whether a message does not go now."""
        return message_id in self.waiting or message_id in self.skipped


def silenced(messages: Sequence[ClaimedMessage], briefing: Briefing, channel: Channel, now: datetime) -> Silenced:
    """Part the messages that fall into silent hours at `now` from the others. People share a handful of zones."""
    found = Silenced()
    ends: dict[tuple[SilentHours, ZoneName], datetime] = {}
    for message in messages:
        hours = _silence_of(message, briefing, channel)
        if hours is None:
            continue
        key = (hours, zone_of(hours, message.time_zone))
        if key not in ends:
            ends[key] = after_silence(*key, now)
        if ends[key] == now:
            continue
        if hours.policy == "SKIP":
            found.skipped.add(message.message_id)
        else:
            found.waiting[message.message_id] = ends[key]
    return found


def _silence_of(message: ClaimedMessage, briefing: Briefing, channel: Channel) -> SilentHours | None:
    """Return when a message does not go. A call that somebody waits for, once begun, is brought to its end."""
    origin = briefing.point_of(message)
    if origin is None or (origin[1].holds_people and message.attempt > 1):
        return None
    return origin[0].silences.get(channel)
