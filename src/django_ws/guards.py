"""Who may open a socket: ``login_required`` and its like, for a class and for a function.

::

    @permission_required("chat.view_room")
    class Room(WebSocketHandler): ...

    @login_required
    async def feed(ws: WebSocket[str, str]) -> None: ...

They are asked in turn, the outermost first, before ``on_connect`` and before the handshake is answered. A decorator
puts a :class:`~django_ws.interfaces.Guard` into the ``guards`` of the socket; a class may as well declare its own:
``guards = [is_member]``, each an ``async def`` of the request that returns ``None``, or a response to deny with.
A decorator of your own around a guarded function must use ``functools.wraps``: another hides what it is around.

They need a user: by :class:`~django_ws.middleware.DjangoMiddleware` or :class:`~django_ws.middleware.AuthMiddleware` in
``WS_MIDDLEWARE``. Nobody logged in is denied with 401, who lacks a permission with 403. Django's own decorators work
around ``Room.as_view()``; theirs is a redirect to the login page, which no browser follows for a websocket.
"""

from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpResponse

from django_ws.users import user_of

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_ws.interfaces import Guard

__all__ = ["login_required", "permission_required", "unauthorized", "user_passes_test"]

# A class or a function, given back as it came.
SocketT = TypeVar("SocketT", bound=Callable[..., object])

_UNAUTHORIZED: Final = 401


def login_required(socket: SocketT, /) -> SocketT:
    """Let in who is logged in; 401 for anybody else.

    A handshake whose user no middleware has set fails with ``ImproperlyConfigured``; so it does with the others here.
    """
    return _put(_Authenticated(), socket)


def permission_required(permissions: str | Iterable[str], /) -> Callable[[SocketT], SocketT]:
    """Let in who has the permission, or all of several; 401 for who is not logged in, 403 for who lacks one.

    Args:
        permissions: ``"app.codename"``, or several.
    """
    names = (permissions,) if isinstance(permissions, str) else tuple(permissions)
    return _putter(_Permitted(names))


# The user's class is the project's.
def user_passes_test(test: Callable[[Any], bool | Awaitable[bool]], /) -> Callable[[SocketT], SocketT]:
    """Let in whose user passes the test; 401 for who is not logged in and does not pass, 403 for a user who does not.

    Args:
        test: A function of the user, plain or async; a plain one must not touch the database.
    """
    return _putter(_Tested(test))


def unauthorized() -> HttpResponse:
    """Make the denial for who has not said who they are: 401 (RFC 9110 section 15.5.2)."""
    return HttpResponse(
        "Unauthorized\n",
        status=_UNAUTHORIZED,
        content_type="text/plain; charset=utf-8",
        headers={"WWW-Authenticate": "Session"},
    )


@final
class _Authenticated:
    async def __call__(self, request: "HttpRequest", /) -> "HttpResponseBase | None":
        return None if _is_authenticated(await _user(request)) else unauthorized()


@final
class _Permitted:
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names: tuple[str, ...] = names

    async def __call__(self, request: "HttpRequest", /) -> "HttpResponseBase | None":
        user = await _user(request)
        if not _is_authenticated(user):
            return unauthorized()
        # A user class without PermissionsMixin has no permissions, and so none of these.
        has_perms: Callable[[tuple[str, ...]], bool] | None = getattr(user, "has_perms", None)
        if has_perms is None or not await sync_to_async(has_perms)(self._names):
            raise PermissionDenied(f"the user lacks a permission of {', '.join(self._names)}")
        return None


@final
class _Tested:
    # See user_passes_test.
    def __init__(self, test: Callable[[Any], bool | Awaitable[bool]]) -> None:
        self._test: Callable[[Any], bool | Awaitable[bool]] = test

    async def __call__(self, request: "HttpRequest", /) -> "HttpResponseBase | None":
        user = await _user(request)
        passed = self._test(user)
        if await passed if isawaitable(passed) else passed:
            return None
        if not _is_authenticated(user):
            return unauthorized()
        name = getattr(self._test, "__qualname__", repr(self._test))
        raise PermissionDenied(f"the user does not pass {name}")


async def _user(request: "HttpRequest") -> object:
    user = await user_of(request)
    if user is None:
        raise ImproperlyConfigured(
            "This socket asks who its user is, but no middleware has set request.user. Put "
            "'django_ws.middleware.AuthMiddleware' or 'django_ws.middleware.DjangoMiddleware' into WS_MIDDLEWARE."
        )
    return user


def _is_authenticated(user: object) -> bool:
    return getattr(user, "is_authenticated", False) is True


def _putter(guard: "Guard") -> Callable[[SocketT], SocketT]:
    def put(socket: SocketT) -> SocketT:
        return _put(guard, socket)

    return put


def _put(guard: "Guard", socket: SocketT) -> SocketT:
    # A class and a function alike, neither of which has this attribute to its type.
    marked: Any = socket
    marked.guards = (guard, *getattr(socket, "guards", ()))
    return socket
