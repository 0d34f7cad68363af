"""Commands and replies: apps and how long they keep their events."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class ListApps(Struct, frozen=True, kw_only=True):
    """Reply: `AppList`."""


class SetEventRetention(Struct, frozen=True, kw_only=True):
    """Say how long an app's events are kept; None: for ever. Reply: `AppView`. Raises: AppNotFound, InvalidDocument."""

    application_code: str
    days: int | None


class AppView(Struct, frozen=True, kw_only=True):
    """An app."""

    application_code: str
    site_id: UUID
    title: str
    event_retention_days: int | None
    created_at: datetime


class AppList(Struct, frozen=True, kw_only=True):
    """The apps of a workspace, oldest first."""

    items: tuple[AppView, ...]
