"""The system checks of what serves: the ``runserver`` in force, and what the server that is installed cannot do.

What each server does was measured: see docs/servers.md. Only what is certain is told: an option that was set, and a
server that surely is the one.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from django.conf import settings as django_settings
from django.core.checks import CheckMessage

from django_ws.checks.messages import warning_message
from django_ws.conf import Denial, get_settings, wrong_settings
from django_ws.handler import WebSocket
from django_ws.management.runservers import has_its_own_server, runserver_in_force
from django_ws.routing import DjangoResolver

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_runserver", "check_server"]

_SERVERS: Final = ("daphne", "granian", "hypercorn", "uvicorn")
_DJANGO: Final = "django_ws.middleware.DjangoMiddleware"
_SESSIONS: Final = "django.contrib.sessions.middleware.SessionMiddleware"

_NO_BACKPRESSURE: Final = "daphne takes every message at once, so that the outbox never fills"
_PLAIN_DENIAL: Final = "daphne answers every denial with a plain 403"
_MIB: Final = 1 << 20


def check_runserver(**_: object) -> list[CheckMessage]:
    """Check whose ``runserver`` is in force: W008."""
    try:
        found = runserver_in_force()
    except Exception:  # noqa: BLE001 - the app's module may fail in any way, and tells so when it is run
        return []
    if found is None or has_its_own_server(found[1]):
        return []
    return [warning_message("W008", f"manage.py runserver is that of {found[0]!r}, which serves no websockets")]


def check_server(**_: object) -> list[CheckMessage]:
    """Check what was set against what the server can do: W010."""
    server, why = _surely()
    if wrong_settings() or server not in ("daphne", "granian"):
        return []
    told = [*_lost_cookies(server)]
    if server == "daphne":
        told += _settings_of_daphne()
        told += _classes_of_daphne()
    return [warning_message("W010", f"{text} ({why})") for text in told]


def _surely() -> tuple[str, str]:
    """Give the server that the project surely has, and why; two empty texts where it cannot be told."""
    installed = [name for name in _SERVERS if find_spec(name) is not None]
    if len(installed) == 1:
        return installed[0], f"{installed[0]} is the only ASGI server that is installed"
    if _runs_daphne():
        return "daphne", "manage.py runserver is that of 'daphne'"
    return "", ""


def _runs_daphne() -> bool:
    try:
        found = runserver_in_force()
    except Exception:  # noqa: BLE001 - as above
        return False
    return found is not None and found[0] == "daphne"


def _lost_cookies(server: str) -> "Iterator[str]":
    settings = get_settings()
    sends = _DJANGO in settings.middleware and _SESSIONS in django_settings.MIDDLEWARE
    if sends and _SESSIONS not in settings.skip_middleware and django_settings.SESSION_SAVE_EVERY_REQUEST:
        yield (
            "SESSION_SAVE_EVERY_REQUEST sets a cookie with each handshake, but "
            f"{server} sends no headers with an accepted one"
        )


def _settings_of_daphne() -> "Iterator[str]":
    for name in ("WS_OUTBOX_MESSAGES", "WS_OUTBOX_BYTES"):
        if hasattr(django_settings, name):
            yield f"{name} has no effect: {_NO_BACKPRESSURE}"
    if hasattr(django_settings, "WS_DENIAL") and get_settings().denial is Denial.HTTP:
        yield f"WS_DENIAL is 'http', but {_PLAIN_DENIAL}"
    # The command line of a server that is started by itself may say another thing.
    limit: int = getattr(django_settings, "DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE", _MIB)
    size = get_settings().max_message_size
    if limit and _runs_daphne() and hasattr(django_settings, "WS_MAX_MESSAGE_SIZE") and (size is None or size > limit):
        yield (
            f"WS_MAX_MESSAGE_SIZE is {size}, but daphne drops the connection at {limit} bytes: "
            "set DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE"
        )


def _classes_of_daphne() -> "Iterator[str]":
    resolver = DjangoResolver()
    try:
        targets = list(resolver.targets())
    except Exception:  # noqa: BLE001 - E004 tells it
        return
    for route, target in targets:
        declared = _declared(getattr(target, "view_class", target))
        where = f"{resolver.urlconf}, route {route!r}"
        for name in ("outbox_bytes", "outbox_messages", "overflow"):
            if name in declared:
                yield f"{where}: {name} has no effect: {_NO_BACKPRESSURE}"
        if declared.get("denial") is Denial.HTTP:
            yield f"{where}: denial is Denial.HTTP, but {_PLAIN_DENIAL}"


def _declared(target: object) -> dict[str, object]:
    """Give what a socket's class and its bases declare, but for ours; nothing where it is no such class."""
    found: dict[str, object] = {}
    if isinstance(target, type) and WebSocket in target.__mro__:
        for base in reversed(target.__mro__):
            if not base.__module__.startswith("django_ws."):
                found.update(vars(base))
    return found
