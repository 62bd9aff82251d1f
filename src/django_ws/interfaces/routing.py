"""The joints of routing: a path, and the socket that it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import ResolverMatch

    from django_ws.interfaces.handler import Endpoint
    from django_ws.interfaces.protocol import Connection

__all__ = ["Match", "Resolver", "SocketFactory"]


class SocketFactory(Protocol):
    """Makes the :class:`Endpoint` of one connection; a handler class is one."""

    # Django: a route's captured values have the types of its converters, which no checker sees.
    def __call__(self, request: HttpRequest, connection: Connection, /, *args: Any, **kwargs: Any) -> Endpoint:
        """Make it, from the request, the connection, and the route's captured values."""
        ...


class Match(Protocol):
    """What a path resolves to."""

    @property
    def factory(self) -> object:
        """The route's target: a handler class, a socket function or its ``as_view()``."""
        ...

    # Django: ResolverMatch.args and .kwargs, typed by the route's converters.
    @property
    def args(self) -> tuple[Any, ...]:
        """The captured positional values."""
        ...

    @property
    def kwargs(self) -> dict[str, Any]:
        """The captured named values."""
        ...

    @property
    def route(self) -> str:
        """The route as it stands in the URLconf, for logs."""
        ...

    @property
    def resolver_match(self) -> ResolverMatch | None:
        """What becomes ``request.resolver_match``; ``None`` where the resolver is not Django's."""
        ...

    @property
    def urlconf(self) -> str | None:
        """What becomes ``request.urlconf``, the URLconf of the route; ``None`` where the resolver is not Django's."""
        ...


class Resolver(Protocol):
    """Joins routing to the application: which socket a path means."""

    def resolve(self, path: str, /) -> Match:
        """Find the route of ``path``, which begins with a slash and is free of ``root_path``.

        Raises:
            NoRouteError: There is none.
        """
        ...
