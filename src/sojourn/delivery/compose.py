"""Compose: from a claimed message and its point to what a provider is given, or why there is nothing to give.

Pure. What a template or an address can get wrong ends here, as a `Rejection`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from sojourn.delivery.catalog import Briefing, PointOfMessage, Version
from sojourn.delivery.links import campaign_parameters, tag_html, tag_text, track_html
from sojourn.delivery.messages import Email, OutboundMessage, WebhookCall
from sojourn.delivery.providers.smtp import wire_address
from sojourn.model.points import EmailContent, SendEmail, Webhook
from sojourn.service.tracking import MessageRef, Tracker
from sojourn.store.delivery import ClaimedMessage
from sojourn.templates import Scope, TemplateFailed, local_time, render

OUR_HEADERS = frozenset({"connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"})
"""Headers that belong to the connection; a point cannot set them, nor those that begin with `sojourn-`."""

_ADDRESS = re.compile(r"[^\s@<>(),;:\"\[\]\\\x00-\x1f\x7f-\U0010ffff]+@[^\s@<>(),;:\"\[\]\\\x00-\x1f\x7f]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a message does not go to a provider.

    Attributes:
        reason: One of a few words, which tallies are kept by.
        detail: The whole story.
    """

    status: Literal["failed", "skipped"]
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for every email unless the point or the channel's settings say something else.

    Attributes:
        tracker: Makes the addresses by which opens and clicks are noticed; None: they are not.
    """

    from_email: str = "sojourn@localhost"
    from_name: str = ""
    tracker: Tracker | None = None


def message_key(version: Version, message: ClaimedMessage) -> str:
    """Return what identifies a message in every attempt, and among all installations."""
    return f"{version.journey_uuid}.{message.origin_shard}.{message.origin_id}"


def compose(
    message: ClaimedMessage, briefing: Briefing, defaults: Defaults, now: datetime
) -> OutboundMessage | Rejection:
    """Return what to send, or why nothing is sent."""
    origin = briefing.point_of(message)
    if origin is None:
        return _failed("gone", "the point that made the message is not in its journey's version")
    if message.attributes is None:
        return Rejection(status="skipped", reason="no profile", detail="the person was deleted")
    version, known = origin
    try:
        match known.point:
            case SendEmail() as point:
                return _compose_email(message, version, point, briefing, defaults=defaults, now=now)
            case Webhook() as point:
                return _compose_call(message, version, known, point, now)
    except TemplateFailed as problem:
        return _failed("template", problem.text)


def _failed(reason: str, detail: str) -> Rejection:
    return Rejection(status="failed", reason=reason, detail=detail)


def _scope(message: ClaimedMessage, now: datetime) -> Scope:
    facts = {
        "email": message.address,
        "language": message.language,
        "time_zone": message.time_zone,
        "user_id": message.user_id,
    }
    context = message.context or {}
    return Scope(
        profile={name: fact for name, fact in facts.items() if fact is not None} | (message.attributes or {}),
        event=context.get("event") or {},
        entry=context.get("entry") or {},
        now=local_time(now, message.time_zone),
    )


# Email ----------------------------------------------------------------------------------------------------------


def _compose_email(
    message: ClaimedMessage,
    version: Version,
    point: SendEmail,
    briefing: Briefing,
    *,
    defaults: Defaults,
    now: datetime,
) -> Email | Rejection:
    content = _content(version, point, briefing)
    if isinstance(content, Rejection):
        return content
    if message.address is None:
        return Rejection(status="skipped", reason="no address", detail="the person has no email address in this app")
    if not (message.is_subscribed or point.send_to_unsubscribed):
        return Rejection(status="skipped", reason="unsubscribed", detail="the address is unsubscribed")
    setting = briefing.settings.get(version.app_id)
    chosen = _Choice(point, {} if setting is None else setting.settings)
    email = _rendered(content, point, _scope(message, now)) | {
        "to": message.address,
        "from_email": chosen.of("from_email") or defaults.from_email,
        "from_name": chosen.of("from_name") or defaults.from_name,
        "reply_to": chosen.of("reply_to"),
    }
    copies = tuple(address.strip() for address in point.bcc.split(",") if address.strip())
    if email["html"] and defaults.tracker is not None:
        email["html"] = track_html(email["html"], MessageRef(message.origin_shard, message.origin_id), defaults.tracker)
    for address in (email["to"], email["from_email"], *filter(None, (email["reply_to"],)), *copies):
        if not is_address(address):
            return _failed("address", f"`{address}` is no address that can be sent to or from")
    return Email(key=message_key(version, message), bcc=copies, at=now, is_urgent=message.priority == 0, **email)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What the point says, or else the channel's settings."""

    point: SendEmail
    settings: Mapping[str, Any]

    def of(self, name: Literal["from_email", "from_name", "reply_to"]) -> str:
        own: str = getattr(self.point, name)
        return own or _header_text(str(self.settings.get(name) or ""))


