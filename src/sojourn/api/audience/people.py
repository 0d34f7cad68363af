"""People: who they are, what happened to them, and why they are in a journey or not."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast, get_args
from uuid import UUID

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.audience.calls import audience_route, malformed
from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.queries import read_query
from sojourn.model.identities import IdentityKind
from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.errors import JourneyNotFound
from sojourn.service.service import Service

PATH = "/api/v3/people"
KEYS: tuple[IdentityKind, ...] = get_args(IdentityKind)


class Found(Struct, frozen=True, kw_only=True):
    """Query of a list: the beginning of a user id, or one name."""

    search: str = ""
    user_id: str | None = None
    hwid: str | None = None
    email: str | None = None
    phone: str | None = None
    anonymous_id: str | None = None
    after: str = ""
    limit: int = 50


class Named(Struct, frozen=True, kw_only=True):
    """Query of one person: what kind of name the path has."""

    by: IdentityKind = "user_id"


class Read(Named, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Query of a timeline."""

    from_: datetime | None = None
    to: datetime | None = None
    kinds: str = ""
    limit: int = 50
    before: str = ""


def people_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""

    async def caller_of(request: AnyRequest) -> c.Caller:
        return await service.authenticate(token_of(request.headers.get("authorization", ""), "Api"), "api")

    async def find(request: AnyRequest) -> Response[bytes]:
        caller = await caller_of(request)
        reply = await service.run(caller, _find(read_query(request, Found)))
        return json_response({"items": [_found(each) for each in reply.items], "next_after": reply.next_after})

    async def show(request: AnyRequest) -> Response[bytes]:
        caller = await caller_of(request)
        reply = await service.run(caller, c.GetPerson(person=_key(request, read_query(request, Named))))
        return json_response(person_document(reply))

    async def timeline(request: AnyRequest) -> Response[bytes]:
        caller = await caller_of(request)
        reply = await service.run(caller, _timeline(request, read_query(request, Read)))
        return json_response(timeline_document(reply))

    async def why(request: AnyRequest) -> Response[bytes]:
        caller = await caller_of(request)
        try:
            journey = UUID(str(request.path_params["journey"]))
        except ValueError:
            raise JourneyNotFound from None
        key = _key(request, read_query(request, Named))
        reply = await service.run(caller, c.ExplainPresence(person=key, journey=journey))
        return json_response(presence_document(reply))

    one = f"{PATH}/{{person:str}}"
    return [
        audience_route("GET", PATH, "findPeople", metrics, find),
        audience_route("GET", one, "getPerson", metrics, show),
        audience_route("GET", f"{one}/timeline", "getTimeline", metrics, timeline),
        audience_route("GET", f"{one}/journeys/{{journey:str}}/why", "explainPresence", metrics, why),
    ]


# Requests ---------------------------------------------------------------------------------------------------


def _find(query: Found) -> c.FindPeople:
    given: list[tuple[IdentityKind, str]] = [(by, value) for by in KEYS if (value := getattr(query, by)) is not None]
    if len(given) > 1 or (given and query.search):
        names = ", ".join(["search", *KEYS])
        raise malformed([Problem("query.selector", given[-1][0], f"at most one of {names} can be given")])
    key = c.PersonKey(by=given[0][0], value=given[0][1]) if given else None
    return c.FindPeople(search=query.search, key=key, after=query.after, limit=query.limit)


def _key(request: AnyRequest, query: Named) -> c.PersonKey:
    return c.PersonKey(by=query.by, value=str(request.path_params["person"]))


def _timeline(request: AnyRequest, query: Read) -> c.GetTimeline:
    return c.GetTimeline(
        person=_key(request, query),
        from_=query.from_,
        to=query.to,
        kinds=read_kinds(query.kinds),
        limit=query.limit,
        before=query.before,
    )


def read_kinds(text: str) -> tuple[c.EntryKind, ...]:
    """Read the names of kinds of entries, with commas between them.

    Raises:
        MalformedRequest: There is no such kind.
    """
    known = get_args(c.EntryKind)
    names = [name.strip() for name in text.split(",") if name.strip()]
    if any(name not in known for name in names):
        raise malformed([Problem("field.type", "kinds", f"must be some of {', '.join(known)}")])
    return cast("tuple[c.EntryKind, ...]", tuple(dict.fromkeys(names)))


# Answers ----------------------------------------------------------------------------------------------------


