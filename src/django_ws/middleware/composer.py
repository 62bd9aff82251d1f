"""The composer of ``WS_MIDDLEWARE``: loads, checks and nests them, once, as Django does with ``MIDDLEWARE``."""

import inspect
from functools import partial
from typing import TYPE_CHECKING, cast

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_ws.interfaces import Endpoint, MiddlewareFactory, Next

__all__ = ["compose", "is_async", "load", "run_endpoint"]


async def run_endpoint(ws: "Endpoint", /) -> object:
    """Run the socket itself: the innermost :class:`~django_ws.interfaces.Next`."""
    return await ws.run()


def compose(middleware: "Sequence[str | MiddlewareFactory]", /, innermost: "Next" = run_endpoint) -> "Next":
    """Nest ``middleware`` around ``innermost``.

    A return value and an exception pass outwards as in Django: each middleware gets them from its ``await next(ws)``
    (https://docs.djangoproject.com/en/stable/topics/http/middleware/).

    Args:
        middleware: Dotted names or the factories themselves; the first is outermost.
        innermost: What the last one wraps.

    Returns:
        The outermost one; ``innermost`` itself where there is none, so an empty list costs nothing.

    Raises:
        ImproperlyConfigured: A name that cannot be imported, something that cannot be called with the next
            one, or a result that is not an async callable. The message names the entry.
    """
    chain = innermost
    for entry in reversed(middleware):
        factory = load(entry) if isinstance(entry, str) else entry
        chain = _wrap(factory, chain, _name(entry))
    return chain


def load(name: str, /) -> "MiddlewareFactory":
    """Import one entry of ``WS_MIDDLEWARE``.

    Raises:
        ImproperlyConfigured: There is nothing callable of that name.
    """
    try:
        factory: MiddlewareFactory = import_string(name)
    except ImportError as error:
        raise ImproperlyConfigured(f"WS_MIDDLEWARE names {name!r}, which cannot be imported: {error}") from error
    if not callable(factory):
        raise ImproperlyConfigured(
            f"WS_MIDDLEWARE names {name!r}, which is no class and no function but a {type(factory).__name__}"
        )
    return factory


def _wrap(factory: "MiddlewareFactory", next_: "Next", name: str) -> "Next":
    if not _takes_one(factory):
        raise ImproperlyConfigured(
            f"The websocket middleware {name} cannot be called with the next one: a class needs "
            "__init__(self, next), a function takes next and gives back an async callable"
        )
    try:
        middleware: object = factory(next_)
    except MiddlewareNotUsed:
        return next_
    if inspect.iscoroutine(middleware):
        middleware.close()
        raise ImproperlyConfigured(
            f"The websocket middleware {name} is an async function itself; it must be a plain one that takes next "
            "and gives back an async function of ws"
        )
    if not callable(middleware) or not is_async(middleware):
        raise ImproperlyConfigured(
            f"The websocket middleware {name} must be async: a class needs async def __call__(self, ws), "
            "a function must give back an async function of ws"
        )
    if not _takes_one(middleware):
        raise ImproperlyConfigured(f"The websocket middleware {name} must be callable with one argument, the socket")
    chain: Next = middleware
    return chain


def is_async(middleware: object) -> bool:
    """Say whether a middleware, or any callable, gives something to await."""
    while isinstance(middleware, partial):
        middleware = cast("partial[object]", middleware).func
    call: object = getattr(middleware, "__call__", None)  # noqa: B004 - its kind is asked, not its presence
    # asgiref's, because it knows what its markcoroutinefunction() has marked on every Python; it is asyncio's, which
    # is deprecated, only where inspect has no such mark.
    return iscoroutinefunction(middleware) or iscoroutinefunction(call)  # pyright: ignore[reportDeprecated]


def _takes_one(call: object) -> bool:
    if not callable(call):
        return False
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True


def _name(entry: object) -> str:
    if isinstance(entry, str):
        return repr(entry)
    return repr(getattr(entry, "__qualname__", None) or type(entry).__qualname__)
