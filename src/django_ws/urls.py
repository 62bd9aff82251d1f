"""``path``, ``re_path`` and ``include`` for ``ws_urls.py``.

At run time these are Django's own functions. To a type checker, ``path`` and ``re_path`` here take what a websocket
route may hold: a socket class, a socket function, a class's ``as_view()``, or an ``include()``.
"""

from typing import TYPE_CHECKING

__all__ = ["include", "path", "re_path"]

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType
    from typing import Any, TypeAlias, TypeVar, overload

    from django.urls import URLPattern, URLResolver
    from django.utils.functional import Promise

    from django_ws.handler import SocketFunction, SocketGenerator, SocketView
    from django_ws.interfaces import SocketFactory

    _Included: TypeAlias = tuple[Sequence[URLResolver | URLPattern], str | None, str | None]
    _URLConf: TypeAlias = str | ModuleType | Sequence[URLResolver | URLPattern]
    _OutT = TypeVar("_OutT")
    # Django: a route's extra arguments are of any type.
    _Extra: TypeAlias = Mapping[str, Any]

    @overload
    def path(
        route: str | Promise, view: SocketFactory, kwargs: _Extra | None = None, name: str | None = None
    ) -> URLPattern: ...
    @overload
    def path(
        route: str | Promise, view: SocketFunction | SocketView, kwargs: _Extra | None = None, name: str | None = None
    ) -> URLPattern: ...
    @overload
    def path(
        route: str | Promise, view: SocketGenerator[_OutT], kwargs: _Extra | None = None, name: str | None = None
    ) -> URLPattern: ...
    @overload
    def path(
        route: str | Promise, view: _Included, kwargs: _Extra | None = None, name: str | None = None
    ) -> URLResolver: ...
    def path(
        route: str | Promise,
        # It is what the overloads say.
        view: object,
        kwargs: _Extra | None = None,
        name: str | None = None,
    ) -> URLPattern | URLResolver:
        """Put a socket at a route (Django: URL dispatcher, ``path()``).

        Args:
            route: The route, converters in angle brackets.
            view: A socket class, a socket function, an async generator function of the socket, an ``as_view()``, or an
                ``include()``.
            kwargs: More keyword arguments for the socket.
            name: The route's name, for reversing.
        """
        raise NotImplementedError

    @overload
    def re_path(
        route: str | Promise, view: SocketFactory, kwargs: _Extra | None = None, name: str | None = None
    ) -> URLPattern: ...
    @overload
    def re_path(
        route: str | Promise, view: SocketFunction | SocketView, kwargs: _Extra | None = None, name: str | None = None
    ) -> URLPattern: ...
    @overload
    def re_path(
        route: str | Promise, view: SocketGenerator[_OutT], kwargs: _Extra | None = None, name: str | None = None
    ) -> URLPattern: ...
    @overload
    def re_path(
        route: str | Promise, view: _Included, kwargs: _Extra | None = None, name: str | None = None
    ) -> URLResolver: ...
    def re_path(
        route: str | Promise,
        # It is what the overloads say.
        view: object,
        kwargs: _Extra | None = None,
        name: str | None = None,
    ) -> URLPattern | URLResolver:
        """Put a socket at a regular expression (Django: URL dispatcher, ``re_path()``).

        Args:
            route: The regular expression; its groups are captured.
            view: A socket class, a socket function, an async generator function of the socket, an ``as_view()``, or an
                ``include()``.
            kwargs: More keyword arguments for the socket.
            name: The route's name, for reversing.
        """
        raise NotImplementedError

    def include(arg: _URLConf | tuple[_URLConf, str], namespace: str | None = None) -> _Included:
        """Put the routes of another URLconf under a route (Django: URL dispatcher, ``include()``).

        Args:
            arg: The URLconf: its dotted name, its module, its list of routes, or one of these with an app namespace.
            namespace: The instance namespace.
        """
        raise NotImplementedError

else:
    from django.urls import include, path, re_path
