"""Address guard: which addresses a URL that somebody typed may lead to.

A webhook's URL is written by a customer and called from inside our network, so it must not reach what only our network
can reach. Names are resolved here, and the connection goes to the very address that was checked: a name that is
resolved again may answer differently the second time.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

NAT64 = IPv6Network("64:ff9b::/96")


class AddressForbidden(Exception):
    """A host leads only to addresses that webhooks may not reach."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order in which to try them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class AddressGuard:
    """Lets public addresses pass, and those in `allowed_networks`."""

    def __init__(self, allowed_networks: Sequence[str] = (), resolver: Resolver = resolve) -> None:
        self._allowed = [ip_network(network) for network in allowed_networks]
        self._resolve = resolver

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host that may be connected to.

        Raises:
            AddressForbidden: There are addresses, and none of them may.
            OSError: The name cannot be resolved.
        """
        found = await self._resolve(host.removeprefix("[").removesuffix("]"), port)
        permitted = [address for address in found if self.is_permitted(address)]
        if not permitted:
            raise AddressForbidden(f"the address of `{host}` is not public")
        return permitted

    def is_permitted(self, address: str) -> bool:
        """Tell whether an address may be connected to.

        >>> guard = AddressGuard(["10.1.0.0/16"])
        >>> [guard.is_permitted(address) for address in ("192.0.2.1", "1.1.1.1", "10.1.2.3", "::ffff:127.0.0.1")]
        [False, True, True, False]
        """
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        reached = list(_reached(parsed))
        if any(each in network for each in reached for network in self._allowed):
            return True
        return all(_is_public(each) for each in reached)


def _reached(address: Address) -> Iterator[Address]:
    """Name the address, and the IPv4 addresses that it is a disguise of."""
    yield address
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            yield address.ipv4_mapped
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo
        if address in NAT64:
            yield IPv4Address(int(address) & 0xFFFF_FFFF)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None or address in NAT64:
            return True  # judged by the IPv4 address inside
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified
