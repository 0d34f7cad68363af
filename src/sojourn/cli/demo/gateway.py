"""Gateway: the calls of the public HTTP API that the demonstration makes, as any client would."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from sojourn.model.problems import SojournError

JOURNEYS = "/api/v3/journeygateway"
EVENTS_AT_ONCE = 50


class CallRefused(SojournError):
    """The API refused a call of the demonstration."""

    code = "demo.refused"


class Gateway:
    """A client of the API. `http` has the server's address as its base, and the token in its headers."""

    def __init__(self, http: httpx.AsyncClient, application_code: str, token: str) -> None:
        self._http = http
        self._application_code = application_code
        self._token = token

    async def find_journey(self, title: str) -> dict[str, Any] | None:
        """Return the journey of a title."""
        found = await self._call("GET", JOURNEYS, params={"search": title, "page_size": 100})
        return next((each for each in found.get("items", []) if each["info"]["title"] == title), None)

    async def create_journey(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Make a draft."""
        return await self._call("POST", JOURNEYS, json=document)

    async def start_journey(self, uuid: str) -> None:
        """Start a draft."""
        await self._call("POST", f"{JOURNEYS}/start", json={"uuid": uuid})

    async def enroll(self, uuid: str, users: Iterable[str], attribute_values: Mapping[str, str]) -> None:
        """Send people to the API entry of a journey."""
        payload = {"users": list(users), "attribute_values": dict(attribute_values)}
        await self._call("POST", f"/api/journey/{uuid}/start/external", json={"payload": payload})

    async def post_event(self, user_id: str, name: str, attributes: Mapping[str, Any]) -> None:
        """Say what a person did."""
        request = {
            "auth": self._token,
            "application": self._application_code,
            "userId": user_id,
            "event": name,
            "attributes": dict(attributes),
        }
        answer = await self._call("POST", "/json/1.3/postEvent", json={"request": request})
        if answer.get("status_code") != 200:
            raise CallRefused(f"postEvent: {answer}")

    async def statistics(self, uuid: str) -> dict[str, Any]:
        """Return the numbers of every point of a journey."""
        return (await self._call("GET", f"/api/journey/{uuid}/statistics/points"))["payload"]

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
        response = await self._http.request(method, path, **options)
        if response.is_error:
            raise CallRefused(f"{method} {path}: {response.status_code} {response.text}")
        return response.json()
