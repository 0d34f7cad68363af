"""Signatures: whether a post to a hook comes from who shares its secret. Pure; comparisons take constant time."""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime

from sojourn.model.hooks import Verification

_TIME = re.compile(r"[0-9]{1,12}")


def is_genuine(
    how: Verification, secret: str, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], now: datetime
) -> bool:
    """Tell whether the sender knows the secret. `headers` are found whatever their case.

    >>> from datetime import UTC
    >>> how = Verification(scheme="header", name="X-Secret")
    >>> is_genuine(how, "s", b"", {"x-secret": "s"}, {}, datetime(2026, 3, 1, tzinfo=UTC))
    True
    """
    match how.scheme:
        case "none":
            return True
        case "header":
            return _is_same(headers.get(how.name.lower(), ""), secret)
        case "query":
            return _is_same(query.get(how.name, ""), secret)
        case "hmac":
            given = headers.get(how.name.lower(), "").strip()
            return given.startswith(how.prefix) and _is_same(given[len(how.prefix) :], _sign(how, secret, body))
        case "hmac_timestamped":
            return _is_timely(how, secret, body, headers.get(how.name.lower(), ""), now)


def _is_timely(how: Verification, secret: str, body: bytes, header: str, now: datetime) -> bool:
    """Check `t=<seconds>,v1=<signature>`, of which there may be several signatures while a secret is being changed."""
    parts = [part.strip().partition("=") for part in header.split(",")][:20]
    times = [value for key, _, value in parts if key == "t"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or abs(now.timestamp() - int(times[0])) > how.tolerance_seconds:
        return False
    expected = _sign(how, secret, f"{times[0]}.".encode() + body)
    return any(_is_same(value, expected) for key, _, value in parts if key == "v1")


def _sign(how: Verification, secret: str, body: bytes) -> str:
    digest = hmac.new(secret.encode(), body, how.algorithm).digest()
    return digest.hex() if how.encoding == "hex" else b64encode(digest).decode()


def _is_same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(errors="surrogatepass"), expected.encode())
