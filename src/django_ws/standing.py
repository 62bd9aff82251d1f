"""Whether a request's user may still be who they were: looked up afresh, hours after the handshake.

By what is known of the request alone, whichever middleware has set it:

- Where the session says who it is (Django's own ``AuthenticationMiddleware`` in
  :class:`~django_ws.middleware.DjangoMiddleware`, :class:`~django_ws.middleware.AuthMiddleware`), Django's
  ``get_user`` is asked again, with a session that is read afresh: it is there and has not expired, the backend still
  gives the user (an inactive one it does not), and the session's hash, which goes with the password, is right.
- Where something else says it (a token, a header), the user is read again by the primary key: it is there, as active
  as before, and has the same session hash, so the same password.
- Besides, whatever :func:`ask_again` was given is asked.

Where nobody has asked yet who the user is, nothing is looked up.
"""

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast, final

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from django_ws.users import known_user

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase

__all__ = ["SessionOfKey", "ask_again", "digest_of", "has_identity", "renew_user", "session_digest"]

_CHECKS: Final = "_ws_checks"
"""Where a request keeps what is asked besides."""


def session_digest(key: str) -> str:
    """Give what stands for a session key outside of this process: who knows it cannot make the key of it."""
    # Not keyed by SECRET_KEY: while a new one is rolled out, processes have different ones. Session keys are random.
    return sha256(f"django_ws.session:{key}".encode()).hexdigest()


def digest_of(request: HttpRequest) -> str | None:
    """Give the digest of the session that a request came with; ``None`` where there is none. Makes no query."""
    session: object = vars(request).get("session")
    key: object = getattr(session, "session_key", None)
    return session_digest(key) if isinstance(key, str) and key else None


def has_identity(request: HttpRequest) -> bool:
    """Say whether a user of the request is known, or a session that might have one."""
    return getattr(known_user(request), "pk", None) is not None or digest_of(request) is not None


# A request may be of any kind.
def ask_again(request: HttpRequest, check: "Callable[[Any], Awaitable[bool]]") -> None:
    """Let ``check``, a function of the request, be asked too whether its user still is who they were.

    It must not hold the request: that would be a ring.
    """
    known = vars(request)
    known[_CHECKS] = (*known.get(_CHECKS, ()), check)


async def renew_user(request: HttpRequest) -> bool:
    """Look up the request's user afresh, and put the fresh one on the request.

    Returns:
        Whether the login still holds; ``True`` where nobody is known to be logged in.
    """
    user = known_user(request)
    pk: object = getattr(user, "pk", None)
    if user is None or pk is None:
        return True
    fresh: object = None
    claimed = _claimed(request)
    if claimed is not None:
        fresh = await _user_of_session(request.session)
        if _text_of(fresh) != claimed:
            return False
    if claimed != _text_of(user):
        fresh = await _read_again(user)
    if fresh is None:
        return False
    for check in cast("tuple[Callable[[HttpRequest], Awaitable[bool]], ...]", vars(request).get(_CHECKS, ())):
        if not await check(request):
            return False
    _put(request, fresh)
    return True


def _claimed(request: HttpRequest) -> str | None:
    """Give the user's primary key that the session names, if it has been read; as the session has it."""
    from django.contrib.auth import SESSION_KEY  # noqa: PLC0415 - not every project has users

    session: object = vars(request).get("session")
    read: object = getattr(session, "_session_cache", None)
    if not isinstance(read, dict) or getattr(session, "session_key", None) is None:
        return None
    return cast("dict[str, str | None]", read).get(SESSION_KEY)


async def _user_of_session(session: "SessionBase") -> object:
    from django.contrib.auth import aget_user  # noqa: PLC0415 - not every project has users

    # What is read afresh must not take the place of the session that the socket's code may have changed.
    fresh = type(session)(session.session_key)
    stand_in = HttpRequest()
    stand_in.session = cast("SessionBase", SessionOfKey(fresh))
    return await aget_user(stand_in)


def _text_of(user: object) -> str | None:
    """Give the primary key as the session has it."""
    # A user may be of any class.
    known: Any = user
    pk: object = getattr(known, "pk", None)
    meta: Any = getattr(known, "_meta", None)
    if pk is None or meta is None:
        return None if pk is None else str(pk)
    text: str = meta.pk.value_to_string(known)
    return text


async def _read_again(user: object) -> object | None:
    """Give the user as they are now; ``None`` if they are gone, deactivated, or have another password."""
    # A user may be of any class; behind a lazy object, that of its user.
    known: Any = user
    cls: Any = known.__class__
    manager: Any = getattr(cls, "_default_manager", None)
    if manager is None:
        return user  # of no model: there is nothing to read
    try:
        fresh: Any = await manager.aget(pk=known.pk)
    except cls.DoesNotExist:
        return None
    if getattr(known, "is_active", True) and not getattr(fresh, "is_active", True):
        return None
    if hasattr(known, "get_session_auth_hash") and not constant_time_compare(
        known.get_session_auth_hash(), fresh.get_session_auth_hash()
    ):
        return None
    if hasattr(known, "backend"):
        fresh.backend = known.backend
    found: object = fresh
    return found


def _put(request: HttpRequest, user: object) -> None:
    # Their types are of the project's own user model.
    fresh = cast("AnonymousUser", user)

    async def auser() -> "AnonymousUser":
        return fresh

    vars(request).update(_cached_user=fresh, _acached_user=fresh)
    request.user = fresh
    request.auser = auser


@final
class SessionOfKey:
    """A session whose key stays; what Django's look-up of the user changes for a new key is left out.

    Args:
        session: The session itself.
    """

    def __init__(self, session: "SessionBase") -> None:
        self._session: SessionBase = session

    # Django: a session holds any values, and its methods are many.
    def __getattr__(self, name: str) -> Any:
        """Give what the session has."""
        return getattr(self._session, name)

    # See __getattr__.
    def __getitem__(self, key: str) -> Any:
        """Give what the session holds."""
        return self._session[key]

    def __setitem__(self, key: str, value: object) -> None:
        """Leave the session's hash, which goes with its key."""

    async def aset(self, key: str, value: object) -> None:
        """See :meth:`__setitem__`."""

    def cycle_key(self) -> None:
        """Keep the key."""

    async def acycle_key(self) -> None:
        """Keep the key."""