def _found(person: c.FoundPerson) -> dict[str, Any]:
    return {
        "user_id": person.user_id,
        "attributes": person.attributes,
        "created_at": person.created_at,
        "updated_at": person.updated_at,
    }


def person_document(person: c.PersonView) -> dict[str, Any]:
    """Return a person as the wire has them."""
    return {
        "user_id": person.user_id,
        "attributes": {
            name: {"value": value, "changed_at": person.changed_at.get(name)}
            for name, value in person.attributes.items()
        },
        "identities": [{"kind": each.kind, "value": each.value, "since": each.since} for each in person.names],
        "devices": [
            {
                "application_code": each.application_code,
                "hwid": each.hwid,
                "channel": each.channel,
                "platform": each.platform,
                "has_push_token": each.has_push_token,
                "language": each.language,
                "is_subscribed": each.is_subscribed,
                "details": each.details,
                "created_at": each.created_at,
                "updated_at": each.updated_at,
            }
            for each in person.devices
        ],
        "location": person.location,
        "time_zone": person.time_zone,
        "language": person.language,
        "application_codes": person.applications,
        "created_at": person.created_at,
        "updated_at": person.updated_at,
        "is_waiting": person.is_waiting,
    }


def timeline_document(timeline: c.Timeline) -> dict[str, Any]:
    """Return a page of a timeline as the wire has it."""
    return {"items": [_entry(each) for each in timeline.items], "next_before": timeline.next_before}


def presence_document(presence: c.Presence) -> dict[str, Any]:
    """Return why somebody is in a journey, or why not, as the wire has it."""
    return {
        "journey": _journey(presence.journey),
        "status": presence.status,
        "is_inside": bool(presence.inside),
        "entered": presence.entered,
        "entered_at": presence.entered_at,
        "inside": [
            {
                "enrollment": each.enrollment,
                "point": _point(each.point),
                "since": each.since,
                "until": each.until,
                "waiting_for": each.waiting_for,
                "entry_key": each.entry_key,
            }
            for each in presence.inside
        ],
        "reasons": [
            _without_nothing(
                {
                    "point": _point(each.point) if each.point is not None else None,
                    "code": each.code,
                    "text": each.text,
                    "conditions": _conditions(each.conditions),
                }
            )
            for each in presence.reasons
        ],
        "left": _entry(presence.left) if presence.left is not None else None,
        "is_waiting": presence.is_waiting,
    }


def _entry(entry: c.TimelineEntry) -> dict[str, Any]:
    return _without_nothing(
        {
            "at": entry.at,
            "kind": entry.kind,
            "journey": _journey(entry.journey) if entry.journey is not None else None,
            "point": _point(entry.point) if entry.point is not None else None,
            "enrollment": entry.enrollment,
            **entry.detail,
            "path": [_passed(each) for each in entry.path],
        }
    )


def _passed(passed: c.PassedPoint) -> dict[str, Any]:
    decision = passed.decision
    return _without_nothing(
        {
            "point": _point(passed.point),
            "output": passed.output,
            "decision": None
            if decision is None
            else _without_nothing(
                {
                    "expression": decision.expression or None,
                    "conditions": _conditions(decision.conditions),
                    "branches": [_branch(each) for each in decision.branches],
                    "goals": [{"goal": each.name, "reached_at": each.reached_at} for each in decision.goals],
                    "implied_output": decision.implied,
                    "draw": decision.draw,
                }
            ),
        }
    )


def _branch(branch: c.AskedBranch) -> dict[str, Any]:
    return {
        "output": branch.output,
        "label": branch.label,
        "expression": branch.expression,
        "met": branch.met,
        "conditions": _conditions(branch.conditions),
    }


def _conditions(conditions: Iterable[c.Condition]) -> list[dict[str, Any]]:
    return [
        {"condition": each.text, "met": each.met}
        | ({"value": each.value} if each.value is not msgspec.UNSET else {})
        | ({"segment": each.segment} if each.segment is not None else {})
        for each in conditions
    ]


def _journey(journey: c.JourneyRef) -> dict[str, Any]:
    return {"uuid": journey.journey, "title": journey.title}


def _point(point: c.PointRef) -> dict[str, Any]:
    return {"uuid": point.point, "title": point.title, "kind": point.kind}


def _without_nothing(members: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what there is nothing to say of."""
    return {name: value for name, value in members.items() if value is not None and value != []}
