"""Where a web address may lead."""

from __future__ import annotations

import socket

import pytest

from runtime.sinks.destination import addresses, is_public
from runtime.sinks.sink import Unavailable


@pytest.mark.parametrize("number", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(number: str) -> None:
    assert is_public(number)


@pytest.mark.parametrize(
    "number",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:192.168.1.1", "64:ff9b::7f00:1", "2002:c0a8:101::"),
        *("fec0::1", "::127.0.0.1", "::ffff:0:7f00:1", "64:ff9b:1::a00:1", "192.88.99.1", "::ffff:192.88.99.1"),
        *("2001:0:7f00:1::", "2002:c058:6301::"),
    ],
)
def test_addresses_of_this_machine_and_network_are_not(number: str) -> None:
    assert not is_public(number)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.1", "2130706433", "0x7f000001"])
def test_a_host_of_this_machine_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(Unavailable, match="allow_private"):
        addresses(host, 80, allow_private=False)
    assert addresses(host, 80, allow_private=True)


def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, 80)) for number in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(Unavailable, match=r"10\.0\.0\.1"):
        addresses("example.org", 80, allow_private=False)
    assert addresses("example.org", 80, allow_private=True) == ["8.8.8.8", "10.0.0.1"]


def test_a_host_that_is_not_found_is_told() -> None:
    with pytest.raises(Unavailable, match=r"nowhere\.invalid: not found"):
        addresses("nowhere.invalid", 80, allow_private=False)
    with pytest.raises(Unavailable, match="not found"):
        addresses("a..b", 80, allow_private=False)
