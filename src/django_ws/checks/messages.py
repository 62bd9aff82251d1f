"""What the system checks say: the hint of each, and the words that they share."""

from typing import TYPE_CHECKING, Final

from django.core.checks import Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HINTS", "TAG", "error_message", "is_told", "told", "warning_message"]

TAG: Final = "django_ws"
"""The tag of all checks."""

HINTS: Final = {
    "E001": "Correct the setting. No route and no middleware is looked at until then.",
    "E002": "Correct ASGI_APPLICATION, the dotted name of the application in asgi.py, or what fails in that module.",
    "E003": "In asgi.py: from django_ws import get_websocket_application; application = get_websocket_application().",
    "E004": "Create ws_urls.py beside your URLconf with urlpatterns, or name another module in ROOT_WS_URLCONF.",
    "E005": "Put a WebSocketHandler class, its as_view() or an async function of the socket there.",
    "E006": "Correct the entry: a class or function that takes what is further in and gives an async callable of ws.",
    "E007": "Write scheme and host as a browser sends them, like 'https://example.com' or 'https://*.example.com'.",
    "E008": "Install the package, or correct the name; for msgspec: pip install 'django-ws[msgspec]'.",
    "E009": "Write scheme, host and port alone, like 'wss://example.com'.",
    "E010": "Install the extra or the app that the message names, or correct the entry of WS_BROKERS.",
    "E011": "Give each topic a pattern of its own, a broker of WS_BROKERS, and events that there is a codec for.",
    "W001": "Set ASGI_APPLICATION = 'project.asgi.application', so that it can be checked; servers are told by name.",
    "W002": "Leave out what follows the host and port, a trailing slash too.",
    "W003": "Name the sites that may connect, unless no socket trusts a cookie.",
    "W004": "Write it as it stands in MIDDLEWARE, or remove it.",
    "W005": "Put 'django_ws.middleware.AuthMiddleware' or another one that sets request.user into WS_MIDDLEWARE.",
    "W006": "Name a cache that all processes share and that adds atomically: Redis, Valkey or Memcached.",
    "W007": "Correct the name.",
    "W008": "Put 'django_ws' before that app in INSTALLED_APPS: its runserver serves static files, too.",
    "W009": "Write the route without that slash; the path begins with one anyway.",
    "W010": "Take another server, or do without; docs/servers.md tells what each server does.",
    "W011": "Set WS_BROKERS to Valkey, NATS or PostgreSQL, which carry events between processes; see docs/topics.md.",
}
"""By id: what to do."""


def error_message(number: str, text: str) -> Error:
    """Make an error of a number like ``E001``, with its hint."""
    return Error(text, hint=HINTS[number], id=f"django_ws.{number}")


def warning_message(number: str, text: str) -> Warning:
    """Make a warning of a number like ``W001``, with its hint."""
    return Warning(text, hint=HINTS[number], id=f"django_ws.{number}")


def told(name: str, what: str, error: Exception) -> str:
    """Tell an error with what it is about, unless it is one that tells that by itself."""
    if isinstance(error, ImproperlyConfigured) and name in str(error):
        return str(error)
    return f"{what}: {type(error).__name__}: {error}"


def is_told(error: BaseException | None, messages: "Iterable[str]") -> bool:
    """Say whether the application cannot be made by what another message tells already."""
    text = str(error)
    return isinstance(error, ImproperlyConfigured) and any(text in other or other in text for other in messages)
