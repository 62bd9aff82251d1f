"""The handshake of a test: its scope, its cookies, and the answer that refuses it."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import quote, unquote

from django.http.request import HttpHeaders
from django.test import AsyncClient, Client
from django.utils.datastructures import CaseInsensitiveMapping
from typing_extensions import override

from django_ws.testing.scope import websocket_scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
__all__ = ["Denied", "Handshake", "headers_of"]

_ENVIRONMENT: Final = frozenset({"QUERY_STRING", "REMOTE_ADDR", "SERVER_NAME"})
"""What a Django test client may have among its defaults, and is no header."""


def headers_of(headers: "Iterable[tuple[bytes, bytes]]") -> CaseInsensitiveMapping[str]:
    """Give the headers of an answer, found in any case; of a name that came more than once, the last one."""
    return CaseInsensitiveMapping({name.decode("latin-1"): value.decode("latin-1") for name, value in headers})


@final
class Denied:
    """The HTTP response that a handshake was refused with.

    Args:
        status: Its HTTP status.
        headers: Its headers, as they came.
        body: Its body.
    """

    def __init__(self, status: int, headers: "Iterable[tuple[bytes, bytes]]", body: bytes) -> None:
        self.status: int = status
        """The HTTP status."""
        self.headers: CaseInsensitiveMapping[str] = headers_of(headers)
        """The headers, found in any case; of a name that came more than once, the last one."""
        self.body: bytes = body
        """The body."""

    @property
    def text(self) -> str:
        """The body as UTF-8.

        Raises:
            UnicodeDecodeError: It is none.
        """
        return self.body.decode()

    # A JSON text may hold anything, and a test knows what.
    def json(self) -> Any:
        """Decode the body as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.body)

    @override
    def __repr__(self) -> str:
        return f"<Denied {self.status}>"


@final
@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client asks with."""

    path: str
    """As in a URL: quoted where that is needed; it may end in a query string."""
    query: str = ""
    """The query string, without its question mark."""
    headers: "Mapping[str, str] | Iterable[tuple[str, str]]" = ()
    """More headers."""
    cookies: "Mapping[str, str] | None" = None
    """More cookies than the client has, for this handshake alone."""
    subprotocols: "Sequence[str]" = ()
    """What is offered, in order of preference."""
    origin: str | None = None
    """The ``Origin`` header, which every browser sends."""
    secure: bool = False
    """Whether it is ``wss``."""
    user: "AbstractBaseUser | AnonymousUser | None" = None
    """Who is logged in."""
    client: "Client | AsyncClient" = field(default_factory=Client)
    """Whose cookies are sent."""

    # ASGI: scopes are open dicts.
    async def scope(self) -> dict[str, Any]:
        """Log the user in and make the scope."""
        user = self.user
        if user is not None and user.is_authenticated:
            # An anonymous user, which Django's types have here, too, is never authenticated.
            login: Any = self.client.aforce_login
            await login(user)
        path, _, query = self.path.partition("?")
        path = unquote(path)
        port = 443 if self.secure else 80
        environment = {name: str(self._defaults[name]) for name in _ENVIRONMENT & self._defaults.keys()}
        server = environment.get("SERVER_NAME", "testserver")
        return websocket_scope(
            path,
            headers=self._headers(server),
            subprotocols=self.subprotocols,
            query=self.query or query or environment.get("QUERY_STRING", ""),
            raw_path=quote(path, safe="/:@!$&'()*+,;=~").encode(),
            scheme="wss" if self.secure else "ws",
            server=(server, port),
            client=(environment.get("REMOTE_ADDR", "127.0.0.1"), 50000),
        )

    @property
    # Django: a client's defaults are parts of a WSGI environment or of an ASGI scope.
    def _defaults(self) -> dict[str, Any]:
        defaults: Any = self.client.defaults
        found: dict[str, Any] = defaults
        return found

    def _default_headers(self) -> "Iterable[tuple[str, str]]":
        """Give the headers that the client sends with each request, as Django's request factories do."""
        for key, value in self._defaults.items():
            name = HttpHeaders.parse_header_name(key)
            if name is None and isinstance(self.client, AsyncClient) and key not in _ENVIRONMENT:
                # Django: any other default of an AsyncClient is a header of that name.
                name = key.replace("_", "-")
            if name is not None:
                yield name.lower(), str(value)

    def _headers(self, host: str) -> list[tuple[str, str]]:
        # To a type checker, an iterable of pairs may be a mapping of pairs, too.
        given: Any = self.headers
        pairs: Iterable[tuple[str, str]] = given.items() if hasattr(given, "items") else given
        headers = [(name.lower(), value) for name, value in pairs]
        names = {name for name, _ in headers}
        if self.origin is not None:
            names.add("origin")
        headers = [(name, value) for name, value in self._default_headers() if name not in names] + headers
        names.update(name for name, _ in headers)
        if "host" not in names:
            headers.insert(0, ("host", host))
        if self.origin is not None:
            headers.append(("origin", self.origin))
        if self.subprotocols and "sec-websocket-protocol" not in names:
            headers.append(("sec-websocket-protocol", ", ".join(self.subprotocols)))
        cookies = {morsel.key: morsel.coded_value for morsel in self.client.cookies.values()} | dict(self.cookies or {})
        if cookies and "cookie" not in names:
            headers.append(("cookie", "; ".join(f"{name}={value}" for name, value in sorted(cookies.items()))))
        return headers

    def keep_cookies(self, headers: "Iterable[tuple[bytes, bytes]]") -> None:
        """Put what the answer sets into the client's cookies, as Django's test client does."""
        for name, value in headers:
            if name == b"set-cookie":
                self.client.cookies.load(value.decode("latin-1"))
