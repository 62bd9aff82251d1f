"""``MIDDLEWARE`` as a chain around one handshake: sync and async, with as few hops to a thread as can be."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, final

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.cache import FetchFromCacheMiddleware, UpdateCacheMiddleware
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from django.http import HttpRequest

__all__ = ["Chain", "SwitchingProtocols"]

T = TypeVar("T")

_OF_PAGES: Final = (FetchFromCacheMiddleware, UpdateCacheMiddleware)
"""Would answer a handshake with the page that was kept of a view at the same URL."""


@final
class SwitchingProtocols(HttpResponse):
    """The answer of the handshake's view: 101, no body (RFC 6455 section 4.2.2)."""

    status_code = 101


@final
class Chain:
    """``MIDDLEWARE``, nested around the handshake's view.

    Args:
        names: ``MIDDLEWARE``.
        skipped: Those that are left out.
    """

    def __init__(self, names: "Sequence[str]", skipped: "Sequence[str]") -> None:
        # Django: a middleware takes and gives what get_response does, sync or async.
        self._process_view: list[Callable[..., Awaitable[Any]]] = []
        self._process_template_response: list[Callable[..., Awaitable[Any]]] = []
        self._process_exception: list[Callable[..., Awaitable[Any]]] = []
        loaded = [(name, _load(name)) for name in names if name not in skipped]
        factories = [(name, factory) for name, factory in loaded if not _is_a(factory, *_OF_PAGES)]
        is_sync = self._is_sync = _is_sync_best([factory for _, factory in factories])
        handler: Any = convert_exception_to_response(self._sync_view if is_sync else self._view)
        for name, factory in reversed(factories):
            handler, is_sync = self._around(name, factory, handler, was_sync=is_sync)
        self._has_caches_to_close: bool = any(_closes(cache["BACKEND"]) for cache in caches.settings.values())
        self._run: Callable[[HttpRequest], Awaitable[object]] = _of_kind(handler, was_sync=is_sync, is_sync=False)

    # See __init__.
    def _around(self, name: str, factory: Any, handler: Any, *, was_sync: bool) -> tuple[Any, bool]:
        """Put one more middleware around what is there.

        Returns:
            Both, and whether that is sync.
        """
        can_sync, can_async = _kinds(factory)
        if not can_sync and not can_async:
            raise ImproperlyConfigured(f"The middleware {name!r} says it is neither sync_capable nor async_capable")
        # A change of kind is a hop to a thread and back, so what can be of the kind that is further in, is.
        is_sync = not can_async or (can_sync and was_sync)
        try:
            middleware: Any = factory(_of_kind(handler, was_sync=was_sync, is_sync=is_sync))
        except MiddlewareNotUsed:
            return handler, was_sync
        if middleware is None:
            raise ImproperlyConfigured(f"The middleware factory {name!r} gave back None")
        self._add_methods(middleware)
        if not is_sync and not _is_marked(middleware):
            # A class with an async __call__ that is not marked as such: Django awaits it all the same.
            middleware = _awaiting(middleware)
        return convert_exception_to_response(middleware), is_sync

    # See __init__.
    def _add_methods(self, middleware: Any) -> None:
        """Note the methods that the view calls: process_view from the outermost in, the others from inside out."""
        if hasattr(middleware, "process_view"):
            self._process_view.insert(0, self._awaitable(middleware.process_view))
        if hasattr(middleware, "process_template_response"):
            self._process_template_response.append(self._awaitable(middleware.process_template_response))
        if hasattr(middleware, "process_exception"):
            self._process_exception.append(self._awaitable(middleware.process_exception))

    # See __init__.
    def _awaitable(self, call: Any) -> "Callable[..., Awaitable[Any]]":
        """Adapt a method for the view: in a sync one it is done when it is awaited, without a loop."""
        adapted: Any = _of_kind(call, was_sync=not _is_marked(call), is_sync=self._is_sync)
        return _at_once(adapted) if self._is_sync else adapted

    async def answer(self, request: "HttpRequest") -> HttpResponseBase:
        """Run the chain, and close the caches that it has opened, as Django does when a request has finished.

        Each context has its own, so an open connection to memcached would stay for as long as the socket.

        Raises:
            TypeError: It gave back what is no response.
        """
        before = caches.all(initialized_only=True) if self._has_caches_to_close else []
        response = await self._run(request)
        if self._has_caches_to_close:
            for cache in caches.all(initialized_only=True):
                if cache not in before and type(cache).close is not BaseCache.close:
                    await sync_to_async(cache.close)()
        if not isinstance(response, HttpResponseBase):
            raise TypeError(f"The outermost of MIDDLEWARE gave back no response, but {response!r}")
        return response

    def _sync_view(self, request: "HttpRequest") -> HttpResponseBase:
        return _run_at_once(self._view(request))

    async def _view(self, request: "HttpRequest") -> HttpResponseBase:
        """Be the view: ask each ``process_view``, then answer that the handshake may pass."""
        if not self._process_view:
            return SwitchingProtocols()
        match = request.resolver_match
        view = _View(None if match is None else match.func)
        args, kwargs = ((), {}) if match is None else (match.args, match.kwargs)
        for process_view in self._process_view:
            response: HttpResponseBase | None = await process_view(request, view, args, kwargs)
            if response is not None:
                return await self._render(request, response)
        return SwitchingProtocols()

    async def _render(self, request: "HttpRequest", response: HttpResponseBase) -> HttpResponseBase:
        """Render a response that can be rendered, as Django does: inside the chain, which may look at its content."""
        if not callable(getattr(response, "render", None)):
            return response
        # Django: whatever has a method render().
        found: Any = response
        for process in self._process_template_response:
            found = await process(request, found)
            if found is None:
                raise ValueError("A process_template_response of MIDDLEWARE gave back None, not a response")
        try:
            rendered: HttpResponseBase = await self._awaitable(found.render)()
        except Exception as error:
            for process_exception in self._process_exception:
                answer: HttpResponseBase | None = await process_exception(request, error)
                if answer is not None:
                    return answer
            raise
        return rendered


