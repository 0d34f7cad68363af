"""SMTP pool: the driver that carries out mail transactions over a few connections that are used again.

Many messages may be handed over at once; each waits for one of the connections. Urgent ones have connections of their
own, so that they never wait behind a blast.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import (
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from sojourn.delivery.messages import MailRequest, MailResponse, NoAnswer
from sojourn.model.problems import SojournError

SERVICE_GOING = 421
"""The server closes the connection; the message was not judged."""


class SmtpUrlMalformed(SojournError):
    """The address of a mail server reads `smtp://user:password@host:port` or `smtps://…`."""

    code = "smtp.url_malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where the mail server is and how to talk to it.

    Attributes:
        tls: From the first byte (`always`), by STARTTLS and not without (`required`), or by STARTTLS where the server
            offers it (`offered`).
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: Literal["always", "offered", "required"] = "offered"

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port}, tls={self.tls})"


def parse_smtp_url(url: str) -> SmtpServer:
    """Read `smtp://user:password@host:port`, with `?tls=required` to insist on STARTTLS, or `smtps://…`.

    User and password are percent-encoded where they hold characters of a URL.

    >>> parse_smtp_url("smtps://ada:p%40ss@mail.example")
    SmtpServer(mail.example:465, tls=always)
    >>> parse_smtp_url("smtp://mail.example?tls=required").port
    587
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as problem:
        raise SmtpUrlMalformed from problem
    is_required = options == {"tls": ["required"]}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or (options and not is_required):
        raise SmtpUrlMalformed
    if parts.scheme == "smtps":
        tls, usual_port = "always", aiosmtplib.smtp.SMTP_TLS_PORT
    else:
        tls, usual_port = ("required", 587) if is_required else ("offered", 25 if parts.username is None else 587)
    return SmtpServer(
        host=parts.hostname,
        port=usual_port if port is None else port,
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        tls=tls,
    )


class _ClosedWhileIdle(SMTPServerDisconnected):
    """The first command found the connection closed; nothing was sent."""


@dataclass(slots=True, eq=False)
class _Line:
    """An open connection, the mails it carried, and the timer that closes it when nobody uses it."""

    client: aiosmtplib.SMTP
    mails: int = 0
    closing: asyncio.TimerHandle | None = None


class SmtpPool:
    """Connections to one mail server. Use as an asynchronous context manager.

    Args:
        url: See `parse_smtp_url`.
        connections: How many mails may be under way at once.
        urgent_connections: How many more urgent ones.
        mails_per_connection: After how many mails a connection is closed; many servers insist.
        idle_seconds: After how long an unused connection is closed.
        timeout_seconds: For connecting, and for each answer.
        tls_context: For certificates that the system does not know.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 10,
        urgent_connections: int = 2,
        mails_per_connection: int = 200,
        idle_seconds: float = 15,
        timeout_seconds: float = 30,
        tls_context: ssl.SSLContext | None = None,
        local_hostname: str | None = None,
    ) -> None:
        self._server = parse_smtp_url(url)
        self._room = asyncio.Semaphore(connections)
        self._urgent_room = asyncio.Semaphore(urgent_connections)
        self._mails_per_connection = mails_per_connection
        self._idle_seconds = idle_seconds
        self._timeout_seconds = timeout_seconds
        self._tls_context = tls_context
        # aiosmtplib would ask the name server for every connection.
        self._local_hostname = local_hostname or socket.gethostname()
        self._idle: list[_Line] = []
        self._farewells: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"SmtpPool({self._server!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exception: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._idle:
            self._dismiss(self._idle.pop())
        await asyncio.gather(*self._farewells)

    async def send(self, request: MailRequest) -> MailResponse | NoAnswer:
        """Carry out one mail transaction, on an open connection if there is one."""
        async with self._urgent_room if request.is_urgent else self._room:
            line = self._take_idle()
            if line is not None:
                try:
                    return await self._transact(line, request)
                except _ClosedWhileIdle:
                    pass
                except (SMTPException, OSError) as failure:
                    return _no_answer(failure)
            try:
                return await self._transact(await self._connect(), request)
            except (SMTPException, OSError) as failure:
                return _no_answer(failure)

    async def _connect(self) -> _Line:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "always",
            start_tls={"always": False, "offered": None, "required": True}[server.tls],
            tls_context=self._tls_context,
            timeout=self._timeout_seconds,
            local_hostname=self._local_hostname,
        )
        await client.connect()
        return _Line(client)

    async def _transact(self, line: _Line, request: MailRequest) -> MailResponse | NoAnswer:
        """Send one mail and keep the connection if it is in a known state."""
        is_reusable = False
        try:
            response = await _converse(line.client, request)
            is_reusable = response.code != SERVICE_GOING
        finally:
            line.mails += 1
            if is_reusable and line.client.is_connected and line.mails < self._mails_per_connection:
                self._keep(line)
            else:
                self._dismiss(line)
        return response

    def _take_idle(self) -> _Line | None:
        while self._idle:
            line = self._idle.pop()
            if line.closing is not None:
                line.closing.cancel()
            if line.client.is_connected:
                return line
        return None

    def _keep(self, line: _Line) -> None:
        self._idle.append(line)
        line.closing = asyncio.get_running_loop().call_later(self._idle_seconds, self._expire, line)

    def _expire(self, line: _Line) -> None:
        if line in self._idle:
            self._idle.remove(line)
            self._dismiss(line)

    def _dismiss(self, line: _Line) -> None:
        if line.closing is not None:
            line.closing.cancel()
        task = asyncio.get_running_loop().create_task(_say_goodbye(line.client))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)


async def _converse(client: aiosmtplib.SMTP, request: MailRequest) -> MailResponse:
    """Speak one mail transaction. A refused step ends it; a refused copy does not."""
    first, *copies = request.recipients
    try:
        await _begin(client, request.sender)
        await client.rcpt(first)
        for copy in copies:
            try:
                await client.rcpt(copy)
            except SMTPRecipientRefused as refusal:
                if refusal.code == SERVICE_GOING:
                    raise
        answer = await client.data(request.content)
    except SMTPResponseException as refusal:
        await _forget(client)
        return MailResponse(code=refusal.code, text=_one_line(refusal.message))
    return MailResponse(code=answer.code, text=_one_line(answer.message))


async def _begin(client: aiosmtplib.SMTP, sender: str) -> None:
    try:
        await client.mail(sender)
    except SMTPServerDisconnected as failure:
        raise _ClosedWhileIdle(str(failure)) from failure


async def _forget(client: aiosmtplib.SMTP) -> None:
    """Have the server forget a refused mail. A connection that fails here is closed, and the refusal stands."""
    try:
        if client.is_connected:
            await client.rset()
    except (SMTPException, OSError):
        client.close()


def _no_answer(failure: SMTPException | OSError) -> NoAnswer:
    """Describe a failure before the message was judged. A refused login is no fault of the message: it waits."""
    if isinstance(failure, SMTPResponseException):
        return NoAnswer(reason=f"the mail server refused the connection: {failure.code} {_one_line(failure.message)}")
    return NoAnswer(reason=f"no connection to the mail server: {_one_line(str(failure))}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit(timeout=2)
    except (SMTPException, OSError):
        pass  # it is gone, which is what was asked for
    finally:
        client.close()
