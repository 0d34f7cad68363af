"""Signing: how a receiver knows that a webhook came from us, unchanged and lately. Pure."""

import hmac
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

SIGNATURE_HEADER = "Sojourn-Signature"
TOLERANCE = timedelta(minutes=5)

_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def app_key(signing_key: str, application_code: str) -> str:
    """Return the key that signs the webhooks of one app; the one to give to its receivers.

    Each app has its own, made from the installation's, so that nobody can sign in another's name.

    >>> app_key("installation", "AAAAA-11111")[:14]
    'whsec_42974fab'
    """
    return "whsec_" + hmac.new(signing_key.encode(), application_code.encode(), sha256).hexdigest()


def sign(key: str, body: bytes, at: datetime) -> str:
    """Return the value of the signature header: the time, and a HMAC-SHA256 over the time, a dot and the body."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(key, seconds, body)}"


def is_authentic(key: str, body: bytes, signature: str, now: datetime, tolerance: timedelta = TOLERANCE) -> bool:
    """Tell whether `signature` is ours for `body`, and not older than `tolerance`."""
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        return False
    seconds = int(found[1])
    is_ours = hmac.compare_digest(found[2], _digest(key, seconds, body))
    return is_ours and abs(now - datetime.fromtimestamp(seconds, UTC)) <= tolerance


def _digest(key: str, seconds: int, body: bytes) -> str:
    return hmac.new(key.encode(), f"{seconds}.".encode() + body, sha256).hexdigest()
