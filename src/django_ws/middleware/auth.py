"""Who it is, by the session cookie, without Django's ``MIDDLEWARE`` around the handshake.

One entry is enough, for it sets the session itself::

    WS_MIDDLEWARE = ["django_ws.middleware.AuthMiddleware"]

What it costs: nothing at the handshake, neither a query nor a thread. The first look at the user makes one query for
the session (none where sessions are in a signed cookie or a cache, nor where the client sends no cookie) and one for
the user (none where nobody is logged in); no later look makes any. In async code the first look is
``await request.auser()``; from then on the plain ``request.user`` is known there, too.

No response follows in which Django would save the session or set a cookie. A handler that changes the session saves it
(``await request.session.asave()``), and what needs a new cookie, like ``login()``, belongs into a view. A session is
read once and saved as a whole, so a save after hours overwrites what requests have saved meanwhile.
"""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast, final
from weakref import ref

from django.apps import apps
from django.conf import settings as django_settings
from django.contrib import auth
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from django_ws.standing import SessionOfKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase

    from django_ws.interfaces import Endpoint, Next

__all__ = ["AuthMiddleware", "SessionMiddleware"]


@final
class SessionMiddleware:
    """Sets ``request.session`` by the cookie ``SESSION_COOKIE_NAME``; it is read at the first look.

    What a session is: https://docs.djangoproject.com/en/stable/topics/http/sessions/.

    In async code use its async methods: ``await request.session.aget("basket")``. Nothing saves it but
    ``await request.session.asave()``, and no cookie is ever set.

    Args:
        next_: What is further in.

    Raises:
        ImproperlyConfigured: ``SESSION_ENGINE`` cannot be imported, or needs an app that is not installed.
    """

    def __init__(self, next_: "Next") -> None:
        self._next: Next = next_
        self._store: Callable[[str | None], SessionBase] = _load_store()

    async def __call__(self, ws: "Endpoint") -> object:
        """Set the session and go on."""
        _set_session(ws.request, self._store)
        return await self._next(ws)


@final
class AuthMiddleware:
    """Sets ``request.user`` and ``request.auser`` by the session, and ``request.session`` if nothing has yet.

    The user is whom Django's ``get_user`` finds, with the checks of its session hash
    (https://docs.djangoproject.com/en/stable/topics/auth/default/#session-invalidation-on-password-change). A session
    that only one of ``SECRET_KEY_FALLBACKS`` verifies is let in and left as it is: renewing it would change its key, of
    which the browser could not be told, and so log the user out. The next HTTP request renews it.

    Args:
        next_: What is further in.

    Raises:
        ImproperlyConfigured: ``django.contrib.auth`` is not installed, ``SESSION_ENGINE`` cannot be imported, or it
            needs an app that is not installed.
    """

    def __init__(self, next_: "Next") -> None:
        if not apps.is_installed("django.contrib.auth"):
            raise ImproperlyConfigured(
                "django_ws.middleware.AuthMiddleware needs Django's users: add 'django.contrib.auth' and "
                "'django.contrib.contenttypes' to INSTALLED_APPS"
            )
        self._next: Next = next_
        self._store: Callable[[str | None], SessionBase] = _load_store()

    async def __call__(self, ws: "Endpoint") -> object:
        """Set what finds the user, and go on; nothing is looked up here.

        ``request.user`` raises ``SynchronousOnlyOperation`` where its first look is in async code.
        """
        request = ws.request
        if not hasattr(request, "session"):
            _set_session(request, self._store)
        user = _User(request)
        # Their types are of the project's own user model.
        request.user = cast("AnonymousUser", SimpleLazyObject(user.get))
        request.auser = cast("Callable[[], Awaitable[AnonymousUser]]", user.aget)
        return await self._next(ws)


def _set_session(request: HttpRequest, store: "Callable[[str | None], SessionBase]") -> None:
    request.session = store(request.COOKIES.get(django_settings.SESSION_COOKIE_NAME))


def _load_store() -> "Callable[[str | None], SessionBase]":
    """Import the class of the project's sessions.

    Raises:
        ImproperlyConfigured: See the middleware.
    """
    name = django_settings.SESSION_ENGINE
    try:
        # Django: an engine is whatever module has a SessionStore.
        store: Any = import_module(name).SessionStore
    except (ImportError, AttributeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"SESSION_ENGINE names {name!r}, which must be a module with a class SessionStore: {error}"
        ) from error
    if hasattr(store, "get_model_class"):
        try:
            store.get_model_class()
        except RuntimeError as error:
            raise ImproperlyConfigured(
                f"SESSION_ENGINE names {name!r}, which keeps sessions in the database: add 'django.contrib.sessions' "
                f"to INSTALLED_APPS, or name an engine that does without, such as "
                f"'django.contrib.sessions.backends.signed_cookies': {error}"
            ) from error
    found: Callable[[str | None], SessionBase] = store
    return found


@final
class _User:
    """The user of one session, looked up once however it is asked for.

    It holds the session and not the request, which holds it: that would be a ring.

    Args:
        request: The handshake; it has a session.
    """

    __slots__ = ("_found", "_lock", "_request", "_session")

    def __init__(self, request: HttpRequest) -> None:
        self._request: ref[HttpRequest] = ref(request)
        self._session: SessionBase = request.session
        self._found: AbstractBaseUser | AnonymousUser | None = None
        self._lock: asyncio.Lock | None = None

    def get(self) -> "AbstractBaseUser | AnonymousUser":
        """Give the user, for ``request.user``.

        Raises:
            SynchronousOnlyOperation: It takes a query, and this is async code.
        """
        if self._found is not None:
            return self._found
        try:
            return self._keep(auth.get_user(self._stand_in()))
        except SynchronousOnlyOperation as error:
            raise SynchronousOnlyOperation(
                "request.user has not been looked up yet, which takes a query. In async code, await request.auser() "
                "once, in on_connect for example; from then on request.user is known there, too"
            ) from error

    async def aget(self) -> "AbstractBaseUser | AnonymousUser":
        """Give the user, for ``request.auser``."""
        if self._lock is None:
            self._lock = asyncio.Lock()
        # Who is cancelled while it looks leaves the next one to look.
        async with self._lock:
            found = self._found
            return self._keep(await auth.aget_user(self._stand_in())) if found is None else found

    def _stand_in(self) -> HttpRequest:
        """Make what Django's look-up reads the session from; it asks a request for nothing else."""
        request = HttpRequest()
        request.session = cast("SessionBase", SessionOfKey(self._session))
        return request

    def _keep(self, user: "AbstractBaseUser | AnonymousUser") -> "AbstractBaseUser | AnonymousUser":
        # A sync look and an async one may have gone on at once; all get the same object.
        found = self._found = user if self._found is None else self._found
        request = self._request()
        if request is not None:
            # Where Django's own middleware keeps it, and where log lines look for it.
            vars(request).update(_cached_user=found, _acached_user=found)
        return found
