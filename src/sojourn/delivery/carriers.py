"""Carriers: a provider that decides, with the driver that does its I/O."""

from dataclasses import dataclass
from typing import Generic

import structlog

from sojourn.delivery.http_client import HttpClient
from sojourn.delivery.messages import (
    Carrier,
    Driver,
    Email,
    Logged,
    LogRequest,
    MessageT_contra,
    NoAnswer,
    Outcome,
    Provider,
    Refused,
    RequestT,
    ResponseT,
    Retry,
    WebhookCall,
)
from sojourn.delivery.providers.log import LogProvider
from sojourn.delivery.providers.smtp import SmtpProvider
from sojourn.delivery.providers.webhook import WebhookProvider
from sojourn.delivery.smtp_pool import SmtpPool

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DrivenProvider(Generic[MessageT_contra, RequestT, ResponseT]):
    """A provider and its driver."""

    provider: Provider[MessageT_contra, RequestT, ResponseT]
    driver: Driver[RequestT, ResponseT]

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name

    async def deliver(self, message: MessageT_contra) -> Outcome:
        """Ask the provider what to do, do it, and ask what the answer means."""
        response = await self.driver.send(self.provider.request(message))
        if isinstance(response, NoAnswer):
            return Refused(detail=response.reason) if response.is_final else Retry(detail=response.reason)
        return self.provider.outcome(response)


class LogDriver:
    """Writes to the log."""

    async def send(self, request: LogRequest) -> Logged | NoAnswer:
        """Write an entry."""
        _log.info(request.event, **request.fields)
        return Logged()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers:
    """Who can send what. The first of each channel serves the apps whose settings name none."""

    email: tuple[Carrier[Email], ...]
    webhook: tuple[Carrier[WebhookCall], ...]


def make_carriers(*, smtp: SmtpPool | None, http: HttpClient, signing_key: str) -> Carriers:
    """Return the carriers of an installation. Without a mail server emails go to the log."""
    log = DrivenProvider(LogProvider(), LogDriver())
    emails: tuple[Carrier[Email], ...] = (log,) if smtp is None else (DrivenProvider(SmtpProvider(), smtp), log)
    return Carriers(email=emails, webhook=(DrivenProvider(WebhookProvider(signing_key), http), log))
