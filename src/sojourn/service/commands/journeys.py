"""Commands and replies: journeys: what an operator writes, and its life."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from sojourn.model.graph import Conduct, Edge, Graph
from sojourn.model.lifecycle import Command as LifecycleCommand
from sojourn.model.lifecycle import Status
from sojourn.model.points import AnyPoint, JourneyGoal
from sojourn.model.problems import Problem


class Comment(Struct, frozen=True, kw_only=True):
    """A note on the canvas."""

    uuid: str
    text: str
    x: float = 0
    y: float = 0
    author: str = ""
    created_at: datetime | None = None


class Place(Struct, frozen=True):
    """Where a point is drawn."""

    x: float = 0
    y: float = 0


class JourneyDraft(Struct, frozen=True, kw_only=True):
    """What an operator writes: the graph and what is drawn around it."""

    title: str
    description: str = ""
    graph: Graph
    layout: Mapping[str, Place] = {}
    comments: tuple[Comment, ...] = ()
    category_uuid: UUID | None = None


class CreateJourney(Struct, frozen=True, kw_only=True):
    """Make a draft. Reply: `Journey`."""

    draft: JourneyDraft


class UpdateJourney(Struct, frozen=True, kw_only=True):
    """Replace a definition. A running journey gets a new version; its graph must have no problems. Reply: `Journey`."""

    journey: UUID
    draft: JourneyDraft


class Drawing(Struct, frozen=True, kw_only=True):
    """All that is drawn: points, edges, and where the points are."""

    points: tuple[AnyPoint, ...]
    edges: tuple[Edge, ...]
    layout: Mapping[str, Place]


class EditJourney(Struct, frozen=True, kw_only=True):
    """Replace what is given of a definition, in one step, and leave the rest. Reply: `Journey`.

    A running journey gets a new version, as by `UpdateJourney`.

    Attributes:
        site: The app, by its other name.
        audience: The segment whose people the journey is for; None: everybody.
    """

    journey: UUID
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    site: UUID | UnsetType = UNSET
    audience: UUID | UnsetType | None = UNSET
    conduct: Conduct | UnsetType | None = UNSET
    goal: JourneyGoal | UnsetType | None = UNSET
    admits_anonymous: bool | UnsetType = UNSET
    drawing: Drawing | UnsetType = UNSET


class GetJourney(Struct, frozen=True, kw_only=True):
    """Reply: `Journey`."""

    journey: UUID


class ListJourneys(Struct, frozen=True, kw_only=True):
    """Newest first. Reply: `JourneyList`.

    Attributes:
        statuses: Any of these; with `status`, that one. None of both: in whatever status.
        site: The app, by its other name.
    """

    page: int = 1
    page_size: int = 20
    status: Status | None = None
    application_code: str | None = None
    search: str = ""
    statuses: tuple[Status, ...] = ()
    site: UUID | None = None


class DeleteJourney(Struct, frozen=True, kw_only=True):
    """Delete a draft that never ran. Reply: `Done`."""

    journey: UUID


class ValidateJourney(Struct, frozen=True, kw_only=True):
    """Reply: `Verdict`. Nothing is stored."""

    draft: JourneyDraft


class ChangeStatus(Struct, frozen=True, kw_only=True):
    """Start, pause, finish, …: any command of the table in `model.lifecycle`. Reply: `Journey`."""

    journey: UUID
    command: LifecycleCommand


class Journey(Struct, frozen=True, kw_only=True):
    """A journey as it is now."""

    journey: UUID
    title: str
    description: str
    status: Status
    version: int
    graph: Graph
    layout: Mapping[str, Place]
    comments: tuple[Comment, ...]
    category_uuid: UUID | None
    created_at: datetime
    updated_at: datetime
    first_started_at: datetime | None
    stop_reason: str
    last_edited_by: str
    site: UUID | None = None
    audience: UUID | None = None


class JourneyList(Struct, frozen=True, kw_only=True):
    """One page of journeys."""

    items: tuple[Journey, ...]
    page: int
    page_size: int
    total: int


class Verdict(Struct, frozen=True, kw_only=True):
    """What is wrong with a document.

    Attributes:
        problems: Keep the journey from being started.
        warnings: Do not, but it may not do what it seems to. Only where there are no problems.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
