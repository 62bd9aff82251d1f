"""The client's language and time zone, for the whole life of its socket.

``django_ws.middleware.LocaleMiddleware`` in ``WS_MIDDLEWARE``. The language is found as Django's ``LocaleMiddleware``
finds it, but for the URL: by the cookie ``LANGUAGE_COOKIE_NAME``, then by ``Accept-Language``. Browsers do not tell
their time zone; a page can, by a cookie:

.. code-block:: javascript

    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    document.cookie = `django_timezone=${zone}; path=/; samesite=lax`;
"""

import zoneinfo
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar, Final

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone, translation

from django_ws.middleware.composer import is_async

if TYPE_CHECKING:
    from datetime import tzinfo

    from django.http import HttpRequest

    from django_ws.interfaces import Endpoint, Next

__all__ = ["LocaleMiddleware"]

_MAX_LENGTH: Final = 64
"""Characters of a time zone's key in a cookie: twice the longest that there is."""


class LocaleMiddleware:
    """Activates the client's language and time zone: in every hook, in background tasks, in ``sync_to_async`` code.

    They are the socket's own, however many sockets the process serves. A subclass may find them elsewhere, in the
    user's profile for example, with ``AuthMiddleware`` further out::

        class ProfileLocaleMiddleware(LocaleMiddleware):
            async def get_timezone(self, request):
                user = await request.auser()
                return getattr(user, "timezone", None) or await super().get_timezone(request)

    Args:
        next_: What is further in.

    Raises:
        ImproperlyConfigured: A method is overridden by one that is not async.
    """

    timezone_cookie: ClassVar[str] = "django_timezone"
    """The cookie that may hold the key of a time zone, ``Europe/Berlin`` for one, not percent-encoded."""

    def __init__(self, next_: "Next") -> None:
        for name in ("get_language", "get_timezone"):
            if not is_async(getattr(self, name)):
                raise ImproperlyConfigured(
                    f"{type(self).__qualname__}.{name} must be async: async def {name}(self, request)"
                )
        self._next: Next = next_

    async def get_language(self, request: "HttpRequest") -> str | None:
        """Say which language to activate; ``None``: leave the one that is active.

        By default as Django does, but for the URL
        (https://docs.djangoproject.com/en/stable/topics/i18n/translation/#how-django-discovers-language-preference).
        """
        return translation.get_language_from_request(request)

    async def get_timezone(self, request: "HttpRequest") -> "tzinfo | str | None":
        """Say which time zone to activate, by its key or as it is; ``None``: leave the one that is active.

        By default the one that :attr:`timezone_cookie` holds. A cookie that holds none, or more than 64 characters, is
        ignored (https://docs.djangoproject.com/en/stable/topics/i18n/timezones/).
        """
        key = request.COOKIES.get(self.timezone_cookie, "")
        if len(key) > _MAX_LENGTH:
            return None
        try:
            return _zone(key)
        except ValueError:
            return None

    async def __call__(self, ws: "Endpoint") -> object:
        """Activate them, set ``request.LANGUAGE_CODE``, go on, and leave all as it was before.

        Raises:
            ValueError: An overridden :meth:`get_timezone` gave a key that there is not.
        """
        request = ws.request
        language = await self.get_language(request)
        zone = await self.get_timezone(request)
        if isinstance(zone, str):
            zone = _zone(zone)
        with ExitStack() as stack:
            if language is not None:
                stack.enter_context(translation.override(language))
            if zone is not None:
                stack.enter_context(timezone.override(zone))
            request.LANGUAGE_CODE = translation.get_language()
            return await self._next(ws)


def _zone(key: str) -> "tzinfo":
    """Look a time zone up.

    Raises:
        ValueError: There is none of that key.
    """
    try:
        return zoneinfo.ZoneInfo(key)
    except (KeyError, ValueError, OSError) as error:
        # By what the key looks like, zoneinfo finds nothing, refuses to look, or opens what is no file.
        raise ValueError(f"There is no time zone {key!r} in the IANA time zone database") from error
