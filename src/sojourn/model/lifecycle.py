"""Lifecycle: which command leads a journey from which status to which, and what that does to the people inside.

One table for both dialects. Source: the gateway contract, "Transitions", and the design's lifecycle table.
"""

from typing import Literal

from msgspec import Struct

Status = Literal["draft", "running", "paused", "finished", "archived"]
Command = Literal["start", "pause", "finish", "draft", "archive"]
Inside = Literal["unchanged", "held", "resumed", "stopped"]
"""What happens to the people inside."""


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
)


def transition(command: Command, status: Status) -> Transition | None:
    """Return the transition that `command` makes from `status`, or None where it is refused."""
    return next((t for t in TRANSITIONS if (t.command, t.from_) == (command, status)), None)
