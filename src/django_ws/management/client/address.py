"""Where ``ws_connect`` goes: a URL, and the headers that go with it, made of what stands in the command line."""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.utils.encoding import iri_to_uri

from django_ws.reverse import base_url

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEFAULT_SERVER", "Address", "read_address"]

DEFAULT_SERVER: Final = "http://127.0.0.1:8000"
"""Where ``manage.py runserver`` serves."""

_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_OF_ORIGIN: Final = {"ws": "http", "wss": "https"}
_PORTS: Final = {"ws": 80, "wss": 443}
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a header's name is made of (RFC 9110 section 5.6.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to connect, and as what."""

    url: str
    """``ws://`` or ``wss://``; its host is what the server is told."""
    host: str
    """What is connected to: that host, unless a header ``Host`` names another one."""
    port: int
    path: str
    """The path alone, as a route sees it."""
    origin: str | None
    """``None``: no such header, as of a client that is no browser."""
    is_own_origin: bool
    """Whether that is the server's own, or none: neither is a reason for a denial."""
    headers: tuple[tuple[str, str], ...]
    """More of them, without ``Host``."""
    is_direct: bool
    """Whether no proxy leads there: it is this machine, or a header ``Host`` names what is not connected to."""

    def with_cookie(self, cookie: str, /) -> "Address":
        """Give the same with one cookie more, ``"name=value"``, which goes before those of the command line."""
        others = [value for name, value in self.headers if name.lower() == "cookie"]
        rest = tuple(pair for pair in self.headers if pair[0].lower() != "cookie")
        return replace(self, headers=(*rest, ("Cookie", "; ".join([cookie, *others]))))


def read_address(
    path: str, *, server: str | None = None, headers: "Iterable[str]" = (), origin: str | None = None
) -> Address:
    """Read the command line.

    Args:
        path: Of a route; or a whole URL.
        server: A URL, a host with or without port, or a port; ``None``: ``WS_BASE_URL``, else :data:`DEFAULT_SERVER`.
        headers: Each as ``"Name: value"``.
        origin: ``None``: the server's own, which the check of ``Origin`` lets in; ``""``: none.

    Raises:
        CommandError: Something of it cannot be read.
    """
    url = _whole_url(path, server)
    read = _read_headers(headers)
    called = [value for name, value in read if name.lower() == "host"]
    netloc = called[-1] if called else url.netloc
    own = f"{_OF_ORIGIN[url.scheme]}://{netloc.rpartition('@')[2]}"
    return Address(
        url=url._replace(netloc=netloc).geturl(),
        host=url.hostname or "",
        port=url.port or _PORTS[url.scheme],
        path=url.path,
        origin=own if origin is None else origin or None,
        is_own_origin=origin in {None, "", own},
        headers=tuple(pair for pair in read if pair[0].lower() != "host"),
        is_direct=bool(called) or _is_here(url.hostname or ""),
    )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _whole_url(path: str, server: str | None) -> SplitResult:
    if "://" in path.partition("?")[0]:
        if server is not None:
            raise CommandError(f"{path!r} is a whole URL; leave out --host, or give the path alone")
        return _split(path)
    base = _split(_server_url(server))
    if base.query:
        raise CommandError(f"The server's URL {server!r} has a query; write it behind the path")
    # The path may be that of an application behind a prefix.
    return _split(f"{base.scheme}://{base.netloc}{base.path.rstrip('/')}/{path.removeprefix('/')}")


def _server_url(server: str | None) -> str:
    if server is None:
        try:
            return base_url() or DEFAULT_SERVER
        except ImproperlyConfigured as error:
            raise CommandError(f"{error}; or name the server with --host") from error
    if server.isdecimal():
        return f"http://127.0.0.1:{server}"
    if server.startswith(":"):
        return f"http://127.0.0.1{server}"
    return server if "://" in server else f"http://{server}"


def _split(url: str) -> SplitResult:
    try:
        split = urlsplit(iri_to_uri(url))
        port = split.port
    except ValueError as error:
        raise CommandError(f"{url!r} is no URL of a server: {error}") from error
    if split.scheme not in _SCHEMES or not split.hostname or port == 0:
        raise CommandError(
            f"{url!r} is no URL of a server: write one like ws://127.0.0.1:8000/ws/, or a path like /ws/"
        )
    if split.fragment:
        raise CommandError(f"{url!r} has a fragment, which a websocket's URL cannot have (RFC 6455 section 3)")
    return split._replace(scheme=_SCHEMES[split.scheme], path=split.path or "/")


def _read_headers(headers: "Iterable[str]") -> list[tuple[str, str]]:
    read: list[tuple[str, str]] = []
    for header in headers:
        name, colon, value = header.partition(":")
        value = value.strip()
        if not colon or not _NAME.fullmatch(name) or not (value.isascii() and (value.isprintable() or not value)):
            raise CommandError(f"{header!r} is no header: write it like --header 'X-Name: value', in ASCII")
        read.append((name, value))
    return read
