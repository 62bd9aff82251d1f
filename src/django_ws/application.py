"""The composition root: the only module that knows every layer.

It turns one ASGI scope into one life of a socket, and is the one place where faults end.
"""

import asyncio
from enum import Enum, unique
from typing import TYPE_CHECKING, Any, Final, cast, final

import django
from django.apps import apps
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.urls import set_script_prefix

from django_ws.admission import Admission
from django_ws.authorization.patrol import Patrol, reaches_others
from django_ws.close_codes import CloseCode
from django_ws.conf import get_settings
from django_ws.denials import close
from django_ws.endings import deny_by_result, deny_with, end_with_error, handshake_too_late
from django_ws.handler import as_factory
from django_ws.handshake import read_handshake
from django_ws.handshake_timeout import HandshakeTimeout
from django_ws.middleware import compose, run_endpoint
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoResolver, WebSocketRequest, path_info, script_prefix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from django_ws.conf import WebSocketSettings
    from django_ws.interfaces import (
        ASGIApplication,
        ASGIReceive,
        ASGISend,
        Connection,
        ConnectionFactory,
        MiddlewareFactory,
        Next,
        Resolver,
        Scope,
        SocketFactory,
    )

__all__ = ["WebSocketApplication", "get_websocket_application"]

# The server's task, of whatever result it gave it; an ASGI application is never run outside of one.
_current_task: Final = cast("Callable[[], asyncio.Task[Any]]", asyncio.current_task)


@unique
class _Cancelled(Enum):
    """Why we have cancelled the task of a socket."""

    NOT = "not at all"
    SHUTDOWN = "the server shuts down"
    LATE = "its handshake took too long"


# By a name of its own: on Python 3.11 a member of an Enum, asked for by its class, costs as much as a coroutine.
_NOT: Final = _Cancelled.NOT


