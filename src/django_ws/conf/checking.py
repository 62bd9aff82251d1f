"""What a setting may be: a check for each kind of value, which gives it as it is used.

Each raises ``ValueError`` with what the value must be, to follow the words "must be".
"""

import math
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, TypeVar, cast

from django.conf import settings as django_settings

from django_ws.conf.values import DISCONNECT_ON, BrokerSettings, Denial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "brokers",
    "cache_alias",
    "count",
    "denial",
    "dotted_name",
    "duration",
    "events_that_disconnect",
    "interval",
    "networks",
    "optional",
    "rate",
    "seconds",
    "strings",
]

T = TypeVar("T")


def optional(check: "Callable[[object], T]") -> "Callable[[object], T | None]":
    """Let ``None`` pass, too."""

    def check_unless_none(value: object) -> T | None:
        if value is None:
            return None
        try:
            return check(value)
        except ValueError as error:
            raise ValueError(f"None or {error}") from error

    return check_unless_none


def dotted_name(of: str) -> "Callable[[object], str | None]":
    """Take a string that is not empty, or ``None``; ``of`` says what it names."""

    def check_dotted_name(value: object) -> str | None:
        if value is None or (isinstance(value, str) and value):
            return value
        raise ValueError(f"the dotted name of {of}, or None")

    return check_dotted_name


def strings(value: object) -> tuple[str, ...]:
    """Take a list or tuple of strings."""
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[object]", value)
        found = tuple(item for item in items if isinstance(item, str))
        if len(found) == len(items):
            return found
    raise ValueError("a list of strings")


def count(value: object) -> int:
    """Take a whole number over 0."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ValueError("a positive whole number")


def seconds(value: object) -> float:
    """Take a number that is not negative."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and math.isfinite(value):
        return float(value)
    raise ValueError("a number of seconds, 0 or more")


def duration(value: object) -> float:
    """Take a number of seconds over 0."""
    return _positive(value, "a number of seconds over 0")


def rate(value: object) -> float:
    """Take a number over 0."""
    return _positive(value, "a number over 0")


def _positive(value: object, what: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value):
        return float(value)
    raise ValueError(what)


def interval(value: object) -> timedelta:
    """Take a time over 0."""
    if isinstance(value, timedelta) and value > timedelta():
        return value
    raise ValueError("a datetime.timedelta over 0")


def events_that_disconnect(value: object) -> tuple[str, ...]:
    """Take some of :data:`~django_ws.conf.DISCONNECT_ON`."""
    what = f"a list of {', '.join(map(repr, DISCONNECT_ON))}, or of some of them"
    try:
        events = strings(value)
    except ValueError:
        raise ValueError(what) from None
    if not set(events) <= set(DISCONNECT_ON):
        raise ValueError(what)
    return events


def denial(value: object) -> Denial:
    """Take a member, or its value."""
    if isinstance(value, Denial):
        return value
    if value in ("http", "close"):
        return Denial(value)
    raise ValueError("'http' or 'close'")


def networks(value: object) -> tuple[str, ...]:
    """Take addresses and networks of IPv4 and IPv6."""
    found = strings(value)
    for network in found:
        try:
            ip_network(network, strict=False)
        except ValueError as error:
            raise ValueError(f"a list of networks like '10.0.0.0/8', which {network!r} is not") from error
    return found


def cache_alias(value: object) -> str | None:
    """Take a key of ``CACHES``, or ``None``."""
    if value is None or (isinstance(value, str) and value in django_settings.CACHES):
        return value
    raise ValueError(f"None or an alias in CACHES: {', '.join(map(repr, django_settings.CACHES))}")


def brokers(value: object) -> "Mapping[str, BrokerSettings]":
    """Take a dict in the shape of ``CACHES``."""
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