def _rendered(content: EmailContent, point: SendEmail, scope: Scope) -> dict[str, str]:
    parameters = campaign_parameters(point.utm)
    return {
        "subject": _header_text(render(content.subject, scope)),
        "html": tag_html(render(content.html, scope, target="html"), parameters),
        "text": tag_text(render(content.text, scope), parameters),
    }


def _content(version: Version, point: SendEmail, briefing: Briefing) -> EmailContent | Rejection:
    if point.content is not None:
        return point.content
    if point.preset_code is None:
        return _failed("content", "the point has neither content nor a preset")
    stored = briefing.presets.get((version.workspace_id, point.preset_code))
    if stored is None:
        return _failed("content", f"preset `{point.preset_code}` does not exist")
    try:
        # A preset may hold more than an email needs.
        known = {name: stored[name] for name in EmailContent.__struct_fields__ if stored.get(name) is not None}
        return msgspec.convert(known, EmailContent)
    except (msgspec.ValidationError, AttributeError) as problem:
        return _failed("content", f"preset `{point.preset_code}` is no email: {problem}")


def _header_text(text: str) -> str:
    """Bring a text into one line: a line break in a mail's header would begin another header."""
    return " ".join(text.split())


def is_address(address: str) -> bool:
    r"""Tell whether mail can be sent to or from an address. Beyond ASCII only the domain may go.

    >>> [is_address(text) for text in ("ada@a.example", "ada@bücher.example", "ada", "a b@c", "ada@c\n", "ä@c.example")]
    [True, True, False, False, False, False]
    """
    if len(address) > 320 or not _ADDRESS.fullmatch(address):
        return False
    try:
        wire_address(address)
    except UnicodeError:
        return False
    return True


# Webhook --------------------------------------------------------------------------------------------------------


def _compose_call(
    message: ClaimedMessage, version: Version, known: PointOfMessage, point: Webhook, now: datetime
) -> WebhookCall | Rejection:
    scope = _scope(message, now)
    url = render(point.url, scope).strip()
    if not _is_callable(url):
        return _failed("url", "the URL must begin with http:// or https:// and name a host")
    headers = {name: render(value, scope).strip() for name, value in point.headers.items()}
    for name, value in headers.items():
        problem = _header_problem(name, value)
        if problem:
            return _failed("header", problem)
    return WebhookCall(
        key=message_key(version, message),
        application_code=version.application_code,
        url=url,
        method=point.method,
        headers=headers,
        body=render(point.body, scope),
        timeout_seconds=_time_limit(message, version, known, point, now),
        at=now,
    )


def _is_callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # refuses what is no number
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not _CONTROL.search(url)


def _header_problem(name: str, value: str) -> str | None:
    if not _HEADER_NAME.fullmatch(name):
        return f"`{name}` is no name of a header"
    if name.lower() in OUR_HEADERS or name.lower().startswith("sojourn-"):
        return f"header `{name}` cannot be set"
    if _CONTROL.search(value):
        return f"the value of header `{name}` holds a line break or another control character"
    return None


def _time_limit(
    message: ClaimedMessage, version: Version, known: PointOfMessage, point: Webhook, now: datetime
) -> float:
    """Return how long an attempt may take. Where a person waits, all attempts after the first share the time limit."""
    if not known.holds_people or message.attempt == 1:
        return point.timeout_seconds
    spent = (now - version.earliest(message, "webhook")).total_seconds()
    return min(point.timeout_seconds, max(1.0, point.timeout_seconds - spent))
