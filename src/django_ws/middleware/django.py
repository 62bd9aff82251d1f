"""Django's own ``MIDDLEWARE`` around the handshake: ``django_ws.middleware.DjangoMiddleware`` in ``WS_MIDDLEWARE``.

The project's chain runs once for each handshake, around a view of ours whose answer is 101 Switching Protocols. What
it sets on the request (user, session, site, tenant, language) is there in the socket; the headers that it sets on that
answer, ``Set-Cookie`` among them, go out as the handshake is accepted; what it answers instead denies the handshake.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse
from django.utils.log import log_response
from django.utils.module_loading import import_string
from typing_extensions import override

from django_ws.conf import get_settings
from django_ws.interfaces import SendsAcceptHeaders
from django_ws.middleware.composer import is_async

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_ws.interfaces import Endpoint, Headers, Next

__all__ = ["DjangoMiddleware", "SwitchingProtocols"]

_SWITCHING_PROTOCOLS: Final = 101
_FIRST_ERROR: Final = 400

_OF_A_BODY: Final = frozenset({"content-type", "content-length", "content-encoding", "content-language", "etag"})
"""Headers that tell of a body, which the answer to a handshake has not."""
_OF_THE_HANDSHAKE: Final = frozenset({"connection", "upgrade", "transfer-encoding"})
"""Headers that the server writes itself."""


@final
class SwitchingProtocols(HttpResponse):
    """The answer of the handshake's view: 101, no body (RFC 6455 section 4.2.2)."""

    status_code = _SWITCHING_PROTOCOLS


@final
class DjangoMiddleware:
    """Runs ``MIDDLEWARE``, less ``WS_SKIP_MIDDLEWARE``, around the handshake of every socket.

    Sync middleware runs on the socket's lane, as sync middleware under ASGI runs on a request's thread. The chain has
    ended when the socket opens; what a middleware does after ``get_response`` it does then.

    Args:
        next_: What is further in.

    Raises:
        ImproperlyConfigured: An entry of ``MIDDLEWARE`` cannot be imported, or is no middleware.
    """

    def __init__(self, next_: "Next") -> None:
        self._next: Next = next_
        self._chain: _Chain = _Chain(django_settings.MIDDLEWARE, get_settings().skip_middleware)

    async def __call__(self, ws: "Endpoint") -> object:
        """Run the chain; go on if it lets the handshake pass.

        Returns:
            What the chain answers instead.
        """
        response = await self._chain.answer(ws.request)
        if response.status_code != _SWITCHING_PROTOCOLS:
            if response.status_code >= _FIRST_ERROR:
                log_response("%s: %s", response.reason_phrase, ws.request.path, response=response, request=ws.request)
            return response
        if isinstance(ws, SendsAcceptHeaders):
            ws.add_accept_headers(_accept_headers(response))
        return await self._next(ws)


def _accept_headers(response: "HttpResponseBase") -> "Headers":
    left_out = _OF_A_BODY | _OF_THE_HANDSHAKE
    headers = [
        (name, value)
        for name, value in response.items()
        if name.lower() not in left_out and not name.lower().startswith("sec-websocket-")
    ]
    return [*headers, *(("set-cookie", morsel.OutputString()) for morsel in response.cookies.values())]


class _Chain:
    """``MIDDLEWARE``, nested around the handshake's view.

    Args:
        names: ``MIDDLEWARE``.
        skipped: Those that are left out.
    """

    def __init__(self, names: "Sequence[str]", skipped: "Sequence[str]") -> None:
        # Django: a middleware takes and gives what get_response does, sync or async.
        self._process_view: list[Callable[..., Any]] = []
        handler: Any = convert_exception_to_response(self._view)
        for name in reversed([name for name in names if name not in skipped]):
            handler = self._around(name, handler)
        self.answer: Callable[[HttpRequest], Any] = _to_async(handler)

    # See __init__.
    def _around(self, name: str, inner: Any) -> Any:
        try:
            factory: Any = import_string(name)
        except ImportError as error:
            raise ImproperlyConfigured(f"MIDDLEWARE names {name!r}, which cannot be imported: {error}") from error
        can_sync: bool = getattr(factory, "sync_capable", True)
        can_async: bool = getattr(factory, "async_capable", False)
        if not can_sync and not can_async:
            raise ImproperlyConfigured(
                f"The middleware {name!r} says that it is neither sync_capable nor async_capable"
            )
        # A change of kind is a hop to a thread and back, so what can be of the kind that is further in, is.
        stays_sync = not can_async or (can_sync and not is_async(inner))
        inner = _to_sync(inner) if stays_sync else _to_async(inner)
        try:
            middleware: Any = factory(inner)
        except MiddlewareNotUsed:
            return inner
        if middleware is None:
            raise ImproperlyConfigured(f"The middleware factory {name!r} gave back None")
        process_view = getattr(middleware, "process_view", None)
        if process_view is not None:
            self._process_view.insert(0, _to_async(process_view))
        return convert_exception_to_response(middleware)

    async def _view(self, request: "HttpRequest") -> "HttpResponseBase":
        """Be the view: ask each ``process_view``, then answer that the handshake may pass."""
        match = request.resolver_match
        view = _View(None if match is None else match.func)
        args, kwargs = ((), {}) if match is None else (match.args, match.kwargs)
        for process_view in self._process_view:
            response: HttpResponseBase | None = await process_view(request, view, args, kwargs)
            if response is not None:
                return response
        return SwitchingProtocols()


@final
class _View:
    """What a ``process_view`` is shown: it has the attributes of the route's socket.

    So a decorator that marks a view, ``login_not_required`` for one, marks a socket as well.

    Args:
        socket: The route's target.
    """

    csrf_exempt: ClassVar[bool] = True
    """A handshake is a GET; what guards it is the check of its Origin."""

    def __init__(self, socket: object) -> None:
        self._socket: object = socket

    # The socket's attributes are of any type.
    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    async def __call__(self, *_args: object, **_kwargs: object) -> HttpResponse:
        """Never called: a view is shown to ``process_view``, and the answer given by :class:`_Chain`."""
        return SwitchingProtocols()

    @override
    def __repr__(self) -> str:
        return f"<the handshake of {self._socket!r}>"


# Django: see _Chain.
def _to_async(call: Any) -> Any:
    return call if is_async(call) else sync_to_async(call, thread_sensitive=True)


# Django: see _Chain.
def _to_sync(call: Any) -> Any:
    return async_to_sync(call) if is_async(call) else call
