"""Reactions: what a person does with a message."""

from typing import Literal

Reaction = Literal["opened", "clicked"]

MESSAGE_OPENED, MESSAGE_CLICKED = "message_opened", "message_clicked"
EVENT_NAMES: dict[Reaction, str] = {"opened": MESSAGE_OPENED, "clicked": MESSAGE_CLICKED}
"""The event that stands for the first reaction of each kind to a message."""
