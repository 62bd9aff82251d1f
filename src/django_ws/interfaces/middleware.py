"""The joints of the middleware layer: the way inwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from django_ws.interfaces.handler import Endpoint

__all__ = ["Middleware", "MiddlewareFactory", "Next"]


class Next(Protocol):
    """The way inwards: the next middleware, or the socket itself."""

    async def __call__(self, ws: Endpoint, /) -> object:
        """Run what is further in, until the connection's end."""
        ...


class Middleware(Protocol):
    """Joins the middleware layer to the handler: a callable around the life of every socket."""

    async def __call__(self, ws: Endpoint, /) -> object:
        """Do the set-up, ``await next(ws)``, do the tear-down.

        To refuse the handshake, raise ``PermissionDenied`` or ``Http404``, return an ``HttpResponse``, or return
        without awaiting next.
        """
        ...


class MiddlewareFactory(Protocol):
    """A class or function named in ``WS_MIDDLEWARE``; called once with what is further in."""

    def __call__(self, next_: Next, /) -> Middleware:
        """Wrap ``next_``."""
        ...
