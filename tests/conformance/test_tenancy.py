"""A second workspace reads, lists, guesses and changes nothing: asked of every route of the journeys dialect.

The requests are made from the declarations of the routes. One whose path, query or body names something that the
furniture does not have fails here, until somebody says what a stranger would put there.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec import inspect

from sojourn.api.journeys.routes import ROUTES
from sojourn.api.journeys.routing import AnyRoute
from tests.conformance.conftest import Site
from tests.conformance.furniture import Furniture, furnish, path_parts
from tests.conformance.journeys_client import ok, refusal, signed_in

MARK = "zanzibar"
"""In all that the workspace holds which is attacked."""

ASKED = [route for route in ROUTES if route.media == "application/json"]
"""All but the stream, which says what `sdkJourneys` says, again and again."""

WORDS = frozenset({"content/{type}"})
"""Parts of paths that name no row."""

PEOPLE = frozenset({"anonymousId", "anonymousIds", "userId", "userIds"})
"""What each workspace calls its own people: another's name for somebody is nobody's here."""

OWN = frozenset({"clientId", "id", "sourceNodeId", "targetNodeId"})
"""How a request names what it brings along."""

ALONE = {"enrollPeople": {"anonymousIds", "audienceId", "userIds"}}
"""Fields of which a body has one."""

NAMING = re.compile(r"(Ids?|Codes?|^id)$")


@dataclass
class Tenant:
    """A workspace: what it holds, and a client of its owner."""

    there: Furniture
    client: httpx.AsyncClient

    async def ask(self, route: AnyRoute, path: str, body: Any = None, query: Any = None) -> httpx.Response:
        """Call a route as the owner, or as a page of the site."""
        headers = {"Authorization": "", "X-API-Key": self.there.key} if route.access == "key" else {}
        sent = {"json": body} if route.verb != "GET" and body is not None else {}
        return await self.client.request(route.verb, path, params=query, headers=headers, **sent)


@pytest.fixture(scope="module")
async def tenants(shared_site: Site) -> AsyncIterator[tuple[Tenant, Tenant]]:
    """The one that is attacked, and the one that attacks."""
    async with signed_in(shared_site) as ours, signed_in(shared_site, workspace="other") as theirs:
        yield (
            Tenant(await furnish(shared_site, ours, MARK), ours),
            Tenant(await furnish(shared_site, theirs, "mallory", workspace="other"), theirs),
        )


@pytest.fixture
async def unchanged(shared_site: Site, tenants: tuple[Tenant, Tenant]) -> AsyncIterator[None]:
    """What the workspace holds that is attacked is the same afterwards, shown or stored."""
    await shared_site.drain()
    before = await shown(tenants[0]), await stored(shared_site)
    yield
    await shared_site.drain()
    assert (await shown(tenants[0]), await stored(shared_site)) == before


async def shown(tenant: Tenant) -> dict[str, Any]:
    """Return all that the owner reads."""
    answers: dict[str, Any] = {}
    for route in ASKED:
        if route.verb == "GET":
            naming = naming_fields(route.query) & PEOPLE & tenant.there.fields.keys()
            response = await tenant.ask(
                route, tenant.there.path(route.path), query={name: tenant.there.fields[name] for name in naming}
            )
            assert response.status_code == 200, response.text
            answers[route.name] = response.json()
    assert MARK in str(answers)
    return answers


async def stored(site: Site) -> dict[str, Any]:
    """Return what each table has of the workspace: what names it, or a journey or an app of it."""
    named = await site.rows(
        """
        select table_name, min(column_name) filter (where column_name = 'workspace_id'),
               min(column_name) filter (where column_name in ('journey_id', 'app_id'))
        from information_schema.columns where table_schema = current_schema() group by table_name
        """
    )
    found: dict[str, Any] = {}
    for table, workspace, other in named:
        column = workspace or other
        if column is None or table == "workspace":
            continue
        of = column.removesuffix("_id")
        among = f"select {column} from {of} join workspace using (workspace_id) where name = 'default'"
        if column == "workspace_id":
            among = "select workspace_id from workspace where name = 'default'"
        found[table] = await site.rows(f"select t::text from {table} t where {column} in ({among}) order by 1")
    assert {"account", "content", "enrollment", "identity", "journey", "profile", "token"} <= {
        table for table, rows in found.items() if rows
    }
    return found


def naming_fields(struct: Any) -> set[str]:
    """Name the fields that name something, at any depth."""
    return {name for name, _ in _fields(inspect.type_info(struct), set())}


def _fields(kind: inspect.Type, seen: set[Any]) -> Iterator[tuple[str, inspect.Type]]:
    match kind:
        case inspect.StructType() if kind.cls not in seen:
            seen.add(kind.cls)
            for field in kind.fields:
                if NAMING.search(field.encode_name) or isinstance(field.type, inspect.UUIDType):
                    yield field.encode_name, field.type
                yield from _fields(field.type, seen)
        case inspect.UnionType():
            for each in kind.types:
                yield from _fields(each, seen)
        case inspect.Metadata():
            yield from _fields(kind.type, seen)
        case inspect.ListType() | inspect.VarTupleType():
            yield from _fields(kind.item_type, seen)
        case _:
            pass


def example_body(route: AnyRoute) -> Any:
    return next((example.body for example in route.examples if example.body is not None), None)


def test_every_name_that_a_route_takes_is_known_here(tenants: tuple[Tenant, Tenant]) -> None:
    ours = tenants[0].there
    for route in ROUTES:
        for part in path_parts(route.path):
            assert part in ours.parts, f"{route.name}: let the furniture have something for `{part}`"
        for field in naming_fields(route.query) | naming_fields(route.body):
            assert field in {*ours.fields, *PEOPLE, *OWN}, f"{route.name}: let the furniture have a `{field}`"
        assert route.access != "public" or not path_parts(route.path), f"{route.name}: nobody may name anything"


@pytest.mark.usefixtures("unchanged")
async def test_what_anothers_paths_lead_to_is_not_there(tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    nothing = {part: value if part in WORDS else str(uuid4()) for part, value in ours.there.parts.items()}
    nowhere = Furniture(parts=nothing, fields={}, key="")
    for route in ASKED:
        if set(path_parts(route.path)) <= WORDS:
            continue
        body = theirs.there.named(example_body(route))
        refused = await theirs.ask(route, ours.there.path(route.path), body)
        refusal(refused, 404, "NOT_FOUND")
        guessed = await theirs.ask(route, nowhere.path(route.path), body)
        assert refused.content == guessed.content, f"{route.name} tells what there is elsewhere"


@pytest.mark.usefixtures("unchanged")
async def test_lists_have_nothing_of_another(tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    ids = [value for part, value in ours.there.parts.items() if part not in WORDS]
    for route in ASKED:
        if route.verb == "GET":
            naming = naming_fields(route.query) & set(ours.there.fields)
            for query in ({}, *({field: ours.there.fields[field]} for field in naming)):
                response = await theirs.ask(route, theirs.there.path(route.path), query=query)
                assert response.status_code in {200, 400, 404}, response.text
                assert [each for each in (MARK, *ids) if each in response.text] == [], route.name
                if route.is_list and response.status_code == 200:
                    answer = response.json()
                    assert answer["meta"]["total"] == len(answer["data"]), route.name
                if query.keys() - PEOPLE and response.status_code == 200:
                    assert response.json()["data"] == [], route.name


@pytest.mark.usefixtures("unchanged")
async def test_nothing_of_another_is_taken_into_use(tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    for route in ASKED:
        body, path = theirs.there.named(example_body(route)), theirs.there.path(route.path)
        for field in top_level(route.body) & naming_fields(route.body) & set(ours.there.fields):
            left_out = ALONE.get(route.name, set())
            given = {name: value for name, value in (body or {}).items() if name not in left_out}
            given[field] = ours.there.fields[field]
            response = await theirs.ask(route, path, given)
            assert MARK not in response.text, (route.name, field)
            if field not in PEOPLE:
                assert response.status_code in {400, 404}, (route.name, field, response.text)
                told = response.json()["error"]["details"]
                assert response.status_code == 404 or [each["path"] for each in told] == [field], response.text
                allowed = await theirs.ask(route, path, given | {field: theirs.there.fields[field]})
                assert allowed.is_success, (route.name, field, allowed.text)


@pytest.mark.usefixtures("unchanged")
async def test_content_of_another_is_shown_to_nobody(tenants: tuple[Tenant, Tenant], shared_site: Site) -> None:
    ours, theirs = (tenant.there for tenant in tenants)
    client, visitor, user = tenants[1].client, {"X-API-Key": theirs.key}, f"visitor-{uuid4()}"
    trigger = {"type": "TRIGGER", "config": {"triggerType": "MANUAL", "triggerConfig": {}}}
    shows = {"type": "CONTENT", "contentId": ours.fields["contentId"], "config": {"contentType": "flow"}}
    edges = [{"sourceNodeId": str(n), "targetNodeId": str(n + 1)} for n in range(2)]
    body = {"name": "Peeping", "siteId": theirs.fields["siteId"], "edges": edges}
    made = ok(await client.post("/api/journeys", json=body | {"nodes": [trigger, shows, {"type": "EXIT"}]}), 201)
    path = f"/api/journeys/{made['id']}"
    if (await client.post(f"{path}/publish")).is_success:
        ok(await client.post(f"{path}/enrollments", json={"userIds": [user]}), 202)
        await shared_site.drain()
    shown = await client.get("/api/sdk/journeys", params={"userId": user}, headers=visitor)
    assert ok(shown) == []
    assert MARK not in shown.text + (await client.get(path)).text


def top_level(struct: Any) -> set[str]:
    kind = inspect.type_info(struct)
    return {field.encode_name for field in kind.fields} if isinstance(kind, inspect.StructType) else set()


async def test_the_same_requests_of_the_owner_find_something(tenants: tuple[Tenant, Tenant], shared_site: Site) -> None:
    """Which shows that they fail elsewhere for what they name, and not for how they are made."""
    async with signed_in(shared_site) as owner:
        tenant = Tenant(await furnish(shared_site, owner, f"own{uuid4().hex}"), owner)
        for route in sorted(ASKED, key=lambda each: (ends(each), each.verb == "DELETE", -len(each.path))):
            if route.access != "public" and path_parts(route.path):
                body = tenant.there.named(example_body(route))
                response = await tenant.ask(route, tenant.there.path(route.path), body)
                assert response.status_code not in {401, 403, 404}, (route.name, response.text)


def ends(route: AnyRoute) -> bool:
    """Tell whether a route signs the caller out."""
    return route.name in {"endSession", "logout"}
