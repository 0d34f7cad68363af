"""Commands and replies: webhooks from third parties."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from sojourn.model.hooks import Rule, Verification


class WebhookDraft(Struct, frozen=True, kw_only=True):
    """What an operator writes of an inbound webhook. An empty secret: the one there is, or else a new one."""

    application_code: str
    title: str
    rule: Rule
    verification: Verification = Verification()
    secret: str = ""

    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"WebhookDraft(title={self.title!r})"


class CreateWebhook(Struct, frozen=True, kw_only=True):
    """Set up an inbound webhook. Reply: `Webhook`."""

    draft: WebhookDraft


class UpdateWebhook(Struct, frozen=True, kw_only=True):
    """Replace an inbound webhook's definition. Reply: `Webhook`."""

    public_id: str
    draft: WebhookDraft


class GetWebhook(Struct, frozen=True, kw_only=True):
    """Reply: `Webhook`."""

    public_id: str


class ListWebhooks(Struct, frozen=True, kw_only=True):
    """Reply: `WebhookList`."""


class DeleteWebhook(Struct, frozen=True, kw_only=True):
    """Delete an inbound webhook: what is posted to it from now on is refused. Reply: `Done`."""

    public_id: str


class TryWebhook(Struct, frozen=True, kw_only=True):
    """Ask what a payload would become. Nothing is stored. Reply: `model.hooks.Reading`."""

    public_id: str
    payload: Any


class Webhook(Struct, frozen=True, kw_only=True):
    """An inbound webhook.

    Attributes:
        new_secret: The secret, if it was made just now; it cannot be had again.
    """

    public_id: str
    application_code: str
    title: str
    rule: Rule
    verification: Verification
    has_secret: bool
    new_secret: str | None
    created_at: datetime
    updated_at: datetime


class WebhookList(Struct, frozen=True, kw_only=True):
    """All inbound webhooks of a workspace, oldest first."""

    items: tuple[Webhook, ...]
