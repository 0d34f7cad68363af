"""Address guard: what a webhook may not reach, in all its disguises."""

from collections.abc import Sequence

import httpcore
import pytest

from sojourn.delivery.address_guard import AddressForbidden, AddressGuard, resolve
from sojourn.delivery.http_client import GuardedBackend

FORBIDDEN = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
    "2002:a00:1::1",
    "::127.0.0.1", "not an address",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_forbidden(address: str) -> None:
    assert not AddressGuard().is_permitted(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_permitted(address: str) -> None:
    assert AddressGuard().is_permitted(address)


def test_allowed_networks_open_the_way() -> None:
    guard = AddressGuard(["10.1.0.0/16", "fd12::/16"])
    assert guard.is_permitted("10.1.2.3")
    assert guard.is_permitted("::ffff:10.1.2.3")
    assert guard.is_permitted("fd12::1")
    assert not guard.is_permitted("10.2.0.1")


class Names:
    """A name server that answers differently each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers.pop(0)


async def test_of_several_addresses_the_permitted_ones_are_tried() -> None:
    names = Names(["10.0.0.1", "1.1.1.1", "::1"])
    assert await AddressGuard(resolver=names.resolve).addresses("a.example", 443) == ["1.1.1.1"]


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]"])
async def test_spellings_of_loopback_are_seen_through(host: str) -> None:
    with pytest.raises(AddressForbidden):
        await AddressGuard(resolver=resolve).addresses(host, 80)


async def test_a_name_that_changes_its_mind_is_asked_once() -> None:
    """The connection goes to the address that was checked; a second question would get a forbidden answer."""
    connected: list[str] = []

    class Network(httpcore.AsyncMockBackend):
        async def connect_tcp(self, host, *args, **kwargs):
            connected.append(host)
            return await super().connect_tcp(host, *args, **kwargs)

    names = Names(["1.1.1.1"], ["127.0.0.1"])
    backend = GuardedBackend(AddressGuard(resolver=names.resolve))
    backend._network = Network([])
    await backend.connect_tcp("rebind.example", 80)
    assert (connected, names.asked) == (["1.1.1.1"], 1)
    with pytest.raises(AddressForbidden):
        await backend.connect_tcp("rebind.example", 80)
