"""What is known of each route before anybody connects: its socket, its messages, its guards."""

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard, TypeVar, cast, get_origin

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLResolver, get_resolver

from django_ws.codecs.type_arguments import type_arguments
from django_ws.handler import JSON, JSONEncodable, WebSocket, as_factory
from django_ws.handler.options import options_of
from django_ws.handler.views import guards_of_view
from django_ws.routing import DjangoResolver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_ws.interfaces import Guard

__all__ = ["Route", "asks_for_user", "describe", "guards_of", "needless_slashes", "routes_of"]

_ASKING: Final = {
    "_Authenticated": "login_required",
    "_Permitted": "permission_required",
    "_Tested": "user_passes_test",
}
"""The guards of :mod:`django_ws.guards`, and the decorator that puts each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of the websocket URLconf."""

    route: str
    """As it stands in the URLconf, those of its includes put before it."""
    name: str | None
    """For ``ws_reverse()``, with its namespaces."""
    handler: str
    """Dotted name of what stands there."""
    subprotocols: tuple[str, ...] = ()
    """In the socket's order of preference."""
    receives: str | None = None
    """Type of the messages that come in; ``None`` where it cannot be told."""
    sends: str | None = None
    """Type of the messages that go out."""
    guards: tuple[str, ...] = ()
    """The outermost first."""
    fault: str | None = None
    """Why it can serve nobody."""


def routes_of(resolver: DjangoResolver, /) -> list[Route]:
    """Describe every route, in the order in which they are tried; imports the URLconf.

    Raises:
        ImproperlyConfigured: The URLconf does not exist, or is no URLconf.
    """
    # So that a URLconf that is missing is told in the same words as at the start.
    next(resolver.targets(), None)
    walked = _walk("", "", get_resolver(resolver.urlconf))
    return [describe(route, name, target) for route, name, target in walked]


def describe(route: str, name: str | None, target: object, /) -> Route:
    """Describe what stands in a route; what is wrong with it is a part of that."""
    handler = _dotted(getattr(target, "view_class", target))
    try:
        cls = _socket_class(target)
        guards = tuple(map(_label, guards_of(target)))
    except ImproperlyConfigured as error:
        return Route(route=route, name=name, handler=handler, fault=str(error))
    if cls is None:
        return Route(route=route, name=name, handler=handler, guards=guards)
    incoming, outgoing = type_arguments(cls, WebSocket)
    return Route(
        route=route,
        name=name,
        handler=handler,
        subprotocols=tuple(cls.subprotocols),
        receives=_type(incoming),
        sends=_type(outgoing),
        guards=guards,
    )


def guards_of(target: object, /) -> "tuple[Guard, ...]":
    """Give what is asked before a socket opens, the outermost first.

    Args:
        target: What stands in a route.

    Raises:
        ImproperlyConfigured: It is no socket.
    """
    cls = _socket_class(target)
    if cls is None:
        return cast("tuple[Guard, ...]", tuple(getattr(target, "guards", ())))
    of_view = guards_of_view(target) if hasattr(target, "view_class") else ()
    return (*of_view, *options_of(cls, WebSocket).guards)


def asks_for_user(guard: object, /) -> bool:
    """Say whether a guard surely needs ``request.user``; of one that is the project's own that cannot be told."""
    return type(guard).__module__ == "django_ws.guards" and type(guard).__name__ in _ASKING


def needless_slashes(resolver: DjangoResolver, /) -> "Iterator[str]":
    """Give each route that begins with a slash where the slash of the path, or of its include, stands already.

    The routes inside of an include that is such itself are left out.
    """
    yield from _slashes("", get_resolver(resolver.urlconf))


def _slashes(prefix: str, resolver: URLResolver) -> "Iterator[str]":
    for pattern in resolver.url_patterns:
        written = str(pattern.pattern)
        route = f"{prefix}{written}"
        if written.removeprefix("^").removeprefix("\\").startswith("/") and (not prefix or prefix.endswith("/")):
            yield route
        elif isinstance(pattern, URLResolver):
            yield from _slashes(route, pattern)


# The types of a class's messages are known to its user alone.
def _socket_class(target: object) -> "type[WebSocket[Any, Any]] | None":
    """Give the class of the sockets that a target makes; ``None`` where it is a factory that does not tell."""
    factory: object = as_factory(target)
    cls: object = getattr(target, "view_class", factory)
    return cls if _is_ours(cls) else None


# The same.
def _is_ours(cls: object) -> "TypeGuard[type[WebSocket[Any, Any]]]":
    return isinstance(cls, type) and issubclass(cls, WebSocket)


def _walk(prefix: str, namespace: str, resolver: URLResolver) -> "Iterator[tuple[str, str | None, object]]":
    for pattern in resolver.url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(route, inner, pattern)
        else:
            yield route, f"{namespace}{pattern.name}" if pattern.name else None, pattern.callback


def _dotted(target: object) -> str:
    named = inspect.unwrap(target) if callable(target) else target
    while hasattr(named, "func"):
        # A functools.partial, which has no name of its own.
        named = cast("Any", named).func
    if callable(named) and not hasattr(named, "__qualname__"):
        # A callable object goes by its class.
        named = type(named)
    name: object = getattr(named, "__qualname__", None)
    return f"{named.__module__}.{name}" if name else repr(target)


def _type(argument: object) -> str:
    if argument in (JSON, JSONEncodable, object, Any) or isinstance(argument, TypeVar):
        return "JSON"
    return argument.__qualname__ if isinstance(argument, type) and get_origin(argument) is None else str(argument)


def _label(guard: object) -> str:
    if asks_for_user(guard):
        name = _ASKING[type(guard).__name__]
        detail: object = vars(guard).get("_names") or vars(guard).get("_test")
        if isinstance(detail, tuple):
            return f"{name}({', '.join(cast('tuple[str, ...]', detail))})"
        return name if detail is None else f"{name}({getattr(detail, '__qualname__', repr(detail))})"
    if type(guard).__module__ == "django_ws.handler.views":
        return "a view decorator"
    own: object = getattr(guard, "__qualname__", None)
    return own if isinstance(own, str) else type(guard).__qualname__
