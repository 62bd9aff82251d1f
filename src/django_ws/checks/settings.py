"""The system checks of each setting by itself."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from django.conf import settings as django_settings
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ws.checks.messages import error_message, told, warning_message
from django_ws.codecs.choice import json_codec
from django_ws.conf import NAMES, get_settings, wrong_settings
from django_ws.reverse import base_url

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_settings", "fault_of_codec"]

_UNSHARED: Final[dict[type, str]] = {
    LocMemCache: "each process has its own, so that each counts for itself",
    DummyCache: "it keeps nothing, so that nothing is counted",
    FileBasedCache: "its add() is not atomic, so that a place may be given to two",
}

_LIKE: Final = 0.85
"""How alike a name must be to one of ours to be taken for it."""


def check_settings(**_: object) -> list[CheckMessage]:
    """Check each setting by itself: E001, E008, E009, W004, W006, W007."""
    wrong = wrong_settings()
    found: list[CheckMessage] = [error_message("E001", text) for text in wrong]
    try:
        base_url()
    except ImproperlyConfigured as error:
        found.append(error_message("E009", str(error)))
    found += [warning_message("W007", text) for text in _misspelt()]
    if wrong:
        return found
    settings = get_settings()
    fault = fault_of_codec()
    if fault is not None:
        name = f"WS_JSON_CODEC names {settings.json_codec!r}"
        found.append(error_message("E008", told(name, f"{name}, which cannot be used", fault)))
    found += [
        warning_message("W004", f"WS_SKIP_MIDDLEWARE names {name!r}, which does not stand in MIDDLEWARE")
        for name in settings.skip_middleware
        if name not in django_settings.MIDDLEWARE
    ]
    found += [warning_message("W006", text) for text in _unshared(settings.connections_cache)]
    return found


def _misspelt() -> "Iterator[str]":
    known = {name for name in NAMES if "WS_" in name}
    for name in dir(django_settings):
        if name.startswith(("WS_", "ROOT_WS_")) and name not in known:
            for meant in get_close_matches(name, known, 1, _LIKE):
                yield f"There is no setting {name}, which has no effect; {meant} may be meant"


def _unshared(alias: str | None) -> "Iterator[str]":
    if alias is None:
        return
    try:
        backend: object = import_string(django_settings.CACHES[alias].get("BACKEND", ""))
    except ImportError:
        return  # Django tells it, when the cache is first asked for
    for unshared, why in _UNSHARED.items():
        if isinstance(backend, type) and issubclass(backend, unshared):
            yield f"WS_CONNECTIONS_CACHE is {alias!r}, a {backend.__name__}: {why}"


def fault_of_codec() -> Exception | None:
    """Give why the codec of ``WS_JSON_CODEC`` cannot be made; ``None`` where it can."""
    settings = get_settings()
    try:
        json_codec(settings.json_codec, settings.max_message_depth)
    except Exception as error:  # noqa: BLE001 - its module may fail in any way
        return error
    return None
