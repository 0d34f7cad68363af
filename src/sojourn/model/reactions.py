"""Reactions: what becomes of a message once it is sent, and what a person does with it."""

from typing import Literal

Reaction = Literal["delivered", "opened", "clicked"]

MESSAGE_DELIVERED, MESSAGE_OPENED, MESSAGE_CLICKED = "message_delivered", "message_opened", "message_clicked"
EVENT_NAMES: dict[Reaction, str] = {
    "delivered": MESSAGE_DELIVERED,
    "opened": MESSAGE_OPENED,
    "clicked": MESSAGE_CLICKED,
}
"""The event that stands for the first reaction of each kind to a message."""
