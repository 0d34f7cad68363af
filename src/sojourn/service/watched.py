"""Watched: what versions of journeys wait for on pages. A version never changes, so each is read once by a process."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from sojourn.model.points import AnyPoint, ElementClick, MessageBus, UrlMatch, WaitForTrigger

KNOWN_MAX = 100_000
"""Triggers of all versions that are remembered; each has a text or two."""

Version = tuple[int, int]
"""The numbers of a journey and of a version of it."""

_POINT = msgspec.json.Decoder(AnyPoint)


class Watch(Struct, frozen=True):
    """What a journey waits for on pages.

    Attributes:
        urls: The match type and the pattern of each trigger that waits for a page to be viewed.
        selectors: The elements whose clicks matter.
        events: The events that matter.
    """

    urls: tuple[tuple[str, str], ...] = ()
    selectors: tuple[str, ...] = ()
    events: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Return how much room this takes."""
        return 1 + len(self.urls) + len(self.selectors) + len(self.events)


def read_watch(points: Iterable[str]) -> Watch:
    """Return what some points, as JSON texts, wait for. Those that wait for nothing on a page do not matter."""
    read = [_POINT.decode(text) for text in points]
    return Watch(
        urls=tuple((point.match_type, point.pattern) for point in read if isinstance(point, UrlMatch)),
        selectors=tuple(point.selector for point in read if isinstance(point, ElementClick)),
        events=tuple(name for point in read for name in _events(point)),
    )


def _events(point: AnyPoint) -> Iterator[str]:
    match point:
        case MessageBus():
            yield point.event_name
        case WaitForTrigger():
            for branch in point.branches:
                for each in branch.events:
                    yield each.event_name
        case _:
            return


def merged(watches: Sequence[Watch], most: int) -> Watch:
    """Return what several journeys wait for, each thing once, and at most so many of a kind."""
    return Watch(
        urls=tuple(dict.fromkeys(url for watch in watches for url in watch.urls))[:most],
        selectors=tuple(dict.fromkeys(selector for watch in watches for selector in watch.selectors))[:most],
        events=tuple(dict.fromkeys(name for watch in watches for name in watch.events))[:most],
    )


class KnownWatches:
    """What this process has read. Where it would be too much, what was read first is forgotten."""

    def __init__(self, *, known_max: int = KNOWN_MAX) -> None:
        self._known_max = known_max
        self._known: dict[Version, Watch] = {}
        self._size = 0

    def of(self, versions: Iterable[Version]) -> dict[Version, Watch]:
        """Return those of the versions that are known."""
        return {version: self._known[version] for version in versions if version in self._known}

    def remember(self, read: Mapping[Version, Watch]) -> None:
        """Remember what was read of versions."""
        for version, watch in read.items():
            if version not in self._known:
                self._known[version] = watch
                self._size += watch.size
        while self._size > self._known_max:
            first = next(iter(self._known))
            self._size -= self._known.pop(first).size
