"""Messages: what is given to a provider and what comes back. Data only.

Nothing that could be a secret or a person's content shows in a `repr`: it would end in a log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, TypeVar

from sojourn.store.delivery import Channel

# What is to be sent ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """A rendered email to one person.

    Attributes:
        key: Identifies the message across attempts, and across installations.
        at: The instant of this attempt.
        is_urgent: Goes before what is not.
    """

    channel: ClassVar[Channel] = "email"

    key: str
    to: str = field(repr=False)
    from_email: str
    from_name: str = ""
    reply_to: str = ""
    bcc: tuple[str, ...] = field(default=(), repr=False)
    subject: str = field(repr=False)
    html: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    at: datetime
    is_urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookCall:
    """A rendered call of somebody's server. Fields as on `Email`."""

    channel: ClassVar[Channel] = "webhook"

    key: str
    application_code: str
    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: str = field(default="", repr=False)
    timeout_seconds: float
    at: datetime


OutboundMessage = Email | WebhookCall

# What a driver does ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP exchange."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """An answer. `headers` has lower-case names; `body` is cut at the driver's limit."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequest:
    """One mail transaction. The first recipient is the one that the message is for; the others are copies."""

    sender: str
    recipients: tuple[str, ...] = field(repr=False)
    content: bytes = field(repr=False)
    is_urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailResponse:
    """The mail server's answer to the message, or to the step that it refused."""

    code: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """An entry in the log."""

    event: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """The entry was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """A driver got no answer. `is_final` where asking again could not help, such as for a forbidden address."""

    reason: str
    is_final: bool = False


# What it means ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took the message.

    Attributes:
        ref: The provider's own id for it.
        body: The answer, for those who want to read values from it.
    """

    ref: str = ""
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Not now. `after` is what the provider asked for, within bounds."""

    detail: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Never. `detail` has the provider's words."""

    detail: str


Outcome = Accepted | Retry | Refused

# Who does it -----------------------------------------------------------------------------------------------------

MessageT_contra = TypeVar("MessageT_contra", contravariant=True)
RequestT = TypeVar("RequestT")
RequestT_co = TypeVar("RequestT_co", covariant=True)
RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
ResponseT = TypeVar("ResponseT")
ResponseT_co = TypeVar("ResponseT_co", covariant=True)
ResponseT_contra = TypeVar("ResponseT_contra", contravariant=True)


class Provider(Protocol[MessageT_contra, RequestT_co, ResponseT_contra]):
    """Speaks to one kind of service. Does no I/O, reads no clock."""

    name: ClassVar[str]

    def request(self, message: MessageT_contra) -> RequestT_co:
        """Say what to do to send a message. The same message gives the same request."""
        ...

    def outcome(self, response: ResponseT_contra) -> Outcome:
        """Say what an answer means."""
        ...


class Driver(Protocol[RequestT_contra, ResponseT_co]):
    """Does one kind of I/O, for any provider. Raises nothing for what a network may do."""

    async def send(self, request: RequestT_contra) -> ResponseT_co | NoAnswer:
        """Carry out a request."""
        ...


class Carrier(Protocol[MessageT_contra]):
    """Sends messages of one type, whatever it takes."""

    @property
    def name(self) -> str:
        """The provider's name, as channel settings say it."""
        ...

    async def deliver(self, message: MessageT_contra) -> Outcome:
        """Send one message."""
        ...
