"""One of everything that a workspace can hold, and the ids by which paths, queries and bodies name it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import httpx

from tests.conformance.conftest import THEIR_TOKEN, TOKEN, Site
from tests.conformance.journeys_client import make_account, ok

GATEWAY = "/api/v3/journeygateway"
VARYING = re.compile(r"([^/]+)/(?=(\{\w+\}))")


@dataclass(frozen=True, kw_only=True)
class Furniture:
    """What a workspace holds.

    Attributes:
        parts: What to put into a path, by the segment before and the parameter, such as `sites/{id}`.
        fields: What to put into a query or a body, by the name of the field.
        key: An API key of the site.
    """

    parts: Mapping[str, str]
    fields: Mapping[str, Any]
    key: str

    def path(self, template: str) -> str:
        """Return a path that leads to what there is.

        >>> Furniture(parts={"sites/{id}": "7"}, fields={}, key="").path("/api/sites/{id}/keys")
        '/api/sites/7/keys'
        """
        for part in path_parts(template):
            template = template.replace(part.rpartition("/")[2], self.parts[part], 1)
        return template

    def named(self, document: Any) -> Any:
        """Return a document whose fields name what there is, wherever they name something."""
        match document:
            case dict():
                return {
                    name: self.fields[name] if name in self.fields else self.named(value)
                    for name, value in cast("dict[str, Any]", document).items()
                }
            case list():
                return [self.named(each) for each in cast("list[Any]", document)]
            case _:
                return document


def path_parts(template: str) -> list[str]:
    """Name what varies in a path.

    >>> path_parts("/api/content/{type}/{id}")
    ['content/{type}', '{type}/{id}']
    """
    return [f"{before}/{name}" for before, name in VARYING.findall(template)]


async def furnish(site: Site, client: httpx.AsyncClient, mark: str, *, workspace: str = "default") -> Furniture:
    """Make one of everything, with an owner's client. All that has a name has `mark` in it."""
    account = await make_account(site, f"{mark}@example.com", "editor", workspace=workspace)
    session = ok(await client.get("/api/auth/sessions"))[0]["id"]
    place = ok(await client.post("/api/sites", json={"name": f"{mark} site"}), 201)
    key = ok(await client.post(f"/api/sites/{place['id']}/keys", json={"name": f"{mark} key"}), 201)
    card = {"title": f"{mark} card", "body": "Hello"}
    content = {"name": f"{mark} flow", "siteId": place["id"], "content": {"steps": [card]}}
    flow = ok(await client.post("/api/content/flows", json=content), 201)["id"]
    rule = {"field": "traits.mark", "operator": "eq", "value": mark}
    audience = ok(await client.post("/api/audiences", json={"name": f"{mark} people", "ruleTree": rule}), 201)["id"]
    user, node = str(uuid4()), str(uuid4())
    token = {"Authorization": f"Api {TOKEN if workspace == 'default' else THEIR_TOKEN}"}
    journey = await make_journey(client, token, mark, place["applicationCode"], flow, node)
    payload = {"users": [user]}
    started = await client.post(f"/api/journey/{journey}/start/external", json={"payload": payload}, headers=token)
    page = {"X-API-Key": key["key"]}
    ok(await client.post("/api/sdk/identify", json={"userId": user, "traits": {"mark": mark}}, headers=page))
    await site.drain()
    (shown,) = ok(await client.get("/api/sdk/journeys", params={"userId": user}, headers=page))
    return Furniture(
        parts={
            "accounts/{id}": str(account.account),
            "audiences/{id}": audience,
            "content/{type}": "flows",
            "enrollments/{enrollmentId}": shown["enrollmentId"],
            "external/{request_uuid}": started.json()["request_uuid"],
            "journey/{id}": journey,
            "journeygateway/{uuid}": journey,
            "journeys/{enrollmentId}": shown["enrollmentId"],
            "journeys/{id}": journey,
            "keys/{keyId}": key["id"],
            "nodes/{nodeId}": node,
            "points/{point_uuid}": node,
            "sessions/{id}": session,
            "sites/{id}": place["id"],
            "{type}/{id}": flow,
        },
        fields={
            "application_code": place["applicationCode"],
            "audienceId": audience,
            "contentId": flow,
            "flowId": flow,
            "journey_uuids": [journey],
            "siteId": place["id"],
            "userId": user,
            "userIds": [user],
            "user_ids": [user],
            "users": [user],
            "uuid": journey,
        },
        key=key["key"],
    )


async def make_journey(
    client: httpx.AsyncClient, token: Mapping[str, str], mark: str, app: str, flow: str, node: str
) -> str:
    """Make a journey that shows a flow, and start it."""
    entry, end = str(uuid4()), str(uuid4())

    def point(uuid: str, kind: str, data: Mapping[str, Any], leads_to: str | None = None) -> dict[str, Any]:
        outputs = {"default": {"info": {"next_point_uuid": leads_to}}} if leads_to else {}
        given = {"uuid": uuid, "title": f"{mark} {kind}", "outputs": outputs}
        return given | {"point_type": f"POINT_TYPE_{kind}", "point_data": {kind.lower(): data}}

    document = {
        "title": f"{mark} journey",
        "params": {"application_code": app},
        "points": [
            point(entry, "START_BY_API", {}, node),
            point(node, "CONTENT", {"content_id": flow, "content_type": "FLOW"}, end),
            point(end, "EXIT", {}),
        ],
    }
    made = await client.post(GATEWAY, json=document, headers=token)
    assert made.status_code == 200, made.text
    journey = made.json()["info"]["uuid"]
    running = await client.post(f"{GATEWAY}/start", json={"uuid": journey}, headers=token)
    assert running.status_code == 200, running.text
    return journey
