"""Client: HTTP at next to no cost, so that on a small machine the server has the processor to itself."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Client:
    """Posts JSON and gets answers over connections that are kept. Answers must carry a content-length, as ours do."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None, "a base URL names a host"
        self._host, self._port = parts.hostname, parts.port or 80
        self._free: list[Connection] = []
        self._all: list[Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, writer in self._all:
            writer.close()

    async def post(self, path: str, document: object) -> tuple[int, bytes]:
        """Return the status and the body of the answer. Bytes are sent as they are, being JSON already."""
        body = document if isinstance(document, bytes) else msgspec.json.encode(document)
        headers = {"content-type": "application/json", "content-length": str(len(body))}
        return await self._request("POST", path, headers, body)

    async def get(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        return await self._request("GET", path, headers)

    async def _request(self, verb: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        reader, writer = connection = await self._connection()
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"{verb} {path} HTTP/1.1\r\nhost: {self._host}\r\n{fields}\r\n".encode() + body)
        status, _, answered = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").partition("\r\n")
        length = next(line for line in answered.lower().split("\r\n") if line.startswith("content-length:"))
        answer = await reader.readexactly(int(length.partition(":")[2]))
        self._free.append(connection)
        return int(status.split()[1]), answer

    async def _connection(self) -> Connection:
        if self._free:
            return self._free.pop()
        connection = await asyncio.open_connection(self._host, self._port)
        self._all.append(connection)
        return connection
