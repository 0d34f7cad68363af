"""Both OpenAPI documents against a server that listens: whatever they let somebody send is answered as they say."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import requests
import schemathesis
from granian.constants import Interfaces
from granian.server.embed import Server
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from sojourn.api.gateway.openapi import document as gateway_document
from sojourn.api.journeys.openapi import document as journeys_document
from sojourn.api.journeys.routes import ROUTES
from tests.conformance.conftest import TOKEN, Site
from tests.conformance.furniture import Furniture, furnish, path_parts
from tests.conformance.journeys_client import signed_in

Document = dict[str, Any]

load_all_checks()

PROMISES = [
    CHECKS.get_one(name)
    for name in (
        "content_type_conformance",
        "not_a_server_error",
        "response_headers_conformance",
        "response_schema_conformance",
        "status_code_conformance",
    )
]
QUICK = settings(
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=20,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def for_who_is_known(document: Document) -> Document:
    """Leave out how callers show who they are, so that nothing is made up for it."""
    components = {name: part for name, part in document["components"].items() if name != "securitySchemes"}
    paths = {
        path: {verb: operation | {"security": []} for verb, operation in operations.items()}
        for path, operations in document["paths"].items()
    }
    return document | {"components": components, "paths": paths, "security": []}


def operations(document: Document) -> Iterator[APIOperation]:
    """Find all operations but those whose answers end only when the caller goes."""
    for found in schemathesis.openapi.from_dict(for_who_is_known(document)).get_all_operations():
        operation = found.ok()
        if "text/event-stream" not in str(operation.definition.raw):
            yield operation


VOLUMES = {"gateway": gateway_document(), "journeys": journeys_document(ROUTES)}
OPERATIONS = [
    pytest.param(volume, operation, id=f"{volume}: {operation.label}")
    for volume, document in VOLUMES.items()
    for operation in operations(document)
]


@dataclass
class Live:
    """A server that listens, and what there is to be read."""

    site: Site
    url: str
    there: Furniture


@pytest.fixture(scope="module")
async def live(shared_site: Site) -> AsyncIterator[Live]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = Server(shared_site.app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    await until_it_answers(f"http://127.0.0.1:{port}/healthz")
    async with signed_in(shared_site) as owner:
        there = await furnish(shared_site, owner, "read")
    yield Live(shared_site, f"http://127.0.0.1:{port}", there)
    server.stop()
    await serving


async def until_it_answers(url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(100):
            try:
                await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize(("volume", "operation"), OPERATIONS)
async def test_whatever_is_sent_is_answered_as_documented(live: Live, volume: str, operation: APIOperation) -> None:
    async with signed_in(live.site) as owner:
        is_reading = operation.method.upper() == "GET"
        there = live.there if is_reading else await furnish(live.site, owner, f"m{uuid4().hex}")
        if volume == "gateway":
            headers = {"Authorization": f"Api {TOKEN}"}
        elif "/sdk/" in operation.path:
            headers = {"X-API-Key": there.key}
        else:
            headers = {"Authorization": owner.headers["Authorization"]}
        await asyncio.to_thread(explore, live.url, operation, headers, there)


def explore(url: str, operation: APIOperation, headers: Mapping[str, str], there: Furniture) -> None:
    """Send what the document shows, allows and forbids, about what is there and what is not."""
    allowed, forbidden = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    cases = st.one_of(allowed, allowed, forbidden, *operation.get_strategies_from_examples())
    with requests.Session() as session:
        session.trust_env = False

        @QUICK
        @given(case=cases, is_there=st.sampled_from([True, True, True, False]))
        def send(case: Case, is_there: bool) -> None:
            if is_there:
                aim(case, there)
            response = case.call(url, session, headers=dict(headers))
            case.validate_response(response, checks=PROMISES)

        send()


def aim(case: Case, there: Furniture) -> None:
    """Let a request be about what is there."""
    for part in path_parts(case.path):
        if part in there.parts and isinstance(case.path_parameters, dict):
            case.path_parameters[part.rpartition("{")[2].removesuffix("}")] = there.parts[part]
    case.body = there.named(case.body)
    case.query = there.named(case.query)


async def test_a_stream_begins_as_documented(live: Live) -> None:
    (stream,) = [route for route in ROUTES if route.media == "text/event-stream"]
    asked = {"params": {"anonymousId": "a"}, "headers": {"X-API-Key": live.there.key}}
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", live.url + stream.path, **asked) as response,
    ):
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert (await anext(response.aiter_lines())).startswith("retry: ")


@pytest.mark.parametrize("volume", VOLUMES)
def test_every_example_is_what_its_schema_says(volume: str) -> None:
    document = VOLUMES[volume]
    for where, media in contents(document["paths"], ()):
        checker = Draft202012Validator(media["schema"] | {"components": document["components"]}, validate_formats=True)
        for name, example in media.get("examples", {}).items():
            assert [error.message for error in checker.iter_errors(example["value"])] == [], (*where, name)


def contents(value: Any, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Document]]:
    """Find what is sent or answered as JSON, and where the document says so."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "application/json":
                yield where, each
            else:
                yield from contents(each, (*where, name))
