"""The application on the real server: what the in-process transport cannot show."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from tests.conformance.conftest import TOKEN, Site


@pytest.fixture
async def address(site: Site, tmp_path: Path) -> AsyncIterator[tuple[str, int]]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = Server(site.app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    async with httpx.AsyncClient() as client:
        for _ in range(100):
            try:
                await client.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    yield "127.0.0.1", port
    server.stop()
    await serving


async def test_an_upload_without_end_is_stopped(address: tuple[str, int]) -> None:
    host, port = address

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1_000_000

    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", headers={"Authorization": f"Api {TOKEN}"}) as client:
        try:
            response = await client.post("/api/v3/journeygateway", content=endless())
            assert response.status_code == 413
        except httpx.TransportError:
            pass  # the server closed the connection before the upload was over
        assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"POST /api/v3/journeygateway HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v3/journeygateway HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /api/v3/journeygateway HTTP/1.1\r\nHost: x\r\nAuthorization: Api \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"GET /api/v3/journeygateway/%00%ff?page=%ff HTTP/1.1\r\nHost: x\r\nAuthorization: Api our-api-token\r\n\r\n",
        (
            b"POST /api/v3/journeygateway HTTP/1.1\r\nHost: x\r\nAuthorization: Api our-api-token\r\n"
            b"Content-Length: 100\r\n\r\n{"
        ),
    ],
)
async def test_a_broken_request_leaves_the_server_alive(address: tuple[str, int], request_: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request_)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    assert not answer.startswith(b"HTTP/1.1 5")
    async with httpx.AsyncClient() as client:
        response = await client.get(f"http://{address[0]}:{address[1]}/readyz")
    assert response.status_code == 200
