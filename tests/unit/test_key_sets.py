"""Key sets over HTTP: read from where the operator says, unless that is inside our own network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sojourn import wiring
from sojourn.delivery.address_guard import AddressGuard
from sojourn.delivery.http_client import HttpClient
from sojourn.service.errors import NotAuthenticated
from sojourn.settings import read_settings

KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
LISTED = msgspec.json.encode(
    {"of": "us", "keys": [jwt.algorithms.ECAlgorithm.to_jwk(KEY, as_dict=True) | {"kid": "one"}]}
)


@asynccontextmanager
async def serving(status: str, body: bytes) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\nlocation: /other\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"


async def key_at(url: str, *, networks: str) -> object:
    settings = read_settings({"SOJOURN_JWKS_URL": url, "SOJOURN_ALLOWED_NETWORKS": networks})
    async with HttpClient(AddressGuard(settings.allowed_networks), wiring.clock) as http:
        keys = wiring.session_options(settings, http).keys
        assert keys is not None
        return await keys.key("one", "ES256")


async def test_the_keys_of_an_address_count() -> None:
    async with serving("200 OK", LISTED) as url:
        assert await key_at(url, networks="127.0.0.0/8") == KEY


@pytest.mark.parametrize(
    ("status", "body", "networks"),
    [
        ("200 OK", LISTED, "10.0.0.0/8"),
        ("302 Found", LISTED, "127.0.0.0/8"),
        ("500 Oh", LISTED, "127.0.0.0/8"),
        ("200 OK", b"\xff", "127.0.0.0/8"),
        ("200 OK", b"[]", "127.0.0.0/8"),
        ("200 OK", b'{"keys": [7]}', "127.0.0.0/8"),
        ("200 OK", b'{"keys": [{"kty": "EC"}]}', "127.0.0.0/8"),
        ("200 OK", b'{"keys": {}}', "127.0.0.0/8"),
    ],
)
async def test_an_address_that_cannot_be_read_gives_no_keys(status: str, body: bytes, networks: str) -> None:
    async with serving(status, body) as url:
        with pytest.raises(NotAuthenticated):
            await key_at(url, networks=networks)
