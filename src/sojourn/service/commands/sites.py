"""Commands and replies: sites, which are apps, and the keys that their pages carry."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class ListSites(Struct, frozen=True, kw_only=True):
    """Newest first. Reply: `SiteList`."""

    limit: int = 20
    offset: int = 0


class CreateSite(Struct, frozen=True, kw_only=True):
    """Make a site. Reply: `Site`. Raises: InvalidDocument."""

    name: str
    allowed_origins: tuple[str, ...] = ()
    default_locale: str = "en"
    settings: Mapping[str, Any] = {}


class GetSite(Struct, frozen=True, kw_only=True):
    """Reply: `Site`. Raises: SiteNotFound."""

    site: UUID


class UpdateSite(Struct, frozen=True, kw_only=True):
    """Change what is given. Reply: `Site`. Raises: InvalidDocument, SiteNotFound."""

    site: UUID
    name: str | UnsetType = UNSET
    allowed_origins: tuple[str, ...] | UnsetType = UNSET
    default_locale: str | UnsetType = UNSET
    settings: Mapping[str, Any] | UnsetType = UNSET


class DeleteSite(Struct, frozen=True, kw_only=True):
    """Hide a site and revoke its keys; its past stays. Reply: `Done`. Raises: InUse, SiteNotFound."""

    site: UUID


class CreateSiteKey(Struct, frozen=True, kw_only=True):
    """Make a key. Reply: `NewSiteKey`. Raises: InUse (there are too many), InvalidDocument, SiteNotFound."""

    site: UUID
    name: str = ""


class ListSiteKeys(Struct, frozen=True, kw_only=True):
    """Those in force, newest first. Reply: `SiteKeyList`. Raises: SiteNotFound."""

    site: UUID
    limit: int = 20
    offset: int = 0


class RevokeSiteKey(Struct, frozen=True, kw_only=True):
    """Reply: `Done`. Raises: NotFound, SiteNotFound."""

    site: UUID
    key: UUID


class Site(Struct, frozen=True, kw_only=True):
    """A site.

    Attributes:
        allowed_origins: Of which web origins pages may use its keys; none: of any.
        settings: For its pages; not looked into.
    """

    site: UUID
    application_code: str
    name: str
    allowed_origins: tuple[str, ...]
    default_locale: str
    settings: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


class SiteList(Struct, frozen=True, kw_only=True):
    """A part of the sites of a workspace."""

    items: tuple[Site, ...]
    total: int


class SiteKey(Struct, frozen=True, kw_only=True):
    """A key of a site. `hint` is how it begins."""

    key: UUID
    name: str
    hint: str
    created_at: datetime


class NewSiteKey(SiteKey, frozen=True, kw_only=True):
    """A key that was made just now. Its plain text cannot be had again."""

    plaintext: str


class SiteKeyList(Struct, frozen=True, kw_only=True):
    """A part of the keys of a site."""

    items: tuple[SiteKey, ...]
    total: int
