"""Settle: what an outcome means for a message, for the tallies and for the enrollment that may wait for it. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from sojourn.delivery.compose import Rejection
from sojourn.delivery.messages import Accepted, Outcome, Refused, Retry
from sojourn.delivery.retry import PATIENT, PROMPT, next_attempt_at
from sojourn.model.points import SaveResponse, Webhook
from sojourn.store.delivery import ClaimedMessage, Status

MAX_DETAIL = 500
MAX_SAVED_BYTES = 20_000
"""Of all values that one answer adds to an entry."""

SUCCEEDED, FAILED = 0, 1
"""Outputs of a webhook by number."""

# PostgreSQL's text has no zero byte, UTF-8 no surrogates, and a cell is no place for control characters.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What to write about a message. Fields as in `store.delivery.record_outcomes`."""

    shard: int
    message_id: int
    attempt: int
    status: Status
    due_at: datetime | None = None
    is_spent: bool = True
    address: str | None = None
    provider_ref: str | None = None
    detail: str | None = None
    metric: str = ""
    reason: str = ""
    output: int | None = None
    entry: str | None = None

    def bare(self) -> "Result":
        """Return the same without anything that others wrote."""
        return replace(self, address=None, provider_ref=None, detail=None, entry=None)


def postpone(message: ClaimedMessage, until: datetime) -> Result:
    """Put a message back without having tried."""
    return Result(
        shard=message.shard,
        message_id=message.message_id,
        attempt=message.attempt,
        status="queued",
        due_at=until,
        is_spent=False,
    )


def reject(message: ClaimedMessage, rejection: Rejection, *, holding: Webhook | None) -> Result:
    """End a message that no provider saw."""
    return Result(
        shard=message.shard,
        message_id=message.message_id,
        attempt=message.attempt,
        status=rejection.status,
        address=message.address,
        detail=clean(rejection.detail),
        metric=rejection.status,
        reason=rejection.reason,
        output=None if holding is None else FAILED,
    )


def settle(
    message: ClaimedMessage,
    outcome: Outcome,
    *,
    now: datetime,
    chance: float,
    holding: Webhook | None,
    since: datetime | None = None,
) -> Result:
    """Turn a provider's outcome into what is written.

    Args:
        message: As claimed.
        outcome: Of this attempt.
        now: The instant of the outcome.
        chance: From 0 to 1, for the pause before the next attempt.
        holding: The point at which the person waits for the outcome, if so.
        since: From when the time limit of that point counts; None: since the message was made.
    """
    match outcome:
        case Accepted():
            return Result(
                shard=message.shard,
                message_id=message.message_id,
                attempt=message.attempt,
                status="sent",
                address=message.address,
                provider_ref=clean(outcome.ref) or None,
                metric="sent",
                output=None if holding is None else SUCCEEDED,
                entry=None if holding is None else saved_values(outcome.body, holding.save_response),
            )
        case Refused():
            return reject(message, Rejection(status="failed", reason="refused", detail=outcome.detail), holding=holding)
        case Retry():
            return _settle_retry(message, outcome, now, chance, holding, since or message.created_at)


def _settle_retry(
    message: ClaimedMessage, outcome: Retry, now: datetime, chance: float, holding: Webhook | None, since: datetime
) -> Result:
    deadline = None if holding is None else since + timedelta(seconds=holding.timeout_seconds)
    again = next_attempt_at(
        PATIENT if holding is None else PROMPT,
        attempt=message.attempt,
        now=now,
        chance=chance,
        asked=outcome.after,
        deadline=deadline,
    )
    if again is None:
        rejection = Rejection(status="failed", reason="unreachable", detail=f"gave up: {outcome.detail}")
        return reject(message, rejection, holding=holding)
    return Result(
        shard=message.shard,
        message_id=message.message_id,
        attempt=message.attempt,
        status="queued",
        due_at=again,
        address=message.address,
        detail=clean(outcome.detail),
        metric="retried",
    )


def clean(text: str) -> str:
    r"""Make a stranger's words fit to be stored: no control characters, not too many.

    >>> clean("550 no\x00body\ud800 here")
    '550 no body  here'
    """
    return _UNWRITABLE.sub(" ", text)[:MAX_DETAIL]


def saved_values(body: bytes, wanted: Iterable[SaveResponse]) -> str:
    r"""Return the values that a webhook keeps of an answer, as a JSON object. What is not there is left out.

    >>> saved_values(b'{"data": {"items": [{"id": 7}]}}', [SaveResponse(path="data.items.0.id", name="order")])
    '{"order":7}'
    >>> saved_values(b"<html>", [SaveResponse(path="id", name="order")])
    '{}'
    """
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return "{}"
    found = {save.name: value for save in wanted if (value := _value_at(answer, save.path)) is not None}
    encoded = msgspec.json.encode(found)
    # jsonb has no zero character either.
    return "{}" if len(encoded) > MAX_SAVED_BYTES or b"\\u0000" in encoded else encoded.decode()


def _value_at(answer: Any, path: str) -> Any:  # noqa: ANN401 - JSON of a stranger
    value = answer
    for step in path.split("."):
        match value:
            case dict():
                value = cast("dict[str, Any]", value).get(step)
            case list() if (
                step.isascii() and step.isdigit() and len(step) < 8 and int(step) < len(cast("list[Any]", value))
            ):
                value = cast("list[Any]", value)[int(step)]
            case _:
                return None
    return value
