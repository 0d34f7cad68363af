"""Tracking: the addresses by which opens and clicks of messages are noticed. Pure.

An address names the message and, for a click, where it leads, and is signed: nobody can make one that leads elsewhere.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as MalformedBase64
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, NamedTuple

OPENS, CLICKS = "/t/o/", "/t/c/"
"""Where the addresses are on the server; a token follows."""

MAX_URL = 2000
"""Bytes. A longer link stays as it is: together with its signature it would be more than some mail programs take."""

_MESSAGE = struct.Struct(">HQ")
_SIGNATURE_SIZE = 16


class MessageRef(NamedTuple):
    """Which message."""

    shard: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Click:
    """Which message, and where its link leads."""

    message: MessageRef
    url: str


@dataclass(frozen=True, slots=True)
class Tracker:
    """Makes addresses.

    Attributes:
        base_url: Where the server is for those who get messages, without a slash at the end.
        key: See `tracking_key`.
    """

    base_url: str
    key: bytes = field(repr=False)

    def open_url(self, message: MessageRef) -> str:
        """Return the address of the image whose loading means that a message was opened."""
        return f"{self.base_url}{OPENS}{_token(self.key, 'open', _MESSAGE.pack(*message))}"

    def click_url(self, message: MessageRef, url: str) -> str:
        """Return the address that leads on to `url`."""
        target = url.encode(errors="replace")
        if len(target) > MAX_URL:
            return url
        return f"{self.base_url}{CLICKS}{_token(self.key, 'click', _MESSAGE.pack(*message) + target)}"


def tracking_key(secret: str) -> bytes:
    """Return the key that signs addresses, made from a secret of the installation."""
    return hmac.digest(secret.encode(), b"opens and clicks of messages", sha256)


def read_open(key: bytes, token: str) -> MessageRef | None:
    """Return the message of a token that `open_url` made; None for any other."""
    content = _content(key, "open", token)
    return None if content is None else MessageRef(*_MESSAGE.unpack(content))


def read_click(key: bytes, token: str) -> Click | None:
    """Return the message and the address of a token that `click_url` made; None for any other.

    >>> key = tracking_key("secret")
    >>> url = Tracker("https://j.example", key).click_url(MessageRef(3, 7), "https://shop.example/a?b=c")
    >>> read_click(key, url.removeprefix("https://j.example/t/c/"))
    Click(message=MessageRef(shard=3, message_id=7), url='https://shop.example/a?b=c')
    >>> read_click(tracking_key("another"), url.removeprefix("https://j.example/t/c/"))
    """
    content = _content(key, "click", token)
    if content is None:
        return None
    return Click(MessageRef(*_MESSAGE.unpack_from(content)), content[_MESSAGE.size :].decode())


def _token(key: bytes, purpose: Literal["click", "open"], content: bytes) -> str:
    return urlsafe_b64encode(_signature(key, purpose, content) + content).rstrip(b"=").decode()


def _content(key: bytes, purpose: Literal["click", "open"], token: str) -> bytes | None:
    """Return what was signed for a purpose; None for what was not."""
    try:
        signed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (MalformedBase64, ValueError):
        return None
    signature, content = signed[:_SIGNATURE_SIZE], signed[_SIGNATURE_SIZE:]
    return content if hmac.compare_digest(signature, _signature(key, purpose, content)) else None


def _signature(key: bytes, purpose: str, content: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b":" + content, sha256)[:_SIGNATURE_SIZE]
