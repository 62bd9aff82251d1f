"""The settings in force: read once from ``django.conf.settings``, and kept.

A connection pays no look-up; ``override_settings`` resets what is kept by Django's ``setting_changed`` signal.
"""

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from django_ws.conf import checking
from django_ws.conf.values import DISCONNECT_ON, MEMORY, WebSocketSettings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NAMES", "get_settings", "wrong_settings"]

T = TypeVar("T")

NAMES: Final[frozenset[str]] = frozenset(
    {
        "FORCE_SCRIPT_NAME",
        "ROOT_URLCONF",
        "ROOT_WS_URLCONF",
        "MIDDLEWARE",
        "WS_SKIP_MIDDLEWARE",
        "WS_JSON_CODEC",
        "WS_MIDDLEWARE",
        "WS_ALLOWED_ORIGINS",
        "WS_DENIAL",
        "WS_MAX_MESSAGE_SIZE",
        "WS_MAX_MESSAGE_DEPTH",
        "WS_MESSAGES_PER_SECOND",
        "WS_MESSAGES_BURST",
        "WS_MAX_CONNECTIONS_PER_ADDRESS",
        "WS_UNLIMITED_ADDRESSES",
        "WS_MAX_CONNECTIONS_PER_USER",
        "WS_CONNECTIONS_CACHE",
        "WS_HANDSHAKE_TIMEOUT",
        "WS_IDLE_TIMEOUT",
        "WS_REVALIDATE",
        "WS_DISCONNECT_ON",
        "CACHES",
        "INSTALLED_APPS",
        "SESSION_ENGINE",
        "WS_INBOX_MESSAGES",
        "WS_OUTBOX_MESSAGES",
        "WS_OUTBOX_BYTES",
        "WS_DISCONNECT_GRACE",
        "WS_CLEANUP_TIMEOUT",
        "WS_SYNC_LANES",
        "USE_X_FORWARDED_HOST",
        "SECURE_PROXY_SSL_HEADER",
        "WS_BASE_URL",
        "WS_BROKERS",
        "WS_BROKER_TIMEOUT",
    }
)
"""The settings that matter here, Django's own among them; ``WS_BASE_URL`` is read by :mod:`django_ws.reverse`."""

_cache: WebSocketSettings | None = None


def get_settings() -> WebSocketSettings:
    """Give the settings in force.

    Raises:
        ImproperlyConfigured: A setting has a wrong value; the message names it.
    """
    global _cache  # noqa: PLW0603 - the one cache of the module
    if _cache is None:
        _cache = _read(_setting)
    return _cache


def wrong_settings() -> list[str]:
    """Give what is wrong with each setting, where :func:`get_settings` stops at the first one."""
    wrong: list[str] = []

    def note(name: str, default: object, check: "Callable[[object], T]") -> T:
        try:
            return _setting(name, default, check)
        except ImproperlyConfigured as error:
            wrong.append(str(error))
            return check(default)

    _read(note)
    return wrong


class _Reader(Protocol):
    """Reads one setting, as :func:`_setting` does."""

    def __call__(self, name: str, default: object, check: "Callable[[object], T]", /) -> T: ...


def _read(setting: "_Reader") -> WebSocketSettings:
    return WebSocketSettings(
        urlconf=setting("ROOT_WS_URLCONF", None, checking.dotted_name("a module")),
        middleware=setting("WS_MIDDLEWARE", (), checking.strings),
        skip_middleware=setting("WS_SKIP_MIDDLEWARE", (), checking.strings),
        json_codec=setting("WS_JSON_CODEC", None, checking.dotted_name("a class")),
        allowed_origins=setting("WS_ALLOWED_ORIGINS", None, checking.optional(checking.strings)),
        denial=setting("WS_DENIAL", "http", checking.denial),
        max_message_size=setting("WS_MAX_MESSAGE_SIZE", 1 << 20, checking.optional(checking.count)),
        max_message_depth=setting("WS_MAX_MESSAGE_DEPTH", 128, checking.count),
        messages_per_second=setting("WS_MESSAGES_PER_SECOND", 100.0, checking.optional(checking.rate)),
        messages_burst=setting("WS_MESSAGES_BURST", 1000, checking.count),
        max_connections_per_address=setting("WS_MAX_CONNECTIONS_PER_ADDRESS", 256, checking.optional(checking.count)),
        unlimited_addresses=setting("WS_UNLIMITED_ADDRESSES", None, checking.optional(checking.networks)),
        max_connections_per_user=setting("WS_MAX_CONNECTIONS_PER_USER", None, checking.optional(checking.count)),
        connections_cache=setting("WS_CONNECTIONS_CACHE", None, checking.cache_alias),
        handshake_timeout=setting("WS_HANDSHAKE_TIMEOUT", 10.0, checking.optional(checking.duration)),
        idle_timeout=setting("WS_IDLE_TIMEOUT", None, checking.optional(checking.duration)),
        revalidate=setting("WS_REVALIDATE", None, checking.optional(checking.interval)),
        disconnect_on=setting("WS_DISCONNECT_ON", DISCONNECT_ON, checking.events_that_disconnect),
        inbox_messages=setting("WS_INBOX_MESSAGES", 32, checking.count),
        outbox_messages=setting("WS_OUTBOX_MESSAGES", 256, checking.count),
        outbox_bytes=setting("WS_OUTBOX_BYTES", 1 << 20, checking.count),
        disconnect_grace=setting("WS_DISCONNECT_GRACE", 10.0, checking.optional(checking.seconds)),
        cleanup_timeout=setting("WS_CLEANUP_TIMEOUT", 10.0, checking.seconds),
        sync_lanes=setting("WS_SYNC_LANES", 8, checking.count),
        brokers=setting("WS_BROKERS", {"default": {"BACKEND": MEMORY}}, checking.brokers),
        broker_timeout=setting("WS_BROKER_TIMEOUT", 10.0, checking.duration),
        root_urlconf=getattr(django_settings, "ROOT_URLCONF", ""),
        script_name=django_settings.FORCE_SCRIPT_NAME or "",
        behind_proxy=bool(django_settings.USE_X_FORWARDED_HOST or django_settings.SECURE_PROXY_SSL_HEADER),
    )


def _setting(name: str, default: object, check: "Callable[[object], T]") -> T:
    value: object = getattr(django_settings, name, default)
    try:
        return check(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {value!r}, but must be {error}") from error


def _reset(*, setting: str, **_: object) -> None:
    global _cache  # noqa: PLW0603 - see get_settings
    if setting in NAMES:
        _cache = None


setting_changed.connect(_reset, dispatch_uid="django_ws.conf")
