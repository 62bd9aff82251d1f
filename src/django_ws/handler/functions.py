"""What may stand in a route, and what is made of it."""

import functools
import inspect
import re
import types
import typing
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from django_ws.handler.function_sockets import FunctionSocket, GeneratorSocket
from django_ws.handler.options import options_of
from django_ws.handler.views import guards_of_view
from django_ws.handler.websocket import WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.http import HttpRequest

    from django_ws.interfaces import Connection, Endpoint, Guard, SocketFactory

__all__ = ["as_factory"]


def as_factory(target: object, /) -> "SocketFactory":
    """Turn what stands in a route into a :class:`~django_ws.interfaces.SocketFactory`.

    Args:
        target: A handler class, its ``as_view()``, an ``async def`` function or async generator function of the socket
            (a bound method, a partial or an object with such a ``__call__`` as well), or any other factory.

    Raises:
        ImproperlyConfigured: It is none of these; the message names it.
    """
    view_class: object = getattr(target, "view_class", None)
    if isinstance(view_class, type):
        return _guarded(as_factory(view_class), guards_of_view(target))
    if isinstance(target, type):
        if not callable(getattr(target, "run", None)):
            raise ImproperlyConfigured(
                f"{target.__module__}.{target.__qualname__} stands in a websocket route but is no socket: derive it "
                "from WebSocketHandler, or give it async def run(self)"
            )
        _refuse_mixins(target)
        # A class with run(); that it takes (request, connection, ...) shows when it is called.
        factory: Any = target
        if WebSocket in factory.__mro__:
            options_of(factory, WebSocket)  # so that a class without a codec is found at the start
        elif getattr(target, "guards", ()):
            raise _asks_no_guards(target)
        return typing.cast("SocketFactory", factory)
    if callable(target):
        if _is_function(target):
            return _factory_of(target)
        if any(_is_socket(getattr(layer, "__wrapped__", None)) for layer in _layers(target) if not _is_socket(layer)):
            raise _decorated_for_http(target)
        if _is_sync_function(target):
            raise ImproperlyConfigured(
                f"The socket function {_name(target)} is an ordinary function: write «async def», and call blocking "
                "code in it with asgiref's sync_to_async; or derive a class from SyncWebSocketHandler, whose hooks are "
                "ordinary methods. A loop over messages would hold a thread for as long as its client stays"
            )
        return _guarded(typing.cast("SocketFactory", target), _guards_of(target))
    raise ImproperlyConfigured(
        f"{target!r} stands in a websocket route but is no socket: put a WebSocketHandler class or an "
        "async def function there"
    )


def _guarded(factory: "SocketFactory", guards: "tuple[Guard, ...]") -> "SocketFactory":
    """Give what makes a socket that asks these guards, too; no class of its own, for a class may be told of each."""
    if not guards:
        return factory

    # Django: captured values have the types of the route's converters.
    def make(request: "HttpRequest", connection: "Connection", /, *args: Any, **kwargs: Any) -> "Endpoint":
        socket = factory(request, connection, *args, **kwargs)
        if not isinstance(socket, WebSocket):
            raise _asks_no_guards(type(socket))
        socket.add_guards(guards)
        return typing.cast("Endpoint", socket)

    return make


def _asks_no_guards(cls: type) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{_name(cls)} is guarded, but would ask no guard: only what derives from WebSocket or WebSocketHandler does"
    )


def _refuse_mixins(cls: type) -> None:
    """Refuse what looks guarded and is not: Django's mixins guard ``dispatch``, which no socket has."""
    for base in cls.__mro__:
        if base.__module__ == "django.contrib.auth.mixins":
            raise ImproperlyConfigured(
                f"{cls.__module__}.{cls.__qualname__} derives from Django's {base.__qualname__}, which guards HTTP "
                "views alone. Use a decorator of django_ws.guards around the class"
            )


def _layers(target: object) -> "Iterator[object]":
    """Give a callable, what it was put around, and so on inwards."""
    while target is not None:
        yield target
        target = target.func if isinstance(target, functools.partial) else getattr(target, "__wrapped__", None)


def _is_socket(target: object) -> bool:
    return hasattr(target, "run") if isinstance(target, type) else _is_function(target)


def _called(target: object) -> object:
    """Give the function that a call of ``target`` comes to: its own, or that of its class."""
    while isinstance(target, functools.partial):
        # A partial of anything.
        target = typing.cast("functools.partial[object]", target).func
    return target if inspect.isroutine(target) else getattr(type(target), "__call__", None)  # noqa: B004 - to look at


