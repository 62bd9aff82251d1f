"""The ``WS_*`` settings: typed, checked, in one place.

:func:`get_settings` reads ``django.conf.settings`` once and keeps the result, so that a connection pays no
look-up; ``override_settings`` resets it by Django's ``setting_changed`` signal.
"""

import math
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, unique
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "DISCONNECT_ON",
    "MEMORY",
    "NAMES",
    "BrokerSettings",
    "Denial",
    "WebSocketSettings",
    "get_settings",
    "wrong_settings",
]

T = TypeVar("T")


@unique
class Denial(Enum):
    """How a handshake is refused. JavaScript is told nothing of an HTTP answer but that there is no connection."""

    HTTP = "http"
    """By an HTTP response: nothing is opened, and every client but a browser can read the status."""
    CLOSE = "close"
    """By accepting and closing at once with 4000 and the status, 4403 for 403, which JavaScript can read."""


MEMORY: Final = "django_ws.topics.engines.memory.MemoryBroker"
"""The engine within one process."""


DISCONNECT_ON: Final = ("logout", "password", "deactivation")
"""What may stand in ``WS_DISCONNECT_ON``."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One of ``WS_BROKERS``."""

    backend: str
    """``BACKEND``: the dotted name of the engine's class."""
    location: str = ""
    """``LOCATION``: where the engine is; what that means is the engine's own."""
    options: "Mapping[str, object]" = field(default_factory=dict[str, object])
    """``OPTIONS``: what else the engine takes."""


@dataclass(frozen=True, slots=True)
class WebSocketSettings:
    """The settings as they are in force: field ``x`` is ``WS_X``, but for ``urlconf`` and the last three."""

    urlconf: str | None = None
    """``ROOT_WS_URLCONF``: dotted name of the websocket URLconf; ``None``: ``ws_urls`` beside ``ROOT_URLCONF``."""
    middleware: tuple[str, ...] = ()
    """Dotted names; the first is outermost."""
    skip_middleware: tuple[str, ...] = ()
    """Entries of ``MIDDLEWARE`` that :class:`~django_ws.middleware.DjangoMiddleware` leaves out."""
    json_codec: str | None = None
    """Dotted name of the codec class for all sockets that speak JSON; ``None``: the standard library's."""
    allowed_origins: tuple[str, ...] | None = None
    """``None``: the request's own host and ``CSRF_TRUSTED_ORIGINS``. Else the origins that are let in."""
    denial: Denial = Denial.HTTP
    """How a handshake is refused."""
    max_message_size: int | None = 1 << 20
    """Bytes that one incoming message may have; ``None``: as many as the server lets through."""
    max_message_depth: int = 128
    """Levels that lists and objects of an incoming JSON message may nest."""
    messages_per_second: float | None = 100.0
    """Incoming messages of one socket a second, on average; ``None``: as many as come."""
    messages_burst: int = 1000
    """Incoming messages of one socket that may come at once."""
    max_connections_per_address: int | None = 256
    """Open connections of one client address; ``None``: any number."""
    unlimited_addresses: tuple[str, ...] | None = None
    """Networks whose addresses are not counted; ``None``: the private ones, where proxies are."""
    max_connections_per_user: int | None = None
    """Open connections of one user; ``None``: any number."""
    connections_cache: str | None = None
    """Alias of the cache by which connections are counted across processes; ``None``: each process counts its own."""
    handshake_timeout: float | None = 10.0
    """Seconds that a handshake may take, middleware and ``on_connect`` included; ``None``: no bound."""
    idle_timeout: float | None = None
    """Seconds without a message from the client; ``None``: no bound."""
    revalidate: timedelta | None = None
    """At the latest after which session and permissions of an open socket are checked again; ``None``: never."""
    disconnect_on: tuple[str, ...] = DISCONNECT_ON
    """What closes the sockets of the user whom it befalls."""
    inbox_messages: int = 32
    """Messages received and not yet handled, before reading stops."""
    outbox_messages: int = 256
    """Messages waiting to be sent, before the overflow policy acts."""
    outbox_bytes: int = 1 << 20
    """Bytes waiting to be sent, before the overflow policy acts."""
    disconnect_grace: float | None = 10.0
    """Seconds that a hook may go on after the client left; 0: none, ``None``: no bound."""
    cleanup_timeout: float = 10.0
    """Seconds that cancelled tasks, and then ``on_close``, may take."""
    sync_lanes: int = 8
    """Threads for the sync code of all sockets."""
    brokers: "Mapping[str, BrokerSettings]" = field(default_factory=lambda: {"default": BrokerSettings(MEMORY)})
    """The engines that carry the events of topics, by alias."""
    broker_timeout: float = 10.0
    """Seconds that an engine may take to confirm a subscription."""
    root_urlconf: str = ""
    """Django's ``ROOT_URLCONF``; kept here, as the next two are, because every handshake asks for it."""
    script_name: str = ""
    """Django's ``FORCE_SCRIPT_NAME``; empty where there is none."""
    behind_proxy: bool = False
    """Whether Django reads the host or the scheme from a proxy's headers."""


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
        urlconf=setting("ROOT_WS_URLCONF", None, _dotted_name("a module")),
        middleware=setting("WS_MIDDLEWARE", (), _strings),
        skip_middleware=setting("WS_SKIP_MIDDLEWARE", (), _strings),
        json_codec=setting("WS_JSON_CODEC", None, _dotted_name("a class")),
        allowed_origins=setting("WS_ALLOWED_ORIGINS", None, _optional(_strings)),
        denial=setting("WS_DENIAL", "http", _denial),
        max_message_size=setting("WS_MAX_MESSAGE_SIZE", 1 << 20, _optional(_count)),
        max_message_depth=setting("WS_MAX_MESSAGE_DEPTH", 128, _count),
        messages_per_second=setting("WS_MESSAGES_PER_SECOND", 100.0, _optional(_rate)),
        messages_burst=setting("WS_MESSAGES_BURST", 1000, _count),
        max_connections_per_address=setting("WS_MAX_CONNECTIONS_PER_ADDRESS", 256, _optional(_count)),
        unlimited_addresses=setting("WS_UNLIMITED_ADDRESSES", None, _optional(_networks)),
        max_connections_per_user=setting("WS_MAX_CONNECTIONS_PER_USER", None, _optional(_count)),
        connections_cache=setting("WS_CONNECTIONS_CACHE", None, _alias),
        handshake_timeout=setting("WS_HANDSHAKE_TIMEOUT", 10.0, _optional(_duration)),
        idle_timeout=setting("WS_IDLE_TIMEOUT", None, _optional(_duration)),
        revalidate=setting("WS_REVALIDATE", None, _optional(_interval)),
        disconnect_on=setting("WS_DISCONNECT_ON", DISCONNECT_ON, _events),
        inbox_messages=setting("WS_INBOX_MESSAGES", 32, _count),
        outbox_messages=setting("WS_OUTBOX_MESSAGES", 256, _count),
        outbox_bytes=setting("WS_OUTBOX_BYTES", 1 << 20, _count),
        disconnect_grace=setting("WS_DISCONNECT_GRACE", 10.0, _optional(_seconds)),
        cleanup_timeout=setting("WS_CLEANUP_TIMEOUT", 10.0, _seconds),
        sync_lanes=setting("WS_SYNC_LANES", 8, _count),
        brokers=setting("WS_BROKERS", {"default": {"BACKEND": MEMORY}}, _brokers),
        broker_timeout=setting("WS_BROKER_TIMEOUT", 10.0, _duration),
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


