"""Who a request's user is, whichever middleware has set it, and without a query in async code by mistake."""

from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.utils.functional import LazyObject, empty

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpRequest

__all__ = ["known_user", "known_user_id", "user_of"]


async def user_of(request: "HttpRequest") -> object:
    """Give the request's user, by ``auser()`` or ``user``; ``None`` where no middleware has set either."""
    auser: Callable[[], Awaitable[object]] | None = getattr(request, "auser", None)
    if auser is not None:
        return await auser()
    user: object = getattr(request, "user", None)
    if _is_unknown(user):
        # The first look at it makes the query.
        await sync_to_async(bool)(user)
    return user


def known_user(request: "HttpRequest") -> object:
    """Give the request's user if it is known without a query, else ``None``."""
    known = vars(request)
    # Who was set over it counts more than whom Django's own middleware has looked up, and keeps there.
    for name in ("user", "_cached_user", "_acached_user"):
        user: object = known.get(name)
        if user is not None and not _is_unknown(user):
            return user
    return None


def known_user_id(request: "HttpRequest") -> object:
    """Give the primary key of the request's user if it is known without a query, else ``None``."""
    return cast("object", getattr(known_user(request), "pk", None))


def _is_unknown(user: object) -> bool:
    """Say whether it is a lazy user that nobody has looked at."""
    return isinstance(user, LazyObject) and vars(user).get("_wrapped", empty) is empty
