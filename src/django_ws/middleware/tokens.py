"""Who it is, by a token that the client offers as a subprotocol.

A browser sets no headers on a websocket, and a token in the URL ends up in logs. What it can send is a list of
subprotocols:

.. code-block:: javascript

    new WebSocket(url, ["chat.v1", "bearer." + token])

A browser fails the connection if it offered subprotocols and the answer names none, so the socket must speak a real
one: ``subprotocols = ("chat.v1",)``. The token is not the answer of a socket that opens, unless a
``select_subprotocol`` of your own chooses it. It must consist of the characters of a token (RFC 9110 section 5.6.2:
letters, digits, ``!#$%&'*+-.^_`|~``), or browsers throw: JWTs and base64url do, base64 with ``/`` and ``=`` does not.
"""

import logging
import re
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Final, cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare
from typing_extensions import override

from django_ws.logs import fields
from django_ws.middleware.composer import is_async
from django_ws.standing import ask_again

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

    from django_ws.interfaces import Endpoint, Next

__all__ = ["SignedTokenMiddleware", "TokenMiddleware", "socket_token"]

logger: Final = logging.getLogger("django_ws.middleware")

_MAX_LENGTH: Final = 4096
"""Characters of a token; a longer one is not looked at."""

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""RFC 9110 section 5.6.2; what a subprotocol consists of by RFC 6455 section 4.1."""

_SALT: Final = "django_ws.socket_token"


class TokenMiddleware:
    """Sets ``request.user`` and ``request.auser`` by the token that the client offers.

    To be subclassed::

        class ApiTokenMiddleware(TokenMiddleware):
            async def get_user(self, token, request):
                return await User.objects.filter(api_token__key=token, is_active=True).afirst()

    A token that is not valid, or longer than 4096 characters, denies the handshake with 401; more than one, with 400.
    The client is not told why, and the token is never logged by this library. Without a token the user is the one
    that a middleware further out has set (a session's, say), else an ``AnonymousUser``.

    Args:
        next_: What is further in.

    Raises:
        ImproperlyConfigured: :meth:`get_user` is not overridden, or not async; or ``django.contrib.auth`` is not
            installed.
    """

    PREFIX: ClassVar[str] = "bearer."
    """What the subprotocol with the token begins with."""
    token_required: ClassVar[bool] = False
    """Whether a handshake without a token is denied with 401."""

    def __init__(self, next_: "Next") -> None:
        name = type(self).__qualname__
        if not apps.is_installed("django.contrib.auth"):
            raise ImproperlyConfigured(
                f"The websocket middleware {name} needs Django's users: add 'django.contrib.auth' and "
                "'django.contrib.contenttypes' to INSTALLED_APPS"
            )
        if type(self).get_user is TokenMiddleware.get_user:
            raise ImproperlyConfigured(
                f"The websocket middleware {name} cannot tell whose a token is: subclass TokenMiddleware and "
                "override async def get_user(self, token, request), or use SignedTokenMiddleware"
            )
        if not is_async(self.get_user):
            raise ImproperlyConfigured(f"{name}.get_user must be async: async def get_user(self, token, request)")
        self._next: Next = next_

    async def get_user(self, token: str, request: "HttpRequest") -> "AbstractBaseUser | AnonymousUser | None":
        """Say whose token it is. To be overridden.

        Args:
            token: What follows :attr:`PREFIX`; by its characters it is an RFC 9110 token.
            request: The handshake.

        Returns:
            The user; ``None`` if the token is not valid. Whether the user is active is for you to check.

        Raises:
            NotImplementedError: It is not overridden.
        """
        raise NotImplementedError

    async def is_still_valid(self, token: str, request: "HttpRequest") -> bool:  # noqa: ARG002 - for who overrides it
        """Say whether the token of an open socket still lets in: asked where it is revalidated. May be overridden.

        Without this, what is checked then is the user: there, as active as before, with the same password.

        Args:
            token: With which the socket was opened; one that only lets in has had its time, and is no less valid here.
            request: The handshake.
        """
        return True

    async def __call__(self, ws: "Endpoint") -> object:
        """Find out whose the token is, and go on.

        Returns:
            What denies the handshake, where the token does not let it pass.
        """
        request = ws.request
        tokens = list(self._tokens(request))
        if len(tokens) > 1:
            return _refuse(request, "it carries several tokens", status=400)
        if tokens:
            user = await self._user_of(tokens[0], request)
            if user is None:
                return _refuse(request, "its token is not valid", 'Bearer error="invalid_token"')
            _set_user(request, user)
            if type(self).is_still_valid is not TokenMiddleware.is_still_valid:
                ask_again(request, partial(self.is_still_valid, tokens[0]))
        elif self.token_required:
            return _refuse(request, "it carries no token", "Bearer")
        elif "user" not in vars(request):
            _set_user(request, _anonymous())
        return await self._next(ws)

    async def _user_of(self, token: str, request: "HttpRequest") -> "AbstractBaseUser | AnonymousUser | None":
        if len(token) > _MAX_LENGTH or _TOKEN.fullmatch(token) is None:
            return None
        return await self.get_user(token, request)

    def _tokens(self, request: "HttpRequest") -> "Iterator[str]":
        """Give what follows the prefix in each subprotocol that has it."""
        scope: object = getattr(request, "scope", None)
        offered: object = cast("dict[str, object]", scope).get("subprotocols") if isinstance(scope, dict) else None
        # ASGI: a list of str; a server that gives another thing offers nothing.
        if isinstance(offered, (list, tuple)):
            for name in cast("list[object]", offered):
                if isinstance(name, str) and name.startswith(self.PREFIX):
                    yield name[len(self.PREFIX) :]


class SignedTokenMiddleware(TokenMiddleware):
    """Takes the tokens of :func:`socket_token`, each for :attr:`max_age` after it was made.

    A token is void before that, too, once the user's password has changed, the user is inactive or deleted. A key in
    ``SECRET_KEY_FALLBACKS`` still verifies (https://docs.djangoproject.com/en/stable/topics/signing/).
    A socket that is open outlives its token, and not its user, where it is revalidated
    (:mod:`django_ws.authorization`).
    """

    max_age: ClassVar[timedelta] = timedelta(seconds=60)
    """How long a token lets in, counted from when it was made; 60 seconds by default."""

    @override
    async def get_user(self, token: str, request: "HttpRequest") -> "AbstractBaseUser | AnonymousUser | None":
        """Verify the token; one query, if it was signed by us and in time.

        Returns:
            The user; ``None`` if the token is void.
        """
        try:
            # Only we can have signed it, so it is what socket_token() put in.
            key, digest = cast("list[str]", _signer().unsign_object(token, max_age=self.max_age))
        except BadSignature:
            return None
        model = get_user_model()
        try:
            user = await model._default_manager.aget(pk=model._meta.pk.to_python(key))  # noqa: SLF001 - documented
        except model.DoesNotExist:
            return None
        if not user.is_active:
            return None
        hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
        return user if any(constant_time_compare(digest, _digest(each)) for each in hashes) else None


def socket_token(user: "AbstractBaseUser | AnonymousUser") -> str:
    """Make a short-lived token that lets ``user`` in, for :class:`SignedTokenMiddleware`.

    To be handed out by a view over HTTPS that knows who asks (OWASP ASVS 5.0, 4.4.3 and 4.4.4)::

        @login_required
        def ticket(request):
            return JsonResponse({"token": socket_token(request.user)}, headers={"Cache-Control": "no-store"})

    It may be used more than once until it expires. It is signed, not secret in itself: who holds it can read the
    primary key in it.

    Raises:
        ValueError: The user is anonymous or not saved.
    """
    if user.pk is None:
        raise ValueError(f"A socket token is for a user that is logged in, which {user!r} is not")
    # An AnonymousUser has no key: pyright knows that by the line above, mypy does not.
    known = cast("AbstractBaseUser", user)  # pyright: ignore[reportUnnecessaryCast]
    key: str = known._meta.pk.value_to_string(known)  # noqa: SLF001 - documented
    return _signer().sign_object([key, _digest(known.get_session_auth_hash())])


def _signer() -> TimestampSigner:
    # Django's own separator, a colon, may not stand in an RFC 9110 token.
    return TimestampSigner(salt=_SALT, sep=".")


def _digest(session_auth_hash: str) -> str:
    """Hide the session auth hash, which is no business of the client's; it is keyed by ``SECRET_KEY`` itself."""
    return sha256(f"{_SALT}:{session_auth_hash}".encode()).hexdigest()


def _anonymous() -> "AnonymousUser":
    from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415 - models, which need the apps

    return AnonymousUser()


def _set_user(request: "HttpRequest", user: "AbstractBaseUser | AnonymousUser") -> None:
    async def auser() -> "AbstractBaseUser | AnonymousUser":
        return user

    # Their types are of the project's own user model.
    request.user = cast("AnonymousUser", user)
    request.auser = cast("Callable[[], Awaitable[AnonymousUser]]", auser)


def _refuse(request: "HttpRequest", why: str, challenge: str | None = None, *, status: int = 401) -> HttpResponse:
    extra = fields(request, None, status=status)
    logger.warning("A handshake is denied with %d: %r: %s", status, request.path, why, extra=extra)
    phrase = "Unauthorized" if challenge else "Bad Request"
    response = HttpResponse(f"{phrase}\n", status=status, content_type="text/plain; charset=utf-8")
    if challenge:
        response["WWW-Authenticate"] = challenge
    return response
