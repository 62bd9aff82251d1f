"""A socket class as a Django view: what ``as_view()`` gives, and what Django's own view decorators make of it.

Over plain HTTP the view answers 426. Around a handshake it answers 101, so a decorator of Django's
(``login_required(Room.as_view())``) sees a view like any other, and what it answers instead denies the handshake.
"""

from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, final
from weakref import WeakSet

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_ws.handler.handler import WebSocketHandler
    from django_ws.interfaces import Guard

__all__ = ["SocketView", "guards_of_view", "make_view"]

_SWITCHING_PROTOCOLS: Final = 101

# As make_view gave them: whatever else has a view_class has got it from one of these, by being put around it.
_bare: Final[WeakSet[Any]] = WeakSet()


class SocketView(Protocol):
    """What :meth:`WebSocketHandler.as_view` gives: an async Django view that stands for a socket class."""

    # The messages of the class do not matter to a route.
    @property
    def view_class(self) -> "type[WebSocketHandler[Any, Any]]":
        """The class, as Django's own ``as_view()`` names it."""
        ...

    # Django: a view takes whatever its route captures.
    async def __call__(self, request: "HttpRequest", /, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer plain HTTP."""
        ...


# The messages of the class do not matter to a route.
def make_view(cls: "type[WebSocketHandler[Any, Any]]", /) -> SocketView:
    """Make the view of a socket class."""

    # Django: a view takes whatever its route captures.
    async def view(request: "HttpRequest", *_args: Any, **_kwargs: Any) -> HttpResponse:
        if _is_handshake(request):
            return HttpResponse(status=_SWITCHING_PROTOCOLS)
        return HttpResponse(
            "This address speaks WebSocket. Connect to it with ws:// or wss://.\n",
            status=426,
            content_type="text/plain; charset=utf-8",
            headers={"Upgrade": "websocket", "Connection": "Upgrade"},
        )

    view.__name__ = cls.__name__
    view.__qualname__ = cls.__qualname__
    view.__module__ = cls.__module__
    view.__doc__ = cls.__doc__
    # A function has no attribute view_class to its type.
    marked: Any = view
    marked.view_class = cls
    _bare.add(view)
    socket_view: SocketView = marked
    return socket_view


def guards_of_view(view: object, /) -> "tuple[Guard, ...]":
    """Give what guards a view, the outermost first: none of it may get lost on the way to the view's class.

    Args:
        view: What stands in the route: the view of :func:`make_view`, as it is or in decorators that copy its
            attributes, as ``functools.wraps`` does.
    """
    guards = [*cast("tuple[Guard, ...]", getattr(view, "guards", ()))]
    if view not in _bare and callable(view):
        # Those of the view inside have been copied as well.
        inside = len(cast("tuple[Guard, ...]", getattr(getattr(view, "__wrapped__", None), "guards", ())))
        guards.insert(len(guards) - inside, _ViewGuard(view))
    return tuple(guards)


@final
class _ViewGuard:
    """Asks a decorated view about a handshake; any answer but 101 denies it.

    Args:
        view: The outermost decorator around the view.
    """

    def __init__(self, view: "Callable[..., object]") -> None:
        self._view: Callable[..., object] = view

    async def __call__(self, request: "HttpRequest", /) -> "HttpResponseBase | None":
        match = request.resolver_match
        args, kwargs = ((), {}) if match is None else (match.args, match.kwargs)
        # A plain function around an async view gives what the view gives, unless it answers itself.
        view = self._view if _is_async(self._view) else sync_to_async(self._view)
        answer: object = view(request, *args, **kwargs)
        while isawaitable(answer):
            answer = await answer
        response = cast("HttpResponseBase", answer)
        return None if response.status_code == _SWITCHING_PROTOCOLS else response


def _is_async(view: "Callable[..., object]") -> bool:
    # asgiref's knows what Django has marked as async on Python 3.11, too; a decorator may be an object.
    call: object = getattr(view, "__call__", None)  # noqa: B004 - of whichever kind
    return iscoroutinefunction(view) or iscoroutinefunction(call)  # pyright: ignore[reportDeprecated]


def _is_handshake(request: "HttpRequest") -> bool:
    # ASGI: scopes are open dicts; a request under WSGI has none.
    scope: dict[str, Any] = getattr(request, "scope", {})
    return scope.get("type") == "websocket"
