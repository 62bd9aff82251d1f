"""Which client a connection is counted for: its IPv4 address, or the /64 network of its IPv6 address."""

from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, cast, final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["PRIVATE_NETWORKS", "AddressFilter"]

PRIVATE_NETWORKS: Final[tuple[str, ...]] = (
    "127.0.0.0/8",  # loopback
    "::1/128",
    "10.0.0.0/8",  # RFC 1918
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # RFC 6598, behind a provider's translation of addresses
    "169.254.0.0/16",  # link-local: RFC 3927, RFC 4291
    "fe80::/10",
    "fc00::/7",  # unique local: RFC 4193
)
"""The networks that are no client's own: behind a proxy that does not pass the client's address on, everybody has
the proxy's, which most often is one of these."""

_REMEMBERED: Final = 4096
"""Hosts whose key is kept: reading an address takes microseconds."""

_LONGEST: Final = 64
"""Characters of a host that is remembered: more than any address has, its scope id included."""

_MAPPED: Final = IPv6Network("::ffff:0:0/96")
"""IPv4-mapped addresses (RFC 4291 section 2.5.5.2), by which a server that listens on IPv6 tells of IPv4 clients."""

_HOST_BITS: Final = 64
"""A client is given a /64 at least (RFC 6177), so that it has any number of addresses in it."""


@final
class AddressFilter:
    """Tells what a connection is counted by, and which connections are not counted.

    Args:
        networks: Those whose addresses are not counted, as ``"10.0.0.0/8"`` or ``"2001:db8::1"``.

    Raises:
        ValueError: An entry is no network; the message names it.
    """

    __slots__ = ("_key", "_remembered")

    def __init__(self, networks: "Sequence[str]") -> None:
        self._key: Callable[[str], str | None] = partial(_key, tuple(map(_network, networks)))
        self._remembered: Callable[[str], str | None] = lru_cache(_REMEMBERED)(self._key)

    def key(self, client: object, /) -> str | None:
        """Give what a connection is counted by; raises nothing, whatever the server says.

        Args:
            client: ASGI's ``scope["client"]``: host and port.

        Returns:
            An IPv4 address, or an IPv6 network; ``None``: not counted, for the address is in one of ``networks``, or
            there is none (a Unix socket, a test's client).
        """
        if not isinstance(client, (list, tuple)) or not client:
            return None
        host = cast("Sequence[object]", client)[0]
        if not isinstance(host, str):
            return None
        return self._remembered(host) if len(host) <= _LONGEST else self._key(host)


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(entry, strict=False)
    except ValueError as error:
        raise ValueError(f"{entry!r} is no network: {error}") from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        # Such a client is counted as IPv4, and looked for as that.
        mapped = network.network_address.ipv4_mapped or 0
        return IPv4Network((int(mapped), network.prefixlen - _MAPPED.prefixlen))
    return network


def _key(networks: "Sequence[IPv4Network | IPv6Network]", host: str) -> str | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A scope id names an interface of this machine, not the client.
        address = address.ipv4_mapped or IPv6Address(int(address))
    if any(address in network for network in networks):
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address) >> _HOST_BITS << _HOST_BITS, _HOST_BITS)))
