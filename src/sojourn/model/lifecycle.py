"""Lifecycle: which command leads a journey from which status to which, and what that does to the people inside.

One table for both dialects: what happens inside follows the command, and so the dialect that it was given in. Source:
the gateway contract, "Transitions"; the journeys contract; the design's lifecycle table.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Status = Literal["draft", "running", "paused", "finished", "archived"]
Command = Literal["start", "pause", "finish", "draft", "archive", "close", "discard", "restore", "unpublish"]
"""`start` is `publish` in the journeys dialect, `close` its `pause`, `discard` its `archive`."""

Inside = Literal["unchanged", "held", "closed", "resumed", "stopped"]
"""What happens to the people inside; `closed`: they go on, although nobody comes in any more."""


class Transition(Struct, frozen=True):
    """One allowed change of status."""

    command: Command
    from_: Status
    to: Status
    inside: Inside


TRANSITIONS: tuple[Transition, ...] = (
    Transition("start", "draft", "running", "resumed"),
    Transition("start", "paused", "running", "resumed"),
    Transition("pause", "running", "paused", "held"),
    Transition("finish", "running", "finished", "stopped"),
    Transition("finish", "paused", "finished", "stopped"),
    Transition("draft", "paused", "draft", "held"),
    Transition("draft", "archived", "draft", "unchanged"),
    Transition("archive", "draft", "archived", "stopped"),
    Transition("archive", "paused", "archived", "stopped"),
    Transition("archive", "finished", "archived", "unchanged"),
    Transition("close", "running", "paused", "closed"),
    Transition("discard", "draft", "archived", "stopped"),
    Transition("discard", "running", "archived", "stopped"),
    Transition("discard", "paused", "archived", "stopped"),
    Transition("discard", "finished", "archived", "unchanged"),
    Transition("restore", "finished", "draft", "unchanged"),
    Transition("restore", "archived", "draft", "unchanged"),
    Transition("unpublish", "running", "draft", "closed"),
    Transition("unpublish", "paused", "draft", "unchanged"),
)


def transition(command: Command, status: Status, *, holds: bool = False) -> Transition | None:
    """Return the transition that `command` makes from `status`, or None where it is refused.

    `holds` is what the journey says of who is inside when it is closed: they are held.
    """
    found = next((t for t in TRANSITIONS if (t.command, t.from_) == (command, status)), None)
    if found is not None and found.command == "close" and holds:
        return replace(found, inside="held")
    return found
