"""Settings: those of a journey that the engine goes by, and whatever else somebody keeps there.

Source: the journeys contract, "Journeys".
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sojourn.api.common.misfits import misfits
from sojourn.api.journeys.envelope import Wire
from sojourn.model.graph import Conduct, Reentry
from sojourn.model.problems import Problem

OTHER_MAX = 100_000
"""Characters of settings that nobody here knows, as JSON."""

Mode = Literal["ONCE", "ALWAYS", "COOLDOWN"]


class ReentryWire(Wire, frozen=True, kw_only=True):
    """Whether people may come in again."""

    mode: Literal["once", "always", "cooldown"]
    cooldown_hours: Annotated[int, Meta(ge=1, le=87_600)] | UnsetType = UNSET


class KnownSettings(Wire, frozen=True, kw_only=True):
    """The settings that mean something here."""

    on_pause: Literal["continue", "hold"] | UnsetType = UNSET
    reentry: ReentryWire | UnsetType = UNSET
    exit_on_goal: bool | UnsetType = UNSET


KNOWN = frozenset({"onPause", "reentry", "exitOnGoal"})


def settings_problems(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Find what keeps settings from being kept."""
    known, other = _parted(document)
    yield from misfits(known, KnownSettings, path)
    if len(msgspec.json.encode(other)) > OTHER_MAX:
        yield Problem("settings.too_large", path, f"other settings have at most {OTHER_MAX} characters in all")


def read_settings(document: Mapping[str, Any]) -> Conduct:
    """Return what settings without problems say."""
    known, other = _parted(document)
    read = msgspec.convert(known, KnownSettings)
    return Conduct(
        on_pause=cast("Literal['CONTINUE', 'HOLD']", read.on_pause.upper()) if read.on_pause else None,
        reentry=_reentry(read.reentry) if read.reentry else None,
        exit_on_goal=None if read.exit_on_goal is UNSET else read.exit_on_goal,
        other=msgspec.json.encode(other).decode(),
    )


def _reentry(wire: ReentryWire) -> Reentry:
    hours = None if wire.cooldown_hours is UNSET else wire.cooldown_hours
    return Reentry(mode=cast("Mode", wire.mode.upper()), cooldown_hours=hours)


def write_settings(conduct: Conduct | None) -> dict[str, Any]:
    """Return the settings of a journey; of one that this dialect gave none, an empty object."""
    if conduct is None:
        return {}
    reentry = conduct.reentry
    known = KnownSettings(
        on_pause=cast("Literal['continue', 'hold']", conduct.on_pause.lower()) if conduct.on_pause else UNSET,
        reentry=UNSET if reentry is None or reentry.mode == "ENTRIES" else _reentry_wire(reentry),
        exit_on_goal=UNSET if conduct.exit_on_goal is None else conduct.exit_on_goal,
    )
    return {**_other(conduct.other), **msgspec.to_builtins(known)}


def _reentry_wire(reentry: Reentry) -> ReentryWire:
    mode = cast("Literal['once', 'always', 'cooldown']", reentry.mode.lower())
    return ReentryWire(mode=mode, cooldown_hours=reentry.cooldown_hours or UNSET)


def _other(text: str) -> dict[str, Any]:
    """Return what else is kept; the other dialect may have written what is no object."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return {}


def _parted(document: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    known = {name: value for name, value in document.items() if name in KNOWN}
    return known, {name: value for name, value in document.items() if name not in KNOWN}
