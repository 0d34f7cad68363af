"""Commands and replies: contents, and the pages that show them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from sojourn.model.contents import ContentKind, ContentStatus

Result = Literal["shown", "completed", "dismissed"]


class ListContents(Struct, frozen=True, kw_only=True):
    """Newest first, archived ones only when asked for. Reply: `ContentList`. Raises: InvalidDocument, SiteNotFound."""

    kind: ContentKind
    site: UUID | None = None
    status: ContentStatus | None = None
    search: str = ""
    limit: int = 20
    offset: int = 0


class CreateContent(Struct, frozen=True, kw_only=True):
    """Keep a content. Reply: `Content`. Raises: InvalidDocument, SiteNotFound."""

    kind: ContentKind
    name: str
    site: UUID
    document: Mapping[str, Any]
    status: ContentStatus = "published"


class GetContent(Struct, frozen=True, kw_only=True):
    """Reply: `Content`. Raises: NotFound."""

    kind: ContentKind
    content: UUID


class UpdateContent(Struct, frozen=True, kw_only=True):
    """Change what is given. Reply: `Content`. Raises: InvalidDocument, NotFound, SiteNotFound."""

    kind: ContentKind
    content: UUID
    name: str | UnsetType = UNSET
    site: UUID | UnsetType = UNSET
    document: Mapping[str, Any] | UnsetType = UNSET
    status: ContentStatus | UnsetType = UNSET


class DeleteContent(Struct, frozen=True, kw_only=True):
    """Remove a content; whoever waits for it sees nothing more. Reply: `Done`. Raises: NotFound."""

    kind: ContentKind
    content: UUID


class Content(Struct, frozen=True, kw_only=True):
    """Something that pages show."""

    content: UUID
    kind: ContentKind
    name: str
    site: UUID
    document: Mapping[str, Any]
    status: ContentStatus
    created_at: datetime
    updated_at: datetime


class ContentList(Struct, frozen=True, kw_only=True):
    """A part of the contents."""

    items: tuple[Content, ...]
    total: int


class Visitor(Struct, frozen=True, kw_only=True):
    """Who is on a page. The user id decides, if there are both."""

    user_id: str = ""
    anonymous_id: str = ""


class GetShown(Struct, frozen=True, kw_only=True):
    """Say what a page shows a visitor now. Of the site whose key asks. Reply: `Shown`. Raises: InvalidDocument."""

    visitor: Visitor


class ReportContent(Struct, frozen=True, kw_only=True):
    """Say what became of a content on a page. Durable when answered. Reply: `Done`. Raises: NotFound.

    Attributes:
        since: The visit of the point that it is about; a report about a former one moves nobody. None: the present one.
        source_id: The report's own id; the same one again is not applied again.
        answers: To a survey.
    """

    enrollment: UUID
    point: UUID
    result: Result
    since: datetime | None = None
    source_id: str = ""
    answers: Mapping[str, Any] = {}


class StartJourney(Struct, frozen=True, kw_only=True):
    """Enroll a visitor in a running journey of the site that is started by hand. Durable when answered. Reply: `Done`.

    Anybody may ask, so unlike with `EnrollByApi` only people of the journey's audience come in.

    Attributes:
        attribute_values: Of those that the entry point names.
        source_id: The request's own id; a repetition enrolls nobody again.

    Raises: InvalidDocument, JourneyNotFound, JourneyNotRunning, NoApiEntry, SeveralApiEntries, EntryDeactivated,
    UnknownAttribute.
    """

    journey: UUID
    visitor: Visitor
    attribute_values: Mapping[str, str] = {}
    source_id: str = ""


class GetVisitor(Struct, frozen=True, kw_only=True):
    """Say under which id a visitor is known. Reply: `KnownVisitor`. Raises: InvalidDocument."""

    visitor: Visitor


class KnownVisitor(Struct, frozen=True, kw_only=True):
    """A visitor. `profile` None: nobody has said anything of them yet."""

    profile: UUID | None


class GetSiteConfig(Struct, frozen=True, kw_only=True):
    """Say what the pages of the site whose key asks need to know. Reply: `SiteConfig`."""


class Shown(Struct, frozen=True, kw_only=True):
    """What a page shows a visitor now, and where the visitor is in journeys of the site."""

    items: tuple["ShownItem", ...] = ()
    enrollments: tuple["ShownEnrollment", ...] = ()


class ShownItem(Struct, frozen=True, kw_only=True):
    """A content that a visitor is to see. `since` tells this visit of the point from another one."""

    enrollment: UUID
    journey: UUID
    point: UUID
    content: UUID
    kind: ContentKind
    document: Mapping[str, Any]
    since: datetime


class ShownEnrollment(Struct, frozen=True, kw_only=True):
    """An enrollment that goes on, or ended a moment ago. `outcome` None: it goes on."""

    enrollment: UUID
    journey: UUID
    outcome: str | None


class SiteConfig(Struct, frozen=True, kw_only=True):
    """What the pages of a site need to know.

    Attributes:
        urls: The match type and the pattern of each trigger that waits for a page to be viewed.
        selectors: The elements whose clicks matter.
        events: The events that matter.
    """

    tenant: UUID
    site: UUID
    name: str
    settings: Mapping[str, Any]
    default_locale: str
    urls: tuple[tuple[str, str], ...]
    selectors: tuple[str, ...]
    events: tuple[str, ...]
