"""Surroundings: what calls said of people by the way. Browsers say it with every call, so it is not always repeated."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sojourn.model.identities import Identity
from sojourn.service.commands import Surroundings

KNOWN_FOR = timedelta(hours=1)
"""How long the same is not said again. What somebody else says meanwhile stands for so long at most."""

KNOWN_MAX = 50_000
"""People of whom it is remembered."""


class KnownSurroundings:
    """What was last said of people, as far as this process knows."""

    def __init__(self) -> None:
        self._known: dict[Identity, tuple[Surroundings, datetime]] = {}

    def is_known(
        self, lead: Identity, said: Surroundings, just_said: Mapping[Identity, Surroundings], now: datetime
    ) -> bool:
        """Tell whether this was the last that was said of a person, just now or within the hour."""
        if lead in just_said:
            return just_said[lead] == said
        known = self._known.get(lead)
        return known is not None and now - known[1] < KNOWN_FOR and known[0] == said

    def remember(self, said: Mapping[Identity, Surroundings], now: datetime) -> None:
        """Remember what has become durable."""
        if not said:
            return
        if len(self._known) + len(said) > KNOWN_MAX:
            self._known.clear()
        self._known |= {lead: (surroundings, now) for lead, surroundings in said.items()}