@final
class _View:
    """What a ``process_view`` is shown: it has the attributes of the route's socket, and its name.

    So a decorator that marks a view, ``login_not_required`` for one, marks a socket as well.

    Args:
        socket: The route's target.
    """

    csrf_exempt: ClassVar[bool] = True
    """A handshake is a GET; what guards it is the check of its Origin."""

    def __init__(self, socket: object) -> None:
        self._socket: object = socket
        # The names that this class has too, so that __getattr__ is not asked for them.
        for name in ("__module__", "__doc__"):
            setattr(self, name, getattr(socket, name, None))

    # The socket's attributes are of any type.
    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    async def __call__(self, *_args: object, **_kwargs: object) -> HttpResponse:
        """Never called: a view is shown to ``process_view``, and the answer given by :class:`Chain`."""
        return SwitchingProtocols()

    @override
    def __repr__(self) -> str:
        return f"<the handshake of {self._socket!r}>"


# --- sync and async: Django's middleware are callables of any kind -----------------------------------


# See above.
def _load(name: str) -> Any:
    try:
        return import_string(name)
    except ImportError as error:
        raise ImproperlyConfigured(f"MIDDLEWARE names {name!r}, which cannot be imported: {error}") from error


def _closes(backend: str) -> bool:
    """Say whether a cache has something to close; most have not, and one that is not there is told of at its use."""
    with suppress(ImportError):
        return import_string(backend).close is not BaseCache.close
    return False


def _is_a(factory: object, *classes: type) -> bool:
    return isinstance(factory, type) and issubclass(factory, classes)


def _kinds(factory: object) -> tuple[bool, bool]:
    """Say whether it can be sync, and whether it can be async; what does not say is sync."""
    return bool(getattr(factory, "sync_capable", True)), bool(getattr(factory, "async_capable", False))


def _is_sync_best(factories: "Sequence[object]") -> bool:
    """Say of which kind the view is to be: that of the innermost middleware that is not as good in both."""
    for factory in reversed(factories):
        can_sync, can_async = _kinds(factory)
        if not (can_sync and can_async):
            return can_sync
        # Its methods are sync; in an async chain it sends each of them to the thread by itself.
        if _is_a(factory, MiddlewareMixin) and getattr(factory, "__acall__", None) is MiddlewareMixin.__acall__:
            return True
    return False


# See above.
def _is_marked(call: Any) -> bool:
    # asgiref's, because it knows its own markcoroutinefunction() on every Python.
    return iscoroutinefunction(call)  # pyright: ignore[reportDeprecated]


# See above.
def _of_kind(call: Any, *, was_sync: bool, is_sync: bool) -> Any:
    if was_sync == is_sync:
        return call
    return async_to_sync(call) if is_sync else sync_to_async(call, thread_sensitive=True)


# See above.
def _awaiting(call: Any) -> "Callable[[HttpRequest], Awaitable[Any]]":
    async def awaited(request: "HttpRequest") -> Any:
        return await call(request)

    return awaited


# See above.
def _at_once(call: Any) -> "Callable[..., Awaitable[Any]]":
    async def done(*args: Any) -> Any:
        return call(*args)

    return done


# See above.
def _run_at_once(coroutine: "Coroutine[Any, Any, T]") -> T:
    """Run a coroutine that waits for nothing, without a loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("the view of the handshake has waited for something in a thread that has no loop")
