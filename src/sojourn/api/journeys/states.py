"""States: what the states of a journey, and the steps between them, are called here. docs/states.md has the table."""

from typing import Literal

from sojourn.model.lifecycle import Status
from sojourn.model.problems import SojournError
from sojourn.service.errors import InvalidState

JourneyStatus = Literal["DRAFT", "PUBLISHED", "PAUSED", "ARCHIVED"]

STATUSES: dict[Status, JourneyStatus] = {
    "draft": "DRAFT",
    "running": "PUBLISHED",
    "paused": "PAUSED",
    "finished": "ARCHIVED",
    "archived": "ARCHIVED",
}
STEPS: dict[str, str] = {"start": "publish", "close": "pause", "discard": "archive"}
"""Commands that are called otherwise here."""


def state_text(error: SojournError) -> str:
    """Say an error; of a step that the status forbids, with the names of both.

    >>> state_text(InvalidState(command="close", status="running"))
    'cannot pause journey in status PUBLISHED'
    """
    if not isinstance(error, InvalidState) or error.status is None:
        return error.text
    return f"cannot {STEPS.get(error.command, error.command)} journey in status {STATUSES[error.status]}"
