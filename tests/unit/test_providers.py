"""Providers: recorded answers in, outcomes out; and the pure rules beside them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import pytest

from sojourn.delivery.links import campaign_parameters, tag_html, tag_text
from sojourn.delivery.messages import (
    Accepted,
    Email,
    HttpResponse,
    Logged,
    MailRequest,
    MailResponse,
    Outcome,
    Provider,
    Refused,
    Retry,
    WebhookCall,
)
from sojourn.delivery.pacing import Bucket
from sojourn.delivery.providers import PROVIDERS, LogProvider, SmtpProvider, WebhookProvider
from sojourn.delivery.retry import MAX_RETRY_AFTER, PATIENT, PROMPT, Backoff, next_attempt_at
from sojourn.delivery.signing import app_key, is_authentic
from sojourn.delivery.smtp_pool import SmtpPool, SmtpUrlMalformed, parse_smtp_url
from sojourn.model.points import Utm

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs" / "delivery.md"
SECRET = "s3cr3t-signing-key"
PASSWORD = "p4ssw0rd"


def http(status: int, body: bytes = b"", **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status=status, headers=named, body=body, received_at=NOON)


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    provider: Provider[Any, Any, Any]
    response: HttpResponse | MailResponse | Logged
    outcome: Outcome


SMTP, WEBHOOK = SmtpProvider(), WebhookProvider(SECRET)
HALF_A_MINUTE = timedelta(seconds=30)

CASES = [
    Case(name="log", provider=LogProvider(), response=Logged(), outcome=Accepted()),
    Case(
        name="postfix takes it",
        provider=SMTP,
        response=MailResponse(code=250, text="2.0.0 Ok: queued as 4XyZ"),
        outcome=Accepted(ref="4XyZ"),
    ),
    Case(
        name="exim takes it",
        provider=SMTP,
        response=MailResponse(code=250, text="OK id=1tABC-0001"),
        outcome=Accepted(ref="1tABC-0001"),
    ),
    Case(name="another takes it", provider=SMTP, response=MailResponse(code=250, text="OK"), outcome=Accepted()),
    Case(
        name="no such user",
        provider=SMTP,
        response=MailResponse(code=550, text="5.1.1 unknown user"),
        outcome=Refused(detail="550 5.1.1 unknown user"),
    ),
    Case(
        name="too large",
        provider=SMTP,
        response=MailResponse(code=552, text="too big"),
        outcome=Refused(detail="552 too big"),
    ),
    Case(
        name="greylisted",
        provider=SMTP,
        response=MailResponse(code=451, text="4.7.1 greylisted"),
        outcome=Retry(detail="451 4.7.1 greylisted"),
    ),
    Case(
        name="shutting down",
        provider=SMTP,
        response=MailResponse(code=421, text="bye"),
        outcome=Retry(detail="421 bye"),
    ),
    Case(name="ok", provider=WEBHOOK, response=http(200, b"{}"), outcome=Accepted(body=b"{}")),
    Case(name="no content", provider=WEBHOOK, response=http(204, x_request_id="r1"), outcome=Accepted(ref="r1")),
    Case(
        name="moved",
        provider=WEBHOOK,
        response=http(302, location="http://10.0.0.1/"),
        outcome=Refused(detail="http 302: redirects are not followed"),
    ),
    Case(
        name="not found",
        provider=WEBHOOK,
        response=http(404, b"no\n such\xff thing"),
        outcome=Refused(detail="http 404: no such\ufffd thing"),
    ),
    Case(
        name="too many",
        provider=WEBHOOK,
        response=http(429, retry_after="30"),
        outcome=Retry(detail="http 429", after=HALF_A_MINUTE),
    ),
    Case(
        name="too many, by date",
        provider=WEBHOOK,
        response=http(429, retry_after="Sat, 14 Mar 2026 12:00:30 GMT"),
        outcome=Retry(detail="http 429", after=HALF_A_MINUTE),
    ),
    Case(
        name="come back next year",
        provider=WEBHOOK,
        response=http(503, retry_after="31536000"),
        outcome=Retry(detail="http 503", after=MAX_RETRY_AFTER),
    ),
    Case(
        name="come back whenever",
        provider=WEBHOOK,
        response=http(503, retry_after="-1 or so"),
        outcome=Retry(detail="http 503"),
    ),
    Case(
        name="broken", provider=WEBHOOK, response=http(500, b"Traceback"), outcome=Retry(detail="http 500: Traceback")
    ),
    Case(name="timed out there", provider=WEBHOOK, response=http(408), outcome=Retry(detail="http 408")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_answer_has_its_outcome(case: Case) -> None:
    assert case.provider.outcome(case.response) == case.outcome


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_retry_is_bounded(case: Case) -> None:
    outcome = case.provider.outcome(case.response)
    if isinstance(outcome, Retry):
        assert outcome.after is None or timedelta() <= outcome.after <= MAX_RETRY_AFTER


def test_every_provider_is_tested() -> None:
    assert {type(case.provider) for case in CASES} == set(PROVIDERS)


def email(**changes: Any) -> Email:
    given = {"key": "j.1.7", "to": "ada@a.example", "from_email": "shop@s.example", "subject": "Hi", "at": NOON}
    return Email(**(cast("dict[str, Any]", given | {"text": "hello"}) | changes))


def call(**changes: Any) -> WebhookCall:
    given: dict[str, Any] = {
        "key": "j.1.7", "application_code": "AAAAA-11111", "url": f"https://u:{PASSWORD}@a.example/", "method": "POST",
        "headers": {"Authorization": f"Bearer {PASSWORD}"}, "body": '{"a": 1}', "timeout_seconds": 5, "at": NOON,
    }  # fmt: skip
    return WebhookCall(**(given | changes))


def test_no_secret_shows_in_a_repr() -> None:
    request = WEBHOOK.request(call())
    pool = SmtpPool(f"smtp://user:{PASSWORD}@localhost:2525")
    server = parse_smtp_url(f"smtp://user:{PASSWORD}@localhost:2525")
    shown = repr([WEBHOOK, call(), request, SMTP, SMTP.request(email()), pool, server])
    assert PASSWORD not in shown
    assert SECRET not in shown
    assert app_key(SECRET, "AAAAA-11111") not in shown
    assert "ada@a.example" not in shown


@pytest.mark.parametrize("message", [email(), call()], ids=["email", "webhook"])
def test_the_log_holds_ids_only(message: Email | WebhookCall) -> None:
    request = LogProvider().request(message)
    assert set(request.fields) == {"channel", "message", "size"}


# Webhook --------------------------------------------------------------------------------------------------------


def test_a_call_is_signed_and_can_be_recognised() -> None:
    request = WEBHOOK.request(call())
    again = WEBHOOK.request(call(at=NOON + timedelta(hours=1)))
    assert request.headers["sojourn-message-id"] == request.headers["idempotency-key"] == "j.1.7"
    assert again.headers["idempotency-key"] == "j.1.7"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {PASSWORD}"

    signature, key = request.headers["sojourn-signature"], app_key(SECRET, "AAAAA-11111")
    assert is_authentic(key, request.content, signature, NOON + timedelta(minutes=4))
    assert not is_authentic(key, request.content, signature, NOON + timedelta(minutes=6))
    assert not is_authentic(key, request.content + b" ", signature, NOON)
    assert not is_authentic(app_key(SECRET, "BBBBB-22222"), request.content, signature, NOON)
    assert not is_authentic(key, request.content, "t=1,v1=", NOON)


def test_the_documented_check_recognises_a_signature() -> None:
    snippet = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert snippet
    names: dict[str, Any] = {}
    exec(snippet[1], names)
    request, key = WEBHOOK.request(call(at=datetime.now(UTC))), app_key(SECRET, "AAAAA-11111")
    signature = request.headers["sojourn-signature"]
    assert names["is_from_sojourn"](key, request.content, signature)
    assert not names["is_from_sojourn"](key, b"other", signature)
    assert not names["is_from_sojourn"](key, request.content, WEBHOOK.request(call()).headers["sojourn-signature"])


def test_a_point_may_set_the_content_type() -> None:
    request = WEBHOOK.request(call(headers={"Content-Type": "text/plain"}))
    assert request.headers["content-type"] == "text/plain"
    assert "content-type" not in WEBHOOK.request(call(method="GET", body="", headers={})).headers


# Mail -----------------------------------------------------------------------------------------------------------


def parsed(request: MailRequest) -> EmailMessage:
    return cast("EmailMessage", message_from_bytes(request.content, policy=default))


def test_a_mail_has_both_forms_and_survives_seven_bits() -> None:
    message = email(
        subject="Grüße, Ada", from_name="Läden & Co.", text="Schöne Grüße", html="<p>Schöne <b>Grüße</b></p>" * 100
    )
    request = SMTP.request(message)
    assert request.content.isascii()
    mail = parsed(request)
    assert mail["Subject"] == "Grüße, Ada"
    assert mail["From"].addresses[0].display_name == "Läden & Co."
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.iter_parts()
    assert cast("EmailMessage", plain).get_content().strip() == "Schöne Grüße"
    assert cast("EmailMessage", html).get_content().strip() == message.html


def test_a_mail_is_the_same_one_in_every_attempt() -> None:
    first, second = (parsed(SMTP.request(email(at=at))) for at in (NOON, NOON + timedelta(hours=3)))
    assert first["Message-ID"] == second["Message-ID"] == "<j.1.7@s.example>"


def test_copies_are_blind() -> None:
    request = SMTP.request(email(bcc=("boss@s.example", "log@s.example"), reply_to="help@s.example"))
    assert request.recipients == ("ada@a.example", "boss@s.example", "log@s.example")
    assert b"boss@" not in request.content
    assert parsed(request)["Reply-To"] == "help@s.example"


def test_a_domain_goes_in_ascii() -> None:
    request = SMTP.request(email(to="ada@bücher.example", from_email="shop@läden.example"))
    assert request.recipients == ("ada@xn--bcher-kva.example",)
    assert request.sender == "shop@xn--lden-loa.example"


@pytest.mark.parametrize("url", ["http://a", "smtp://", "smtp://a:port", "smtp://a?tls=maybe", "smtps://a?x=1", "a:25"])
def test_a_malformed_address_of_a_mail_server_is_refused(url: str) -> None:
    with pytest.raises(SmtpUrlMalformed):
        parse_smtp_url(url)


# Retry ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backoff", [PATIENT, PROMPT], ids=["patient", "prompt"])
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_tries_end(backoff: Backoff, chance: float) -> None:
    now, attempt = NOON, 1
    while (again := next_attempt_at(backoff, attempt=attempt, now=now, chance=chance)) is not None:
        assert timedelta(seconds=1) <= again - now <= max(backoff.limit(attempt), timedelta(seconds=1))
        now, attempt = again, attempt + 1
    assert attempt == backoff.max_attempts
    assert now - NOON < timedelta(days=2)


def test_a_provider_may_ask_for_more_time_but_not_for_ever() -> None:
    def after(asked: timedelta) -> timedelta:
        again = next_attempt_at(PATIENT, attempt=1, now=NOON, chance=0.5, asked=asked)
        assert again is not None
        return again - NOON

    assert after(timedelta(seconds=1)) == HALF_A_MINUTE
    assert after(timedelta(hours=1)) == timedelta(hours=1)
    assert after(timedelta(days=400)) == MAX_RETRY_AFTER


def test_no_attempt_starts_after_the_deadline() -> None:
    soon = NOON + timedelta(seconds=2)
    assert next_attempt_at(PROMPT, attempt=1, now=NOON, chance=0.0, deadline=soon) == NOON + timedelta(seconds=1)
    assert next_attempt_at(PROMPT, attempt=1, now=NOON, chance=1.0, deadline=soon) is None


def test_a_pace_is_never_exceeded_and_always_reached() -> None:
    """A thousand messages at a hundred a second: each comes back when told, until it goes."""
    bucket, waiting, gone = Bucket.full(100, NOON), [(NOON, n) for n in range(1000)], []
    while waiting:
        waiting.sort()
        at, n = waiting.pop(0)
        until = bucket.postponed_until(100, at)
        if until is None:
            gone.append(at)
        else:
            assert until > at
            waiting.append((until, n))
    assert timedelta(seconds=9) < gone[-1] - NOON < timedelta(seconds=12)
    busiest = max(sum(at <= other < at + timedelta(seconds=1) for other in gone) for at in gone)
    assert busiest <= 126


# Links ----------------------------------------------------------------------------------------------------------

MAIL = campaign_parameters(Utm(source="mail", campaign="Spring & Co"))


def test_links_of_html_get_campaign_parameters() -> None:
    html = (
        '<a class="b" href="https://a.example/?x=1&amp;y=2#z">a</a><a href=\'http://b.example\'>b</a>'
        '<a href="mailto:c@c.example">c</a><img src="https://d.example/d.png"><a href="{{broken">e</a>'
    )
    assert tag_html(html, MAIL) == (
        '<a class="b" href="https://a.example/?x=1&amp;y=2&amp;utm_source=mail&amp;utm_campaign=Spring+%26+Co#z">a</a>'
        "<a href='http://b.example?utm_source=mail&amp;utm_campaign=Spring+%26+Co'>b</a>"
        '<a href="mailto:c@c.example">c</a><img src="https://d.example/d.png"><a href="{{broken">e</a>'
    )
    assert tag_html(html, {}) == html


def test_addresses_in_text_get_campaign_parameters() -> None:
    assert tag_text("See (https://a.example/b), or http://[bad!", MAIL) == (
        "See (https://a.example/b?utm_source=mail&utm_campaign=Spring+%26+Co), or http://[bad!"
    )
