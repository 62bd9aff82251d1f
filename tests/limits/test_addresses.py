"""limits/addresses.py"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ws.limits import PRIVATE_NETWORKS, AddressFilter

everybody = AddressFilter(())
public = AddressFilter(PRIVATE_NETWORKS)


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::1%eth1", "fe80::/64"),
        ("::ffff:203.0.113.7%eth0", "203.0.113.7"),
        (f"fe80::1%{'x' * 80}", "fe80::/64"),
    ],
)
def test_a_client_is_counted_by_its_ipv4_address_or_its_ipv6_network(host: str, key: str) -> None:
    assert everybody.key((host, 50000)) == key
    assert everybody.key([host, 50000]) == key


@pytest.mark.parametrize(
    "client",
    [
        None,
        (),
        [],
        ("", 0),
        ("testclient", 50000),
        ("/run/app.sock", None),
        (None, None),
        (b"203.0.113.7", 1),
        (3405803783, 1),
        "203.0.113.7",
        {0: "203.0.113.7"},
        ("203.0.113.7:80", 1),
        ("203.0.113.7%eth0", 1),
        ("fe80::1%", 1),
        ("x" * 1000, 1),
    ],
)
def test_what_is_no_address_is_not_counted(client: object) -> None:
    assert everybody.key(client) is None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "::1",
        "10.1.2.3",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.1.1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.1.2.3",
    ],
)
def test_private_addresses_are_not_counted_by_default(host: str) -> None:
    assert public.key((host, 1)) is None
    assert everybody.key((host, 1)) is not None


@pytest.mark.parametrize("host", ["172.32.0.1", "100.128.0.1", "11.0.0.1", "128.0.0.1", "2001:db8::1", "::2"])
def test_the_neighbours_of_private_networks_are_counted(host: str) -> None:
    assert public.key((host, 1)) is not None


def test_a_network_may_be_an_address_or_have_bits_of_a_host_or_be_ipv4_mapped() -> None:
    addresses = AddressFilter(["198.51.100.9", "203.0.113.99/24", "2001:db8::5", "::ffff:192.0.2.0/120"])
    assert addresses.key(("198.51.100.9", 1)) is None
    assert addresses.key(("198.51.100.10", 1)) == "198.51.100.10"
    assert addresses.key(("203.0.113.1", 1)) is None
    assert addresses.key(("2001:db8::5", 1)) is None
    assert addresses.key(("2001:db8::6", 1)) == "2001:db8::/64"
    assert addresses.key(("192.0.2.200", 1)) is None
    assert addresses.key(("::ffff:192.0.2.200", 1)) is None
    assert addresses.key(("192.0.3.1", 1)) == "192.0.3.1"


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "localhost", "", "2001:db8::/129"])
def test_an_entry_that_is_no_network_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=f"^{entry!r} is no network: "):
        AddressFilter(["10.0.0.0/8", entry])


def test_hosts_are_remembered_up_to_a_bound_and_long_ones_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counting(host: str) -> IPv4Address | IPv6Address:
        read.append(host)
        return ip_address(host)

    monkeypatch.setattr("django_ws.limits.addresses.ip_address", counting)
    found = AddressFilter(())
    for _ in range(3):
        assert found.key(("203.0.113.7", 1)) == "203.0.113.7"
    assert len(read) == 1
    for number in range(4096):
        found.key((str(IPv4Address(number)), 1))
    assert found.key(("203.0.113.7", 1)) == "203.0.113.7"
    assert len(read) == 1 + 4096 + 1
    read.clear()
    for _ in range(2):
        found.key(("x" * 65, 1))
    assert len(read) == 2


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_is_its_own_key_unless_it_is_in_a_network(address: IPv4Address) -> None:
    assert everybody.key((str(address), 1)) == str(address)
    assert everybody.key((f"::ffff:{address}", 1)) == str(address)
    private = any(address in ip_network(network) for network in PRIVATE_NETWORKS)
    assert (public.key((str(address), 1)) is None) == private


@given(st.ip_addresses(v=6))
def test_every_ipv6_address_is_counted_by_the_network_it_is_in(address: IPv6Address) -> None:
    key = everybody.key((str(address), 1))
    assert key is not None
    if address.ipv4_mapped is None:
        network = IPv6Network(key)
        assert network.prefixlen == 64
        assert address in network
    else:
        assert key == str(address.ipv4_mapped)


rubbish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.ip_addresses().map(str),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


@given(rubbish | st.tuples(st.text() | st.from_regex(r"[0-9a-f:.%/\[\]]{1,70}"), st.integers()))
def test_no_rubbish_raises(client: object) -> None:
    assert public.key(client) is None or isinstance(client, (list, tuple))
