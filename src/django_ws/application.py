"""The composition root: the only module that knows every layer.

It turns one ASGI scope into one life of a socket, and is the one place where faults are logged and connections closed
for them.
"""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final, cast, final

import django
from asgiref.sync import sync_to_async
from django.apps import apps
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import set_script_prefix

from django_ws.close_codes import CloseCode
from django_ws.conf import get_settings
from django_ws.exceptions import ConnectionClosed, NoRouteError
from django_ws.handler import as_factory
from django_ws.middleware import compose, run_endpoint
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoResolver, Verdict, WebSocketRequest, check_origin, path_info, script_prefix

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

logger: Final = logging.getLogger("django_ws")

_CLOSE_SECONDS: Final = 2.0
"""How long the server may take over a close frame or a denial."""

_ALLOWED: Final = Verdict.ALLOWED

# The server's task, of whatever result it gave it; an ASGI application is never run outside of one.
_current_task: Final = cast("Callable[[], asyncio.Task[Any]]", asyncio.current_task)

_PHRASES: Final = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class _BadHandshakeError(SuspiciousOperation):
    """A handshake that cannot be read or comes to a host that is not ours: denied with 400."""


@final
class WebSocketApplication:
    """An ASGI 3 application: websockets by django-ws, HTTP by Django, lifespan spoken.

    Made by :func:`get_websocket_application`, whose arguments it takes.
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
        self._settings: WebSocketSettings | None = None
        self._chain: Next = run_endpoint
        self._factories: dict[object, SocketFactory] = {}
        # The server's tasks, of whatever result it gave them, and whether the shutdown has cancelled them.
        self._running: dict[asyncio.Task[Any], bool] = {}
        self._draining: bool = False
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
        self._running[task] = False
        error: BaseException | None = None
        try:
            try:
                result = await self._enter(scope, connection)
                if not connection.is_answered:
                    await self._deny_with(result, scope, connection)
            except asyncio.CancelledError as raised:
                if task.cancelling():
                    raise
                # Nobody cancelled this socket: something that its code awaited was cancelled, which is a fault.
                error = raised
            except Exception as raised:  # noqa: BLE001 - the one place where faults end
                error = raised
            if error is not None:
                await _end_with_error(self._name(scope), connection, error)
            elif connection.is_open:
                await _close(connection, CloseCode.NORMAL_CLOSURE)
        except asyncio.CancelledError:
            drained = self._running[task]
            if drained:
                task.uncancel()
            await _end_cancelled(connection)
            if not drained or task.cancelling():
                raise
        finally:
            # A frame that its own exception names is a ring that only the garbage collector opens.
            error = None
            del self._running[task]

    # --- one websocket ----------------------------------------------------------------------------

    def _enter(self, scope: "Scope", connection: "Connection") -> "Awaitable[object]":
        """Resolve, check, make the socket, and begin to run it inside the middleware."""
        if self._draining:
            return _deny(connection, 503)
        if self._settings is not get_settings():
            self._follow_settings()
        match = self._resolver.resolve(path_info(scope))
        try:
            request = WebSocketRequest(scope, match)
        except UnicodeDecodeError as error:
            raise _BadHandshakeError("its query string is not UTF-8") from error
        verdict = check_origin(scope, request)
        if verdict is not _ALLOWED:
            raise (_BadHandshakeError if verdict is Verdict.BAD_HOST else PermissionDenied)(verdict.value)
        prefix = script_prefix(scope)
        if prefix:
            set_script_prefix(f"{prefix}/")
        target = match.factory
        factory = self._factories.get(target)
        if factory is None:
            factory = self._factories[target] = as_factory(target)
        endpoint = factory(request, connection, *match.args, **match.kwargs)
        return endpoint.run() if self._chain is run_endpoint else self._chain(endpoint)

    async def _deny_with(self, result: object, scope: "Scope", connection: "Connection") -> None:
        """Deny with the response that came out of the chain; with 403 where nothing called the socket."""
        if isinstance(result, HttpResponseBase):
            body = await _body(result)  # before the headers, which rendering may change
            with contextlib.suppress(ConnectionClosed):
                await connection.deny(result.status_code, _headers(result), body)
        else:
            logger.warning("Forbidden: %s: a middleware returned without awaiting next", self._name(scope))
            await _deny(connection, 403)

    def _name(self, scope: "Scope") -> str:
        """Name a handshake in a log line: its path, without the query string, which may hold a secret, and its route.

        The route is looked up once more: nothing is kept for a line that is seldom written.
        """
        path = repr(str(scope.get("path", "")))
        try:
            route = self._resolver.resolve(path_info(scope)).route
        except Exception:  # noqa: BLE001 - what went wrong is being logged; the name goes without the route
            return path
        return f"{path} (route {route!r})"

    # --- the process ------------------------------------------------------------------------------

    async def _serve_other(self, scope: "Scope", receive: "ASGIReceive", send: "ASGISend") -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._http(scope, receive, send)

    def _follow_settings(self) -> None:
        """Build the chain of middleware: at the start, and when a test has overridden a setting."""
        settings = get_settings()
        self._chain = compose(settings.middleware if self._middleware is None else self._middleware)
        # Noted last: a chain that cannot be built must fail the next connection too, not leave it to the old chain.
        self._settings = settings

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
            self._running[task] = True
            task.cancel()
        if running:
            # Tasks and on_close have a bound each; a little more for the frames.
            await asyncio.wait(running, timeout=2 * get_settings().cleanup_timeout + 5)


async def _end_with_error(name: str, connection: "Connection", error: BaseException) -> None:
    """Log a fault once, and answer or close for it; nothing of it reaches the client."""
    if connection.is_answered:
        if isinstance(error, PermissionDenied) and connection.is_open:
            logger.warning("Closed with 1008: %s: PermissionDenied", name)
            await _close(connection, CloseCode.POLICY_VIOLATION)
        elif not isinstance(error, ConnectionClosed) or connection.is_open:
            logger.error("Websocket fault: %s", name, exc_info=error)
            await _close(connection, CloseCode.INTERNAL_ERROR)
        return
    match error:
        case NoRouteError() | Http404():
            status = 404
        case PermissionDenied():
            status = 403
        case SuspiciousOperation():
            status = 400
        case _:
            status = 500
    if status == 500:  # noqa: PLR2004 - an HTTP status
        logger.error("Websocket fault: %s", name, exc_info=error)
    else:
        reason = f": {error}" if isinstance(error, (_BadHandshakeError, PermissionDenied)) and str(error) else ""
        logger.warning("%s: %s%s", _PHRASES[status], name, reason)
    await _deny(connection, status)


async def _end_cancelled(connection: "Connection") -> None:
    """Answer or close for a socket whose task was cancelled, most likely because the server shuts down."""
    if connection.is_open:
        await _close(connection, CloseCode.SERVICE_RESTART)
    elif not connection.is_answered:
        await _deny(connection, 503)


async def _close(connection: "Connection", code: CloseCode) -> None:
    """Send a close frame; a client that does not read holds it up, but not for long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await connection.close(code)


async def _deny(connection: "Connection", status: int) -> None:
    phrase = _PHRASES[status]
    with contextlib.suppress(ConnectionClosed, TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await connection.deny(status, [("content-type", "text/plain; charset=utf-8")], f"{phrase}\n".encode())


def _headers(response: HttpResponseBase) -> list[tuple[str, str]]:
    cookies = [("set-cookie", morsel.OutputString()) for morsel in response.cookies.values()]
    return [*response.items(), *cookies]


async def _body(response: HttpResponseBase) -> bytes:
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        await sync_to_async(response.render)()
    if isinstance(response, StreamingHttpResponse):
        if response.is_async:
            return b"".join([part async for part in response])
        # Its iterator may block.
        return await sync_to_async(b"".join)(response)
    content: bytes = getattr(response, "content", b"")
    return content


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
        http_application: Gets what is not a websocket; ``None``: Django's own ``get_asgi_application()``.
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
