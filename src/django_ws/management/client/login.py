"""A session for ``ws_connect --user``: the cookie of somebody who is logged in, for as long as the client runs."""

import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings as django_settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.core.management.base import CommandError
from django.db import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Generator

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.sessions.backends.base import SessionBase

__all__ = ["logged_in"]

_SECONDS: Final = 24 * 60 * 60
"""After which a session ends that could not be removed, because the process was killed."""


@contextlib.contextmanager
def logged_in(name: str | None, /) -> "Generator[str | None]":
    """Give the cookie of a session, ``"sessionid=..."``, which is removed at the end of the block.

    Nothing of a real login happens but that: no signal, no ``last_login``.

    Args:
        name: The user's natural key, as at ``changepassword``; ``None``: nobody, and no cookie.

    Raises:
        CommandError: There is no such user, none that may come in, or no place to keep a session.
    """
    if name is None:
        yield None
        return
    try:
        user = _user(name)
        session = _session(user, _backend_of(user))
    except (ImproperlyConfigured, ImportError, DatabaseError) as error:
        raise CommandError(f"{name!r} cannot be logged in: {error}") from error
    try:
        yield f"{django_settings.SESSION_COOKIE_NAME}={session.session_key}"
    finally:
        session.delete()


def _user(name: str) -> "AbstractBaseUser":
    # django-stubs: the model is the project's own, of any type.
    model: Any = get_user_model()
    try:
        return cast("AbstractBaseUser", model._default_manager.get_by_natural_key(name))  # noqa: SLF001 - Django's
    except ObjectDoesNotExist:
        raise CommandError(
            f"There is no user with the {model.USERNAME_FIELD} {name!r}; one is made with: manage.py createsuperuser"
        ) from None


def _backend_of(user: "AbstractBaseUser") -> str:
    """Give the first backend that would let the user in: the one of a real login, in most projects the only one."""
    for backend in django_settings.AUTHENTICATION_BACKENDS:
        # Django: a backend is any object; get_user() is all that the middleware calls.
        get_user: Any = getattr(load_backend(backend), "get_user", None)
        if get_user is not None and get_user(user.pk) is not None:
            return backend
    raise CommandError(f"{user.get_username()!r} may not come in: no backend knows the user, or it is not active")


def _session(user: "AbstractBaseUser", backend: str) -> "SessionBase":
    engine = import_module(django_settings.SESSION_ENGINE)
    if django_settings.SESSION_ENGINE == "django.contrib.sessions.backends.cache":
        cache: object = caches[django_settings.SESSION_CACHE_ALIAS]
        if isinstance(cache, (LocMemCache, DummyCache)):
            raise CommandError(
                f"Sessions are in the cache {django_settings.SESSION_CACHE_ALIAS!r}, a {type(cache).__name__}, which "
                "each process has for itself: the server cannot know a session that is made here. Use a cache that "
                "processes share, or SESSION_ENGINE = 'django.contrib.sessions.backends.db'"
            )
    session = cast("SessionBase", engine.SessionStore())
    session[SESSION_KEY] = user._meta.pk.value_to_string(user)  # noqa: SLF001 - as Django's login() does
    session[BACKEND_SESSION_KEY] = backend
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(_SECONDS)
    session.save()
    return session