def _optional(check: "Callable[[object], T]") -> "Callable[[object], T | None]":
    def check_unless_none(value: object) -> T | None:
        if value is None:
            return None
        try:
            return check(value)
        except ValueError as error:
            raise ValueError(f"None or {error}") from error

    return check_unless_none


def _dotted_name(of: str) -> "Callable[[object], str | None]":
    def check_dotted_name(value: object) -> str | None:
        if value is None or (isinstance(value, str) and value):
            return value
        raise ValueError(f"the dotted name of {of}, or None")

    return check_dotted_name


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[object]", value)
        strings = tuple(item for item in items if isinstance(item, str))
        if len(strings) == len(items):
            return strings
    raise ValueError("a list of strings")


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ValueError("a positive whole number")


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and math.isfinite(value):
        return float(value)
    raise ValueError("a number of seconds, 0 or more")


def _duration(value: object) -> float:
    return _positive(value, "a number of seconds over 0")


def _rate(value: object) -> float:
    return _positive(value, "a number over 0")


def _positive(value: object, what: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value):
        return float(value)
    raise ValueError(what)


def _interval(value: object) -> timedelta:
    if isinstance(value, timedelta) and value > timedelta():
        return value
    raise ValueError("a datetime.timedelta over 0")


def _events(value: object) -> tuple[str, ...]:
    what = f"a list of {', '.join(map(repr, DISCONNECT_ON))}, or of some of them"
    try:
        events = _strings(value)
    except ValueError:
        raise ValueError(what) from None
    if not set(events) <= set(DISCONNECT_ON):
        raise ValueError(what)
    return events


def _denial(value: object) -> Denial:
    if isinstance(value, Denial):
        return value
    if value in ("http", "close"):
        return Denial(value)
    raise ValueError("'http' or 'close'")


def _networks(value: object) -> tuple[str, ...]:
    networks = _strings(value)
    for network in networks:
        try:
            ip_network(network, strict=False)
        except ValueError as error:
            raise ValueError(f"a list of networks like '10.0.0.0/8', which {network!r} is not") from error
    return networks


def _alias(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value in django_settings.CACHES):
        return value
    raise ValueError(f"None or an alias in CACHES: {', '.join(map(repr, django_settings.CACHES))}")


def _brokers(value: object) -> "Mapping[str, BrokerSettings]":
    if not isinstance(value, dict):
        raise ValueError("a dict like CACHES: an engine for each alias")  # noqa: TRY004 - settings have one kind of error
    found: dict[str, BrokerSettings] = {}
    for alias, entry in cast("dict[object, object]", value).items():
        where = f"a dict like CACHES, where {alias!r} is a dict with BACKEND, a dotted name"
        if not isinstance(alias, str) or not isinstance(entry, dict):
            raise ValueError(where)  # noqa: TRY004 - settings have one kind of error
        parts = cast("dict[str, object]", entry)
        backend, location, options = parts.get("BACKEND"), parts.get("LOCATION", ""), parts.get("OPTIONS", {})
        if not isinstance(backend, str) or not isinstance(location, str) or not isinstance(options, dict):
            raise ValueError(f"{where}, LOCATION, a string, and OPTIONS, a dict")  # noqa: TRY004
        if unknown := [key for key in parts if key not in ("BACKEND", "LOCATION", "OPTIONS")]:
            raise ValueError(f"{where}; it knows no {', '.join(map(repr, unknown))}")
        found[alias] = BrokerSettings(backend, location, cast("dict[str, object]", options))
    return found


NAMES: Final = frozenset(
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


def _reset(*, setting: str, **_: object) -> None:
    global _cache  # noqa: PLW0603 - see get_settings
    if setting in NAMES:
        _cache = None


setting_changed.connect(_reset, dispatch_uid="django_ws.conf")
