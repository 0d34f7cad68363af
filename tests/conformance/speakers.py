"""One face for all dialects, so that one list of scenarios runs through each, and from one into another."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, Protocol
from uuid import uuid4

import httpx

from tests.conformance.clients import Client
from tests.conformance.clients import Refused as GatewayRefused

Step = tuple[str, Any]
"""What happens: `("manual", None)`, `("event", name)`, `("wait", minutes)`, `("await", event)`, `("share", percent)`,
`("exit", None)`. Of a share, that much goes on and the rest skips to the end."""

Reason = Literal["invalid", "missing", "state"]


class Refused(Exception):
    """A command that was refused, whatever the words.

    Attributes:
        places: The points that have problems, by their places.
    """

    def __init__(self, reason: Reason, places: frozenset[int] = frozenset()) -> None:
        super().__init__(reason)
        self.reason, self.places = reason, places


ENDINGS = {"goal_reached": "goal", "stopped": "dropped"}
"""What the journeys dialect calls how people leave, where the gateway has another word."""


@dataclass(frozen=True)
class Numbers:
    """What a journey counts."""

    entered: int
    inside: int
    departed: dict[str, int] = field(default_factory=dict[str, int])


class Speaker(Protocol):
    """Somebody who works with the journeys of one site in one dialect."""

    async def create(self, title: str, *steps: Step, goal: str = "") -> str:
        """Make a draft; with a goal, the event that takes people out. Return its id."""
        ...

    async def lengthen(self, journey: str, minutes: int) -> None:
        """Add a wait before the exit, and leave all else as it is."""
        ...

    async def start(self, journey: str) -> str:
        """Let people in. Return the status, as each method below that changes it."""
        ...

    async def pause(self, journey: str) -> str: ...

    async def archive(self, journey: str) -> str: ...

    async def look(self, journey: str) -> tuple[str, str, list[str]]:
        """Return title, status and the words of the steps."""
        ...

    async def titles(self) -> list[str]:
        """Return the titles of the site's journeys, newest first."""
        ...

    async def enroll(self, journey: str, *users: str) -> None: ...

    async def remove(self, journey: str, user: str) -> None: ...

    async def numbers(self, journey: str) -> Numbers: ...


def shares(name: str, size: str, percent: int) -> list[dict[str, Any]]:
    return [{name: "on", size: percent}, {name: "off", size: 100 - percent}]


# The gateway, over either transport -------------------------------------------------------------------------

REASONS: dict[int | None, Reason] = {3: "invalid", 5: "missing", 9: "state"}
POINTS = {
    "manual": ("START_BY_API", lambda _: {"start_by_api": {}}),
    "event": ("EVENT", lambda name: {"message_bus": {"event_name": name}}),
    "wait": ("WAIT", lambda minutes: {"wait": {"duration_seconds": minutes * 60}}),
    "await": (
        "WAIT_FOR_TRIGGER",
        lambda name: {"wait_for_trigger": {"branches": [{"events": [{"event_name": name}]}]}},
    ),
    "share": (
        "RANDOM_SPLITTER",
        lambda percent: {"random_splitter": {"branches": shares("title", "percent", percent)}},
    ),
    "exit": ("EXIT", lambda _: {"exit": {}}),
}


class GatewaySpeaker:
    """Speaks points and outputs."""

    def __init__(self, client: Client, app: str) -> None:
        self._client, self._app = client, app

    async def _call(self, method: str, **request: Any) -> Any:
        try:
            return await self._client.call(method, request)
        except GatewayRefused as refused:
            places = frozenset(int(f[7:].split("]")[0]) for f in refused.violations if f.startswith("points["))
            plain: Reason = "missing" if refused.status == 404 else "state"
            raise Refused(REASONS.get(refused.code, plain), places) from refused

    async def create(self, title: str, *steps: Step, goal: str = "") -> str:
        goals = [{"name": goal, "event_name": goal, "ends_journey": True}] if goal else []
        params = {"application_code": self._app, "conversion_goals": goals}
        points = [self._point(word, said) for word, said in steps]
        self._wire(points)
        return (await self._call("Create", title=title, params=params, points=points))["info"]["uuid"]

    def _point(self, word: str, said: Any) -> dict[str, Any]:
        kind, data = POINTS[word]
        return {"uuid": str(uuid4()), "title": word, "point_type": f"POINT_TYPE_{kind}", "point_data": data(said)}

    def _wire(self, points: list[dict[str, Any]]) -> None:
        last = points[-1]["uuid"]
        for point, after in pairwise(points):
            leads = {"info": {"next_point_uuid": after["uuid"]}}
            match point["point_type"]:
                case "POINT_TYPE_RANDOM_SPLITTER":
                    point["outputs"] = {"output1": leads, "output2": {"info": {"next_point_uuid": last}}}
                case "POINT_TYPE_WAIT_FOR_TRIGGER":
                    point["outputs"] = {"output1": leads}
                case _:
                    point["outputs"] = {"default": leads}

    async def lengthen(self, journey: str, minutes: int) -> None:
        found = await self._call("Get", uuid=journey)
        points = found["points"]
        points.insert(-1, self._point("wait", minutes))
        self._wire(points)
        info = found["info"]
        await self._call("Update", uuid=journey, title=info["title"], params=info["params"], points=points)

    async def start(self, journey: str) -> str:
        return await self._changed("Start", journey)

    async def pause(self, journey: str) -> str:
        return await self._changed("Pause", journey)

    async def archive(self, journey: str) -> str:
        await self._changed("Finish", journey)
        return await self._changed("Archive", journey)

    async def _changed(self, method: str, journey: str) -> str:
        return _status((await self._call(method, uuid=journey))["info"]["status"])

    async def look(self, journey: str) -> tuple[str, str, list[str]]:
        found = await self._call("Get", uuid=journey)
        words = {f"POINT_TYPE_{kind}": word for word, (kind, _) in POINTS.items()}
        steps = [words[point["point_type"]] for point in found["points"]]
        return found["info"]["title"], _status(found["info"]["status"]), steps

    async def titles(self) -> list[str]:
        found = await self._call("List", application_code=self._app)
        return [each["info"]["title"] for each in found["items"]]

    async def enroll(self, journey: str, *users: str) -> None:
        await self._call("StartExternal", id=journey, payload={"users": list(users)})

    async def remove(self, journey: str, user: str) -> None:
        await self._call("DropUsersExternal", user_ids=[user], journey_uuids=[journey])

    async def numbers(self, journey: str) -> Numbers:
        found = (await self._call("StatisticsPoints", id=journey))["payload"]
        return Numbers(found["entered"], found["inside"], found["departed"])


