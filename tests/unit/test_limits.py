"""Rate limits and addresses: who is counted, for how long, and whose word counts on who they are."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from litestar import Request

from sojourn.api.common.addresses import Proxies
from sojourn.api.common.rate_limits import RateLimit, TooOften

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def passes(limit: RateLimit, key: str) -> bool:
    try:
        limit.count(key)
    except TooOften:
        return False
    return True


def test_a_minute_begins_with_the_first_request() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)
    assert [passes(limit, "a") for _ in range(3)] == [True, True, False]
    assert passes(limit, "b")
    clock.advance(59.5)
    with pytest.raises(TooOften) as refused:
        limit.count("a")
    assert refused.value.retry_after_s == 1
    clock.advance(0.5)
    assert [passes(limit, "a") for _ in range(3)] == [True, True, False]
    clock.advance(-3600)  # a clock that was set back locks nobody out
    assert passes(limit, "a")


def test_no_limit_counts_nothing() -> None:
    limit = RateLimit(0, Clock())
    assert all(passes(limit, "a") for _ in range(1000))


def test_the_memory_of_a_limit_is_bounded() -> None:
    clock = Clock()
    limit = RateLimit(1, clock, keys_max=3)
    for key in "abcd":
        assert passes(limit, key)
        clock.advance(1)
    assert [passes(limit, key) for key in "bcd"] == [False, False, False]
    assert passes(limit, "a")  # forgotten, since it began first
    assert len(limit._windows) == 3
    clock.advance(100)
    assert passes(limit, "z")
    assert len(limit._windows) == 1


def request(peer: str | None, scheme: str = "http", **headers: str) -> Request[Any, Any, Any]:
    """Return a request; a header of several lines has a line break between them."""
    scope = {
        "type": "http",
        "scheme": scheme,
        "path": "/",
        "headers": [
            (name.replace("_", "-").encode(), line.encode())
            for name, lines in headers.items()
            for line in lines.split("\n")
        ],
        "client": (peer, 1) if peer else None,
        "server": ("site", 80),
        "query_string": b"",
        "state": {},
    }
    return Request(cast("Any", scope))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1\n198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "unknown"),
        ("::ffff:10.0.0.1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8::1", "198.51.100.1", "2001:db8::/64"),
        (None, "198.51.100.1", "unknown"),
    ],
)
def test_only_trusted_proxies_say_whom_they_speak_for(peer: str | None, forwarded: str, client: str) -> None:
    assert Proxies(["10.0.0.0/8"]).client(request(peer, x_forwarded_for=forwarded)) == client
    if peer == "10.0.0.1":
        assert Proxies().client(request(peer, x_forwarded_for=forwarded)) == "10.0.0.1"


def test_only_trusted_proxies_say_that_it_came_over_tls() -> None:
    assert Proxies().is_secure(request("203.0.113.7", "https"))
    assert Proxies(["10.0.0.0/8"]).is_secure(request("10.0.0.1", x_forwarded_proto="https"))
    assert not Proxies(["10.0.0.0/8"]).is_secure(request("10.0.0.1", x_forwarded_proto="https\nhttp"))
    assert not Proxies(["10.0.0.0/8"]).is_secure(request("203.0.113.7", x_forwarded_proto="https"))
    assert not Proxies().is_secure(request("10.0.0.1", x_forwarded_proto="https"))
