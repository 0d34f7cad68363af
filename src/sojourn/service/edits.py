"""Edits: parts of a definition replaced, and the rest left as it is."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from sojourn.model.graph import AS_ENTRIES_SAY, Conduct, Graph, Settings
from sojourn.service.commands import Caller, EditJourney, GetAudience, GetSite, Journey, JourneyDraft
from sojourn.service.drafts import journey_draft
from sojourn.service.journeys import replace_draft
from sojourn.service.resources import Resources
from sojourn.service.segments import get_audience
from sojourn.service.sites import get_site
from sojourn.store.journeys import StoredJourney


async def edit_journey(resources: Resources, caller: Caller, command: EditJourney) -> Journey:
    """Replace what is given of a definition.

    Raises:
        SegmentNotFound: The audience is no segment of the workspace.
        SiteNotFound: The site is none of the workspace's.
        And as `update_journey`.
    """
    changes: dict[str, Any] = {
        name: value
        for name in ("conduct", "goal", "admits_anonymous")
        if (value := getattr(command, name)) is not UNSET
    }
    if command.audience is None:
        changes["audience_code"] = None
    elif command.audience is not UNSET:
        found = await get_audience(resources, caller, GetAudience(audience=command.audience))
        changes["audience_code"] = found.code
    app_id: int | None = None
    if command.site is not UNSET:
        site = await get_site(resources, caller, GetSite(site=command.site))
        changes["application_code"] = site.application_code
        app_id = await resources.facts.app_id(caller.workspace_id, site.application_code)

    def redraft(stored: StoredJourney) -> JourneyDraft:
        return _edited(journey_draft(stored), command, changes)

    return await replace_draft(resources, caller, command.journey, redraft, app_id=app_id)


def _edited(draft: JourneyDraft, command: EditJourney, settings: dict[str, Any]) -> JourneyDraft:
    if isinstance(conduct := settings.get("conduct"), Conduct):
        settings = settings | {"conduct": _kept(draft.graph.settings, conduct)}
    graph = replace(draft.graph, settings=replace(draft.graph.settings, **settings))
    layout = draft.layout
    if command.drawing is not UNSET:
        drawing = command.drawing
        graph = Graph(points=drawing.points, edges=drawing.edges, settings=graph.settings)
        layout = drawing.layout
    return replace(
        draft,
        title=draft.title if command.title is UNSET else command.title,
        description=draft.description if command.description is UNSET else command.description,
        graph=graph,
        layout=layout,
    )


def _kept(before: Settings, conduct: Conduct) -> Conduct | None:
    """Return what the settings of a journey become that say `conduct` from now on.

    Where the entries said who may come in again, they go on to say it until the settings do; and settings that say
    nothing at all are none.
    """
    if before.reentry is not None or conduct.reentry is not None:
        return conduct
    return None if conduct == Conduct() else replace(conduct, reentry=AS_ENTRIES_SAY)
