"""Fixtures of the browser tests: one server, one browser, one site for all of them."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.processes import running

SITE = Path(__file__).parents[2] / "examples/site"
TOKEN, EMAIL, PASSWORD = "a-token-for-the-browser-tests", "owner@example.com", "correct horse battery"
CODE = "BROWS-TESTS"
PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)


class Quiet(SimpleHTTPRequestHandler):
    """Serves the example page at every path that is no file."""

    def send_head(self) -> Any:
        if "." not in self.path.partition("?")[0]:
            self.path = "/index.html"
        return super().send_head()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Shop:
    """A site whose pages carry the SDK, and the Sojourn behind it."""

    url: str
    host: str
    key: str
    site_id: str
    api: httpx.Client
    gateway: httpx.Client

    def content(self, word: str, document: dict[str, Any]) -> str:
        """Make a content and return its id."""
        body = {"name": f"A {word}", "siteId": self.site_id, "content": document}
        made = self.api.post(f"/api/content/{word}", json=body)
        assert made.status_code == 201, made.text
        return made.json()["data"]["id"]

    def journey(self, kind: str, entry: dict[str, Any], *contents: str) -> str:
        """Make and start a journey that shows contents one after the other. Return its id."""
        ids = [str(uuid4()) for _ in range(len(contents) + 2)]
        shown = [("POINT_TYPE_CONTENT", "content", {"content_id": content}) for content in contents]
        kinds = [(f"POINT_TYPE_{kind.upper()}", kind if kind != "event" else "message_bus", entry), *shown]
        kinds.append(("POINT_TYPE_EXIT", "exit", {}))
        points: list[dict[str, Any]] = []
        for at, (type_, name, data) in enumerate(kinds):
            points.append({"uuid": ids[at], "title": f"{at}", "point_type": type_, "point_data": {name: data}})
            if at + 1 < len(kinds):
                points[-1]["outputs"] = {"default": {"info": {"next_point_uuid": ids[at + 1]}}}
        document = {"title": f"By {kind}", "params": {"application_code": CODE}, "points": points}
        made = self.gateway.post("/api/v3/journeygateway", json=document)
        assert made.status_code == 200, made.text
        uuid = made.json()["info"]["uuid"]
        started = self.gateway.post("/api/v3/journeygateway/start", json={"uuid": uuid})
        assert started.status_code == 200, started.text
        return uuid


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("Chromium is not installed; on Debian: sudo apt-get install chromium (`make test` does so as root)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The example site, on a server of its own."""
    pages = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE))
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    settings = {
        "SOJOURN_API_TOKEN": TOKEN,
        "SOJOURN_APPLICATION_CODE": CODE,
        "SOJOURN_OWNER_EMAIL": EMAIL,
        "SOJOURN_OWNER_PASSWORD": PASSWORD,
        "SOJOURN_RATE_LIMIT_SDK": "0",
    }
    with (
        httpx.Client(trust_env=False, timeout=None) as follower,
        running(tmp_path_factory.mktemp("browser") / "data", **settings) as server,
        httpx.Client(base_url=server.url, trust_env=False) as api,
        httpx.Client(base_url=server.url, trust_env=False, headers={"Authorization": f"Api {TOKEN}"}) as gateway,
    ):
        session = api.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert session.status_code == 200, session.text
        api.headers["Authorization"] = f"Bearer {session.json()['data']['token']}"
        site_id = api.get("/api/sites").json()["data"][0]["id"]
        key = api.post(f"/api/sites/{site_id}/keys", json={"name": "pages"}).json()["data"]["key"]
        yield Shop(f"http://127.0.0.1:{pages.server_port}", server.url, key, site_id, api, gateway)
        query = {"apiKey": key, "anonymousId": "stays"}
        follower.send(follower.build_request("GET", f"{server.url}/api/sdk/journeys/stream", params=query), stream=True)
    pages.shutdown()
    pages.server_close()
    assert "refused to gracefully stop" not in server.errors(), "a page that follows does not hold up the server's end"


@pytest.fixture
def visitor(chromium: Browser, shop: Shop) -> Iterator[Page]:
    """Somebody who has never been on the site, before the first page."""
    context = chromium.new_context(viewport={"width": 1200, "height": 760})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    yield page
    context.close()