def _status(wire: str) -> str:
    return wire.removeprefix("STATUS_").replace("PUBLISHED", "RUNNING")


# Journeys ---------------------------------------------------------------------------------------------------

KINDS: dict[int, Reason] = {400: "invalid", 404: "missing", 409: "state"}


class JourneysSpeaker:
    """Speaks nodes and edges."""

    def __init__(self, http: httpx.AsyncClient, site: str) -> None:
        self._http, self._site = http, site

    async def _call(self, verb: str, path: str, **sent: Any) -> Any:
        answer = await self._http.request(verb, f"/api/journeys{path}", **sent)
        if answer.is_success:
            return answer.json()["data"]
        paths = [each["path"].split(".") for each in answer.json()["error"]["details"]]
        places = frozenset(int(parts[1]) for parts in paths if parts[0] == "nodes")
        raise Refused(KINDS[answer.status_code], places)

    async def create(self, title: str, *steps: Step, goal: str = "") -> str:
        nodes = [self._node(word, said) for word, said in steps]
        body = {"name": title, "siteId": self._site, "nodes": nodes, "edges": self._edges(nodes)}
        if goal:
            body["goalConfig"] = {"type": "event", "config": {"eventName": goal}}
        return (await self._call("POST", "", json=body))["id"]

    def _node(self, word: str, said: Any) -> dict[str, Any]:
        match word:
            case "manual":
                kind, config = "TRIGGER", {"triggerType": "MANUAL", "triggerConfig": {}}
            case "event":
                kind, config = "TRIGGER", {"triggerType": "CUSTOM_EVENT", "triggerConfig": {"eventName": said}}
            case "wait":
                kind, config = "WAIT", {"duration": said, "unit": "minutes"}
            case "await":
                kind, config = "WAIT_FOR_EVENT", {"eventName": said}
            case "share":
                kind, config = "SPLIT", {"branches": shares("label", "percentage", said)}
            case _:
                kind, config = "EXIT", {}
        return {"type": kind, "config": config, "position": {"x": 0, "y": 0}}

    def _edges(self, nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        edges: list[dict[str, Any]] = []
        for place, node in enumerate(nodes[:-1]):
            leads = {"sourceNodeId": str(place), "targetNodeId": str(place + 1)}
            if node["type"] == "SPLIT":
                edges += [leads | {"label": "on"}, leads | {"targetNodeId": str(len(nodes) - 1), "label": "off"}]
            else:
                edges.append(leads)
        return edges

    async def lengthen(self, journey: str, minutes: int) -> None:
        nodes = (await self._call("GET", f"/{journey}"))["nodes"]
        nodes.insert(-1, self._node("wait", minutes))
        await self._call("PUT", f"/{journey}/canvas", json={"nodes": nodes, "edges": self._edges(nodes)})

    async def start(self, journey: str) -> str:
        return _status((await self._call("POST", f"/{journey}/publish"))["status"])

    async def pause(self, journey: str) -> str:
        return _status((await self._call("POST", f"/{journey}/pause"))["status"])

    async def archive(self, journey: str) -> str:
        return _status((await self._call("DELETE", f"/{journey}"))["status"])

    async def look(self, journey: str) -> tuple[str, str, list[str]]:
        found = await self._call("GET", f"/{journey}")
        words = {"WAIT": "wait", "WAIT_FOR_EVENT": "await", "SPLIT": "share", "EXIT": "exit"}
        triggers = {"MANUAL": "manual", "CUSTOM_EVENT": "event"}
        steps = [words.get(n["type"]) or triggers[n["config"]["triggerType"]] for n in found["nodes"]]
        return found["name"], _status(found["status"]), steps

    async def titles(self) -> list[str]:
        return [each["name"] for each in await self._call("GET", "", params={"siteId": self._site})]

    async def enroll(self, journey: str, *users: str) -> None:
        await self._call("POST", f"/{journey}/enrollments", json={"userIds": list(users)})

    async def remove(self, journey: str, user: str) -> None:
        found = await self._call("GET", f"/{journey}/enrollments", params={"status": "in_progress"})
        (enrollment,) = [each["id"] for each in found if each["endUser"]["userId"] == user]
        await self._call("DELETE", f"/{journey}/enrollments/{enrollment}")

    async def numbers(self, journey: str) -> Numbers:
        found = await self._call("GET", f"/{journey}/analytics")
        departed = {ENDINGS.get(status, status): n for status, n in found["departed"].items()}
        return Numbers(found["entered"], found["waiting"], departed)
