"""The handshake as Django's request."""

import io
from typing import TYPE_CHECKING, Any

from django.core.handlers.asgi import ASGIRequest

from django_ws.routing.paths import path_info

if TYPE_CHECKING:
    from django.urls import ResolverMatch

    from django_ws.interfaces import Match, Scope

__all__ = ["WebSocketRequest"]

_SCHEMES = {"ws": "http", "wss": "https"}


class WebSocketRequest(ASGIRequest):
    """The HTTP request that asked for the websocket, a real ``HttpRequest``.

    ``COOKIES``, ``GET``, ``headers``, ``META``, ``build_absolute_uri()`` and what middleware sets (``user``,
    ``session``) work as in a view; ``method`` is GET (RFC 6455 section 4.1), ``scheme`` is http for ws and https for
    wss, and the body is empty.

    What Django reads out of the scope is read at the first look, so a socket that never looks does not pay for it.

    Args:
        scope: The ``websocket`` scope; read, never changed.
        match: What it was resolved to, if that is known already.

    Raises:
        UnicodeDecodeError: The query string is not UTF-8.
    """

    def __init__(self, scope: "Scope", match: "Match | None" = None, /) -> None:
        # Django decodes it in the same way, but only at the first look, which would be in the middle of a hook.
        query: object = scope.get("query_string")
        if query and isinstance(query, bytes):
            query.decode()
        self._ws_scope: Scope = scope
        self._ws_match: Match | None = match

    @property
    def match(self) -> "Match | None":
        """What the handshake was resolved to; setting it sets ``resolver_match`` and ``urlconf``."""
        return self._ws_match

    @match.setter
    def match(self, match: "Match") -> None:
        self._ws_match = match
        if "scope" in vars(self):
            self._show(match)

    def _show(self, match: "Match") -> None:
        self.resolver_match: ResolverMatch | None = match.resolver_match
        if match.urlconf is not None:
            self.urlconf: str | None = match.urlconf

    # Django: an HttpRequest has whatever attributes middleware gave it.
    def __getattr__(self, name: str) -> Any:
        """Do what ``ASGIRequest.__init__`` does, when the first attribute is asked for that it sets."""
        own = vars(self)
        if "scope" in own or "_ws_scope" not in own:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        set_before = dict(own)
        scope = {**self._ws_scope, "method": "GET"}
        scope["scheme"] = _SCHEMES.get(scope.get("scheme", "ws"), scope.get("scheme"))
        # ASGI www.rst: None is the same as empty.
        scope["query_string"] = scope.get("query_string") or b""
        super().__init__(scope, io.BytesIO())
        # Django takes the prefix off as it stands there, so that /app would be one of /apple.
        self.path_info: str = path_info(scope)
        self.META["PATH_INFO"] = self.path_info
        # A handshake has no body, and whatever a client says of its length must not trip up who reads it.
        self.META.pop("CONTENT_LENGTH", None)
        if self._ws_match is not None:
            self._show(self._ws_match)
        own.update(set_before)
        return getattr(self, name)
