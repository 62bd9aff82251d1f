"""What ``ASGI_APPLICATION`` names, and whether websockets are surely lost in it."""

from typing import Final, cast

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.utils.module_loading import import_string

from django_ws.application import WebSocketApplication

__all__ = ["application_name", "import_application", "look_into"]

_INNER: Final = ("application", "app")
"""Where middleware around an application keeps it."""
_PASSING: Final = ("starlette.middleware.", "uvicorn.middleware.", "asgi_correlation_id.", "sentry_sdk.")
"""Modules of middleware that is known to hand on what is no HTTP."""
_DEEPEST: Final = 32


def application_name() -> object:
    """Give ``ASGI_APPLICATION`` as it is set, a dotted name if it is right; ``None`` where it is not set."""
    name: object = getattr(django_settings, "ASGI_APPLICATION", None)
    return name


def import_application(name: str, /) -> object:
    """Import what ``ASGI_APPLICATION`` names.

    Raises:
        ImproperlyConfigured: It cannot be imported; the message names it, and the cause is kept.
    """
    try:
        imported: object = import_string(name)
    except Exception as error:
        raise ImproperlyConfigured(
            f"ASGI_APPLICATION names {name!r}, which cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return imported


def look_into(application: object, /) -> tuple[WebSocketApplication | None, bool]:
    """Give our application, if it can be found, and whether there is surely none but Django's.

    What gets websockets in a wrapper that is not known nobody can tell.
    """
    sure = True
    for _ in range(_DEEPEST):
        if isinstance(application, WebSocketApplication):
            return application, False
        kept = cast("dict[str, object]", getattr(application, "__dict__", {}))
        inner = [kept[name] for name in _INNER if callable(kept.get(name))]
        # Django's has one in the handler of runserver's static files.
        if isinstance(application, ASGIHandler) and not inner:
            return None, sure
        if len(inner) != 1:
            break
        sure = sure and (isinstance(application, ASGIHandler) or type(application).__module__.startswith(_PASSING))
        application = inner[0]
    return None, False
