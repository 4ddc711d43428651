"""Where a web address leads: looked up once, checked, and then connected to, so that no second look-up can differ."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

from runtime.sinks.sink import Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 6052: addresses of the old Internet, as seen from a network that only has the new one.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What else leads into a network of one's own, and is taken for public: old site-local addresses, those that hold one of
# the old Internet in ways that are given up (RFC 4291, 2765), NAT64 of a network's own (RFC 8215), relays (RFC 7526).
_OWN = [
    ipaddress.ip_network(each) for each in ("fec0::/10", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "192.88.99.0/24")
]


def addresses(host: str, port: int, allow_private: bool) -> list[str]:
    """The addresses of a host, numbers, in the order in which they are to be tried.

    Raises Unavailable when it has none, or when one is of this machine or of the local network and that is not allowed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{host}: not found ({getattr(error, 'strerror', None) or 'no name of a host'})") from error
    numbers = list(dict.fromkeys(str(place[0]) for *_, place in found))
    if not allow_private:
        for number in numbers:
            if not is_public(number):
                advice = "write allow_private: true if it is meant"
                raise Unavailable(f"{host} is {number}, an address of this machine or network; {advice}")
    return numbers


def is_public(number: str) -> bool:
    """Whether an address is one of the Internet at large."""
    address = ipaddress.ip_address(number.partition("%")[0])
    return all(_is_public(each) for each in _meant(address))


def _is_public(address: Address) -> bool:
    own = any(address in network for network in _OWN if network.version == address.version)
    return address.is_global and not address.is_multicast and not own


def _meant(address: Address) -> Iterator[Address]:
    """An address, and what it stands for."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        # Older Pythons take all of these for private.
        yield address.ipv4_mapped
        return
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        if address.sixtofour is not None:
            yield address.sixtofour
        if address in _NAT64:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
