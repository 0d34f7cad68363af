"""Addresses: who is at the other end of a request, also where a proxy stands between."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from sojourn.api.common.bodies import AnyRequest

UNKNOWN = "unknown"
FORWARDED_MAX = 20
"""Addresses of `X-Forwarded-For` that are looked at, from its end."""


class Proxies:
    """Whom to believe what they say of others: `X-Forwarded-For` and `X-Forwarded-Proto` count only from these."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = [ip_network(network) for network in networks]

    def client(self, request: AnyRequest) -> str:
        """Return the address of who asks: the last one that is no trusted proxy. IPv6 hosts are their /64 network."""
        peer = request.client.host if request.client else ""
        if self._networks and self.is_trusted(peer):
            named = _said(request, "x-forwarded-for")[-FORWARDED_MAX:]
            for each in reversed(named):
                peer = each
                if not self.is_trusted(each):
                    break
        return _spelled(peer)

    def is_secure(self, request: AnyRequest) -> bool:
        """Tell whether the request came over TLS, here or at a trusted proxy."""
        if request.url.scheme == "https":
            return True
        peer = request.client.host if request.client else ""
        if not self._networks or not self.is_trusted(peer):
            return False
        return _said(request, "x-forwarded-proto")[-1:] == ["https"]

    def is_trusted(self, address: str) -> bool:
        """Tell whether an address is a trusted proxy's."""
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _said(request: AnyRequest, header: str) -> list[str]:
    """Return what a header lists, in its order. Some proxies add a line of their own below that of who asks."""
    words = ",".join(request.headers.getall(header, [])).split(",")
    return [word.strip().lower() for word in words if word.strip()]


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


@lru_cache(10_000)
def _spelled(address: str) -> str:
    """Name whom a limit is for. A host of IPv6 has a network of addresses to choose from.

    >>> _spelled("203.0.113.7"), _spelled("2001:db8:1:2:3::4"), _spelled("nonsense")
    ('203.0.113.7', '2001:db8:1:2::/64', 'unknown')
    """
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed) if parsed is not None else UNKNOWN
