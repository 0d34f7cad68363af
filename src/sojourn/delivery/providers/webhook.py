"""Webhook: a signed call of somebody's server."""

from typing import ClassVar

from sojourn.delivery.messages import Accepted, HttpRequest, HttpResponse, Outcome, Refused, Retry, WebhookCall
from sojourn.delivery.retry import retry_after
from sojourn.delivery.signing import SIGNATURE_HEADER, app_key, sign

RETRIED_STATUSES = frozenset({408, 425, 429})
"""Below 500, those that ask for another try."""

_QUOTED = 300


class WebhookProvider:
    """Call a URL, signed. Does no I/O.

    `Sojourn-Message-Id` and `Idempotency-Key` are the same in every attempt; the signature is of the attempt.
    """

    name: ClassVar[str] = "webhook"

    def __init__(self, signing_key: str) -> None:
        self._signing_key = signing_key

    def request(self, message: WebhookCall) -> HttpRequest:
        """Say what to call."""
        content = message.body.encode()
        key = app_key(self._signing_key, message.application_code)
        given = {name.lower(): value for name, value in message.headers.items()}
        ours = {
            "idempotency-key": message.key,
            "sojourn-message-id": message.key,
            SIGNATURE_HEADER.lower(): sign(key, content, message.at),
        }
        type_ = {"content-type": "application/json"} if content else {}
        return HttpRequest(
            method=message.method,
            url=message.url,
            headers=type_ | given | ours,
            content=content,
            timeout_seconds=message.timeout_seconds,
        )

    def outcome(self, response: HttpResponse) -> Outcome:
        """Success is 2xx. What is the server's fault or a matter of time is tried again; the rest is not."""
        if 200 <= response.status < 300:
            return Accepted(ref=response.headers.get("x-request-id", ""), body=response.body)
        detail = _described(response)
        if response.status >= 500 or response.status in RETRIED_STATUSES:
            return Retry(detail=detail, after=retry_after(response.headers.get("retry-after"), response.received_at))
        return Refused(detail=detail)


def _described(response: HttpResponse) -> str:
    if 300 <= response.status < 400:
        return f"http {response.status}: redirects are not followed"
    words = " ".join(response.body[: 4 * _QUOTED].decode(errors="replace").split())[:_QUOTED]
    return f"http {response.status}: {words}" if words else f"http {response.status}"
