"""Who asks, and the plainest answer."""

from typing import Literal

from msgspec import Struct


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, and where.

    Attributes:
        rights: `api` may do everything in the workspace, `device` only what a device does, `write` only track.
        app_id: Of a write key: the app that people are tracked in.
    """

    workspace_id: int
    rights: Literal["api", "device", "write"] = "api"
    name: str = ""
    app_id: int | None = None


class Done(Struct, frozen=True, kw_only=True):
    """Nothing more to say."""