def _is_function(target: object) -> bool:
    """Say whether it is an ``async def`` of the socket, with or without a ``yield``."""
    called = _called(target)
    return inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called)


def _is_sync_function(target: "Callable[..., object]") -> bool:
    """Say whether it is an ordinary function of the socket; a factory takes the request and the connection."""
    try:
        parameters = list(inspect.signature(target).parameters.values())
    except ValueError:  # a callable in C without a signature
        return False
    if not parameters or not inspect.isroutine(_called(target)):
        return False
    first = parameters[0]
    # An annotation may be a text, and need not be there at run time.
    if re.match(r"(\w+\.)*WebSocket(\[|$)", str(getattr(first.annotation, "__name__", first.annotation))):
        return True
    positional = [
        each for each in parameters if each.kind is not each.KEYWORD_ONLY and each.kind is not each.VAR_KEYWORD
    ]
    return first.name in {"ws", "websocket", "socket"} or (
        len(positional) == 1 and first.kind is not first.VAR_POSITIONAL
    )


def _is_for_views(layer: object) -> bool:
    """Say whether it is the inside of a decorator for views: such, and no other, takes a ``request`` first."""
    code = getattr(layer, "__code__", None)
    return isinstance(code, types.CodeType) and code.co_varnames[: code.co_argcount][:1] == ("request",)


def _decorated_for_http(target: object) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{_name(target)} stands in a websocket route in a decorator for HTTP views, which knows nothing of sockets. "
        "Use those of django_ws.guards, or decorate the as_view() of a WebSocketHandler"
    )


def _guards_of(target: object) -> "tuple[Guard, ...]":
    """Give the guards of a callable and of all that it was put around; ``functools.partial`` hides them."""
    found: list[Guard] = []
    for layer in _layers(target):
        # A class asks its own.
        guards: Iterable[Guard] = () if isinstance(layer, type) else getattr(layer, "guards", ())
        found.extend(guard for guard in guards if not any(guard is other for other in found))
    return tuple(found)


def _factory_of(function: "Callable[..., object]") -> "SocketFactory":
    if any(_is_for_views(layer) and hasattr(layer, "__wrapped__") for layer in _layers(function)):
        raise _decorated_for_http(function)
    annotation = _annotation_of_socket(function)
    origin = typing.get_origin(annotation) or annotation
    if origin is not WebSocket and origin is not Any:
        raise ImproperlyConfigured(
            f"The socket function {_name(function)} must take a WebSocket first, annotated as such or not at all; "
            f"it is annotated {annotation!r}. A plain HTTP view belongs into the HTTP URLconf."
        )
    arguments = typing.get_args(annotation)
    # A subscription by run-time values, which no checker can follow.
    generic: Any = WebSocket
    base: object = generic[arguments] if arguments else generic
    members = {
        "__slots__": (),
        "__module__": function.__module__,
        "__qualname__": getattr(function, "__qualname__", type(function).__qualname__),
        "__orig_bases__": (base,),
        "guards": _guards_of(function),
        "function": staticmethod(function),
    }
    base_of_all = GeneratorSocket if inspect.isasyncgenfunction(_called(function)) else FunctionSocket
    cls = type(getattr(function, "__name__", "socket"), (base_of_all,), members)
    options_of(cls, WebSocket)
    return typing.cast("SocketFactory", cls)


def _annotation_of_socket(function: "Callable[..., object]") -> object:
    parameters = list(inspect.signature(function).parameters)
    if not parameters:
        raise ImproperlyConfigured(f"The socket function {_name(function)} must take the socket as its first argument")
    try:
        # Only the socket's own annotation matters here: another one may name what a type checker alone imports.
        # A functools.partial has none of its own.
        *_, layer = _layers(function)
        inmost = _called(layer)
        written: dict[str, object] = getattr(inmost, "__annotations__", {})
        holder = types.SimpleNamespace(__annotations__={"ws": written.get(parameters[0], Any)})
        return typing.get_type_hints(holder, getattr(inmost, "__globals__", {}), include_extras=True)["ws"]
    except NameError as error:
        raise ImproperlyConfigured(
            f"The annotation of the socket in {_name(function)} cannot be read at run time, where it chooses the "
            f"codec: {error}. Import that name outside of TYPE_CHECKING."
        ) from error


def _name(function: object) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"
