"""HTTP client: the driver that carries out HTTP requests to addresses that strangers chose.

Bounds everything that the other side decides: where it is, how long it takes, how much it answers. Follows no redirect,
keeps no cookie, reads no proxy setting.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self, cast

import httpcore
import httpx

from sojourn.delivery.address_guard import AddressForbidden, AddressGuard
from sojourn.delivery.messages import HttpRequest, HttpResponse, NoAnswer

MAX_RESPONSE_BYTES = 1_000_000


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that the guard checked. TLS still verifies the name."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        # The checker sees httpcore's stand-in for a missing anyio, which httpx always brings.
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers."""
        try:
            addresses = await self._guard.addresses(host, port)
        except OSError as failure:
            raise httpcore.ConnectError(f"`{host}` cannot be resolved") from failure
        *others, last = addresses
        for address in others:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a pool with our backend; httpx has no argument for it."""

    def __init__(self, guard: AddressGuard, ssl_context: ssl.SSLContext, max_connections: int) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=max_connections,
            max_keepalive_connections=max_connections // 4,
            keepalive_expiry=15,
            http2=True,
            network_backend=GuardedBackend(guard),
        )


class HttpClient:
    """Carries out requests. Use as an asynchronous context manager."""

    def __init__(
        self,
        guard: AddressGuard,
        clock: Callable[[], datetime],
        *,
        ssl_context: ssl.SSLContext | None = None,
        max_connections: int = 200,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        self._clock = clock
        self._max_response_bytes = max_response_bytes
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(guard, ssl_context or httpx.create_ssl_context(), max_connections),
            # What one receiver sets must not reach another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # A body that grows when unpacked could fill the memory.
            headers={"accept-encoding": "identity", "user-agent": "Sojourn"},
            timeout=None,  # noqa: S113 - one limit for the whole exchange instead, in `send`
            trust_env=False,
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exception: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, request: HttpRequest) -> HttpResponse | NoAnswer:
        """Carry out a request within its time limit, from the name's resolution to the last byte."""
        try:
            async with asyncio.timeout(request.timeout_seconds):
                return await self._exchange(request)
        except TimeoutError:
            return NoAnswer(reason=f"no answer within {request.timeout_seconds:g} s")
        except AddressForbidden as refusal:
            return NoAnswer(reason=str(refusal), is_final=True)
        except (httpx.InvalidURL, httpx.LocalProtocolError, httpx.UnsupportedProtocol) as refusal:
            return NoAnswer(reason=f"the URL cannot be called: {refusal}", is_final=True)
        except httpx.HTTPError as failure:
            return NoAnswer(reason=f"{type(failure).__name__}: {failure}".rstrip(": "))

    async def _exchange(self, request: HttpRequest) -> HttpResponse:
        # As bytes, because httpx refuses values beyond ASCII in text.
        headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
        stream = self._client.stream(request.method, request.url, headers=headers, content=request.content or None)
        async with stream as response:
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > self._max_response_bytes:
                    break
            return HttpResponse(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=bytes(body[: self._max_response_bytes]),
                received_at=self._clock(),
            )
