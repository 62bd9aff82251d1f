"""``connect``: a websocket client for tests, in process and without a server."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, overload

from django.test import Client
from typing_extensions import TypeVar

from django_ws.handler import JSON, JSONEncodable, SyncWebSocketHandler, WebSocket
from django_ws.testing.handshake import Handshake
from django_ws.testing.socket import ClientSocket
from django_ws.testing.targets import application_of, project_application

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.test import AsyncClient

    from django_ws.handler import SocketView
    from django_ws.interfaces import ASGIApplication, Codec

__all__ = ["connect"]

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)


@overload
# What answers a path is known at run time alone.
def connect(
    target: str,
    /,
    *,
    application: "ASGIApplication | None" = None,
    user: "AbstractBaseUser | AnonymousUser | None" = None,
    client: "Client | AsyncClient | None" = None,
    headers: "Mapping[str, str] | Iterable[tuple[str, str]]" = (),
    cookies: "Mapping[str, str] | None" = None,
    subprotocols: "Sequence[str]" = (),
    origin: str | None = None,
    query: str = "",
    timeout: float = 1.0,
    secure: bool = False,
    raise_faults: bool = True,
    codec: "Codec[Any, Any] | None" = None,
) -> ClientSocket[Any, Any]: ...
@overload
# Django: captured values have the types of the route's converters.
def connect(
    target: type[WebSocket[InT, OutT]] | type[SyncWebSocketHandler[InT, OutT]],
    /,
    *args: Any,
    user: "AbstractBaseUser | AnonymousUser | None" = None,
    client: "Client | AsyncClient | None" = None,
    headers: "Mapping[str, str] | Iterable[tuple[str, str]]" = (),
    cookies: "Mapping[str, str] | None" = None,
    subprotocols: "Sequence[str]" = (),
    origin: str | None = None,
    query: str = "",
    timeout: float = 1.0,
    secure: bool = False,
    raise_faults: bool = True,
    codec: "Codec[OutT, InT] | None" = None,
    **kwargs: Any,
) -> ClientSocket[InT, OutT]: ...
@overload
# Django: captured values have the types of the route's converters.
def connect(
    target: Callable[Concatenate[WebSocket[InT, OutT], ...], Coroutine[Any, Any, None] | AsyncIterator[OutT]],
    /,
    *args: Any,
    user: "AbstractBaseUser | AnonymousUser | None" = None,
    client: "Client | AsyncClient | None" = None,
    headers: "Mapping[str, str] | Iterable[tuple[str, str]]" = (),
    cookies: "Mapping[str, str] | None" = None,
    subprotocols: "Sequence[str]" = (),
    origin: str | None = None,
    query: str = "",
    timeout: float = 1.0,
    secure: bool = False,
    raise_faults: bool = True,
    codec: "Codec[OutT, InT] | None" = None,
    **kwargs: Any,
) -> ClientSocket[InT, OutT]: ...
@overload
# Django: captured values have the types of the route's converters; a view does not tell of its messages.
def connect(
    target: "SocketView",
    /,
    *args: Any,
    user: "AbstractBaseUser | AnonymousUser | None" = None,
    client: "Client | AsyncClient | None" = None,
    headers: "Mapping[str, str] | Iterable[tuple[str, str]]" = (),
    cookies: "Mapping[str, str] | None" = None,
    subprotocols: "Sequence[str]" = (),
    origin: str | None = None,
    query: str = "",
    timeout: float = 1.0,
    secure: bool = False,
    raise_faults: bool = True,
    codec: "Codec[Any, Any] | None" = None,
    **kwargs: Any,
) -> ClientSocket[Any, Any]: ...
# See the overloads.
def connect(
    target: object,
    /,
    *args: Any,
    application: "ASGIApplication | None" = None,
    user: "AbstractBaseUser | AnonymousUser | None" = None,
    client: "Client | AsyncClient | None" = None,
    headers: "Mapping[str, str] | Iterable[tuple[str, str]]" = (),
    cookies: "Mapping[str, str] | None" = None,
    subprotocols: "Sequence[str]" = (),
    origin: str | None = None,
    query: str = "",
    timeout: float = 1.0,
    secure: bool = False,
    raise_faults: bool = True,
    codec: "Codec[Any, Any] | None" = None,
    **kwargs: Any,
) -> ClientSocket[Any, Any]:
    """Make a websocket to a path of the project, or to one socket without a URLconf.

    ::

        async with connect("/ws/room/3/", user=user) as ws:
            await ws.send({"text": "hello"})
            assert await ws.receive() == {"text": "hello"}

    A refusal raises nothing: see :attr:`ClientSocket.denied`. Leaving the block closes with 1000, waits for the
    socket's clean-up, and raises in the test what the socket has failed with.

    Args:
        target: A path, which may end in a query string; or a handler class, a socket function, or an ``as_view()``,
            which the middleware of the settings is put around. A class or function gives the messages their types.
        *args: What the route of a class or function would capture without a name.
        application: For a path: what is tested; ``None``: what ``ASGI_APPLICATION`` names or, where that is not one
            of ours, an application of the project's routes.
        user: Is logged in, in ``client``, by a session as after a real login.
        client: Whose cookies are sent, and which gets those that the answer sets; ``None``: a new one.
        headers: More headers; ``Host`` is ``testserver`` unless given.
        cookies: More cookies, for this handshake alone.
        subprotocols: What is offered, in order of preference.
        origin: The ``Origin`` header; ``None``: none is sent, as by a client that is no browser.
        query: The query string, without its question mark.
        timeout: Seconds that each wait may take.
        secure: Whether it is ``wss``.
        raise_faults: ``False`` to look at how a fault is shown to the client: by 500 or 1011.
        codec: What encodes and decodes the messages of a socket with a codec of its own.
        **kwargs: What the route of a class or function would capture by name.

    Raises:
        TypeError: What goes with the other kind of target.
    """
    route = "/"
    if isinstance(target, str):
        if args or kwargs:
            given = ", ".join([*map(repr, args), *kwargs])
            raise TypeError(f"connect() to a path takes no arguments of a route, but got {given}")
        route = target

    def make() -> "ASGIApplication":
        if application is not None:
            return application
        return project_application() if isinstance(target, str) else application_of(target, args, kwargs)

    if application is not None and not isinstance(target, str):
        raise TypeError("connect() to a class or function makes an application of its own; give a path instead")
    handshake = Handshake(
        path=route,
        query=query,
        headers=headers,
        cookies=cookies,
        subprotocols=subprotocols,
        origin=origin,
        secure=secure,
        user=user,
        client=Client() if client is None else client,
    )
    return ClientSocket(make, handshake, timeout=timeout, raise_faults=raise_faults, codec=codec)