@final
class WebSocketApplication:
    """An ASGI 3 application: websockets by django-ws, HTTP by Django, lifespan spoken.

    Made by :func:`get_websocket_application`, whose arguments it takes.

    Raises:
        ImproperlyConfigured: See there.
    """

    def __init__(
        self,
        http_application: "ASGIApplication",
        *,
        resolver: "Resolver | None" = None,
        middleware: "Sequence[str | MiddlewareFactory] | None" = None,
        connection_factory: "ConnectionFactory | None" = None,
    ) -> None:
        self._http: ASGIApplication = http_application
        self._connect: ConnectionFactory = connection_factory or ASGIConnection
        self._middleware: Sequence[str | MiddlewareFactory] | None = middleware
        self._settings: WebSocketSettings
        self._admission: Admission
        self._chain: Next
        self._factories: dict[object, SocketFactory] = {}
        # The server's tasks, of whatever result it gave them, and why we have cancelled them.
        self._running: dict[asyncio.Task[Any], _Cancelled] = {}
        self._handshakes: HandshakeTimeout = HandshakeTimeout(self._too_late)
        self._draining: bool = False
        # Hears what other processes order; there is none where no other can.
        self._patrol: Patrol | None = None
        self._follow_settings()
        if resolver is None:
            resolver = DjangoResolver()
            self._check_routes(resolver)
        self._resolver: Resolver = resolver

    # ASGI: the three arguments are typed differently by every server and framework.
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, HTTP request, or lifespan."""
        if scope["type"] != "websocket":
            await self._serve_other(scope, receive, send)
            return
        # In this very coroutine: while a socket is idle, each level of calls stays in memory.
        connection = self._connect(scope, receive, send)
        task = _current_task()
        self._running[task] = _NOT
        request: WebSocketRequest | None = None
        admission = self._admission
        address: str | None = None
        error: BaseException | None = None
        try:
            try:
                self._begin(task, connection)
                admission = self._admission
                request = read_handshake(scope)
                counted = admission.address(scope)
                if counted is not None:
                    shared = admission.enter_address(counted)
                    if shared is not None:
                        await shared
                    address = counted
                result = await self._enter(scope, request, connection)
                if not connection.is_answered:
                    await deny_by_result(scope, request, connection, result)
            except asyncio.CancelledError as raised:
                if task.cancelling():
                    raise
                # Nobody cancelled this socket: something that its code awaited was cancelled, which is a fault.
                error = raised
            except Exception as raised:  # noqa: BLE001 - the one place where faults end
                error = raised
            if error is not None:
                await end_with_error(scope, request, connection, error)
            elif connection.is_open:
                await close(connection, CloseCode.NORMAL_CLOSURE)
        except asyncio.CancelledError:
            await self._end_cancelled(scope, request, connection, task)
            if self._running[task] is _NOT or task.cancelling():
                raise
        finally:
            # A frame that its own exception names is a ring that only the garbage collector opens.
            error = None
            del self._running[task]
            self._handshakes.end(task)
            admission.leave(address)

    # --- one websocket ----------------------------------------------------------------------------

    # The server's tasks have results of any type.
    def _begin(self, task: "asyncio.Task[Any]", connection: "Connection") -> None:
        """Put the settings in force into effect, hear of orders, and begin to time the handshake."""
        if self._settings is not get_settings():
            self._follow_settings()
        if self._patrol is not None:
            self._patrol.wake()
        timeout = self._settings.handshake_timeout
        if timeout is not None:
            self._handshakes.begin(task, connection, timeout)

    def _enter(self, scope: "Scope", request: WebSocketRequest, connection: "Connection") -> "Awaitable[object]":
        """Resolve, make the socket, and begin to run it inside the middleware."""
        if self._draining:
            return deny_with(scope, request, connection, 503, _Cancelled.SHUTDOWN.value)
        match = self._resolver.resolve(path_info(scope))
        request.match = match
        prefix = script_prefix(scope)
        if prefix:
            set_script_prefix(f"{prefix}/")
        target = match.factory
        factory = self._factories.get(target)
        if factory is None:
            factory = self._factories[target] = as_factory(target)
        endpoint = factory(request, connection, *match.args, **match.kwargs)
        return endpoint.run() if self._chain is run_endpoint else self._chain(endpoint)

    async def _end_cancelled(
        self,
        scope: "Scope",
        request: WebSocketRequest | None,
        connection: "Connection",
        # The server's tasks have results of any type.
        task: "asyncio.Task[Any]",
    ) -> None:
        """Answer or close for a socket whose task was cancelled, by us or by a server that shuts down."""
        cancelled = self._running[task]
        if cancelled is not _NOT:
            task.uncancel()
        if connection.is_open:
            await close(connection, CloseCode.SERVICE_RESTART)
        elif connection.is_answered:
            return
        elif cancelled is _Cancelled.LATE:
            await handshake_too_late(scope, request, connection)
        else:
            await deny_with(scope, request, connection, 503, _Cancelled.SHUTDOWN.value)

    # The server's tasks have results of any type.
    def _too_late(self, task: "asyncio.Task[Any]") -> None:
        self._running[task] = _Cancelled.LATE
        task.cancel()

    # --- the process ------------------------------------------------------------------------------

    async def _serve_other(self, scope: "Scope", receive: "ASGIReceive", send: "ASGISend") -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._http(scope, receive, send)

    def _follow_settings(self) -> None:
        """Build the chain of middleware: at the start, and when a test has overridden a setting."""
        settings = get_settings()
        self._admission = Admission(settings)
        innermost = run_endpoint if self._admission.per_user is None else self._admission.run
        self._chain = compose(settings.middleware if self._middleware is None else self._middleware, innermost)
        self._stop_patrol()
        self._patrol = Patrol(self._running) if reaches_others() else None
        # Noted last: a chain that cannot be built must fail the next connection too, not leave it to the old chain.
        self._settings = settings

    def _stop_patrol(self) -> None:
        if self._patrol is not None:
            self._patrol.stop()

    def _check_routes(self, resolver: DjangoResolver) -> None:
        for route, target in resolver.targets():
            try:
                self._factories[target] = as_factory(target)
            except ImproperlyConfigured as error:
                raise ImproperlyConfigured(f"{resolver.urlconf}, route {route!r}: {error}") from error

    async def _lifespan(self, receive: "ASGIReceive", send: "ASGISend") -> None:
        """Hold the server's shutdown until the sockets have cleaned up (ASGI lifespan specification)."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._draining = False
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._drain()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _drain(self) -> None:
        """End every socket with 1012 and wait for its clean-up, within a bound."""
        self._draining = True
        running = list(self._running)
        for task in running:
            self._running[task] = _Cancelled.SHUTDOWN
            task.cancel()
        if running:
            # Tasks and on_close have a bound each; a little more for the frames.
            await asyncio.wait(running, timeout=2 * get_settings().cleanup_timeout + 5)
        self._stop_patrol()


def get_websocket_application(
    http_application: "ASGIApplication | None" = None,
    *,
    resolver: "Resolver | None" = None,
    middleware: "Sequence[str | MiddlewareFactory] | None" = None,
    connection_factory: "ConnectionFactory | None" = None,
) -> WebSocketApplication:
    """Make the project's ASGI application; the last line of ``asgi.py``.

    Every layer is an argument; every default is a public class.

    Args:
        http_application: Gets what is not a websocket, but for the lifespan, which is ours; ``None``: Django's own
            ``get_asgi_application()``.
        resolver: Finds the socket of a path; ``None``: :class:`~django_ws.routing.DjangoResolver`.
        middleware: Names or factories, the first outermost; ``None``: ``WS_MIDDLEWARE``.
        connection_factory: Makes the connection of a scope; ``None``: :class:`~django_ws.protocol.ASGIConnection`.

    Raises:
        ImproperlyConfigured: A setting, a middleware or a route is wrong; the message names it. Raised here, when
            the server starts, not when the first client comes.
    """
    if http_application is None:
        # django-stubs gives it Django's own handler type, whose scope is a plain dict.
        http_application = cast("ASGIApplication", get_asgi_application())
    elif not apps.ready:
        django.setup(set_prefix=False)
    return WebSocketApplication(
        http_application, resolver=resolver, middleware=middleware, connection_factory=connection_factory
    )
