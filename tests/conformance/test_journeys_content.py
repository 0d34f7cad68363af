"""Contents of the journeys dialect: kept by type, checked as a whole, shown to nobody else."""

from typing import Any

import httpx
import pytest

from sojourn.api.journeys.content import TYPES
from tests.conformance.conftest import Site
from tests.conformance.journeys_client import ok, refusal, signed_in

CARD = {"title": "Hello", "body": "**Good** to see you."}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "announcements": CARD,
    "banners": CARD | {"position": "bottom", "page": {"matchType": "exact", "pattern": "/cart"}},
    "beacons": CARD | {"anchor": "#cart", "label": "Look here"},
    "flows": {"steps": [CARD, CARD | {"anchor": "#cart", "advanceOn": "click"}], "labels": {"next": "On"}},
    "modals": CARD | {"image": {"url": "/a.png", "alt": "A"}, "action": {"label": "Go", "url": "https://a.example"}},
    "surveys": {"questions": [{"id": "q", "kind": "choice", "prompt": "Which?", "options": ["a", "b"]}]},
    "task-lists": {"title": "To do", "tasks": [{"id": "a", "title": "First"}]},
    "tooltips": CARD | {"anchor": "#cart", "placement": "top"},
}


async def site_of(client: httpx.AsyncClient) -> str:
    return (await client.get("/api/sites")).json()["data"][0]["id"]


async def test_contents_of_each_type_are_kept_changed_listed_and_removed(site: Site) -> None:
    assert DOCUMENTS.keys() == TYPES.keys()
    async with signed_in(site, "editor") as client:
        site_id = await site_of(client)
        for word, document in DOCUMENTS.items():
            path = f"/api/content/{word}"
            body = {"name": f"A {word}", "siteId": site_id, "content": document}
            made = ok(await client.post(path, json=body), 201)
            assert made["type"] == TYPES[word]
            assert (made["status"], made["content"]) == ("PUBLISHED", document)
            assert ok(await client.get(f"{path}/{made['id']}")) == made
            changed = ok(await client.patch(f"{path}/{made['id']}", json={"name": "Other", "status": "DRAFT"}))
            assert (changed["name"], changed["status"], changed["content"]) == ("Other", "DRAFT", document)
            assert ok(await client.get(path, params={"status": "PUBLISHED"})) == []
            assert [each["id"] for each in ok(await client.get(path, params={"search": "oTH"}))] == [made["id"]]
            refusal(await client.get(path, params={"search": "\0"}), 400, "VALIDATION_ERROR")
            elsewhere = "flows" if word != "flows" else "modals"
            refusal(await client.get(f"/api/content/{elsewhere}/{made['id']}"), 404, "NOT_FOUND")
            ok(await client.delete(f"{path}/{made['id']}"))
            refusal(await client.get(f"{path}/{made['id']}"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("word", "document", "wrong"),
    [
        ("tooltips", {"body": 3, "colour": "red"}, {"content.anchor", "content.body", "content.colour"}),
        ("modals", {}, {"content.body"}),
        ("modals", CARD | {"action": {"label": "x", "url": "JavaScript:alert(1)"}}, {"content.action.url"}),
        ("flows", {"steps": []}, {"content.steps"}),
        ("flows", {"steps": [CARD, {"title": "", "image": {"url": "data:x"}}]},
         {"content.steps.1.body", "content.steps.1.image.url"}),
        ("surveys", {"questions": [{"id": "q", "kind": "choice", "prompt": "?"}] * 2},
         {"content.questions.1.id", "content.questions.0.options", "content.questions.1.options"}),
        ("task-lists", {"tasks": [{"id": "a", "title": "x", "url": "data:text/html,x"}]}, {"content.tasks.0.url"}),
        ("modals", CARD | {"body": "x" * 10_001}, {"content.body"}),
    ],
)  # fmt: skip
async def test_everything_wrong_with_a_document_is_told(
    site: Site, word: str, document: dict[str, Any], wrong: set[str]
) -> None:
    async with signed_in(site, "editor") as client:
        body = {"name": "x", "siteId": await site_of(client), "content": document}
        details = refusal(await client.post(f"/api/content/{word}", json=body), 400, "VALIDATION_ERROR")
        assert details.keys() == wrong


async def test_others_neither_read_nor_write(site: Site) -> None:
    async with signed_in(site, "editor") as ours, signed_in(site, "owner", workspace="other") as theirs:
        body = {"name": "x", "siteId": await site_of(ours), "content": CARD}
        made = ok(await ours.post("/api/content/modals", json=body), 201)
        path = f"/api/content/modals/{made['id']}"
        assert ok(await theirs.get("/api/content/modals")) == []
        refusal(await theirs.get(path), 404, "NOT_FOUND")
        refusal(await theirs.patch(path, json={"name": "y"}), 404, "NOT_FOUND")
        refusal(await theirs.delete(path), 404, "NOT_FOUND")
        refusal(await theirs.post("/api/content/modals", json=body), 404, "NOT_FOUND")
    async with signed_in(site, "viewer") as reader:
        assert ok(await reader.get(path)) == made
        refusal(await reader.delete(path), 403, "FORBIDDEN")
