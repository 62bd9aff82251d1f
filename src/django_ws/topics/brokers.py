"""``WS_BROKERS``, as Django's ``caches`` is to ``CACHES``: an engine for each alias, made when first asked for."""

from threading import Lock
from typing import TYPE_CHECKING, Final, cast, final

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_ws.conf import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_ws.interfaces import Broker

__all__ = ["Brokers", "brokers"]


@final
class Brokers:
    """The engines of this process, one for each alias; they are shared by all threads and event loops."""

    def __init__(self) -> None:
        self._made: dict[str, Broker] = {}
        self._lock: Lock = Lock()

    def __getitem__(self, alias: str, /) -> "Broker":
        """Give the engine of an alias.

        Raises:
            ImproperlyConfigured: There is no such alias, its engine's library is not installed, or an option is wrong.
        """
        broker = self._made.get(alias)
        if broker is not None:
            return broker
        with self._lock:
            if alias not in self._made:
                self._made[alias] = _make(alias)
            return self._made[alias]

    def __iter__(self) -> "Iterator[str]":
        """Give the aliases."""
        return iter(get_settings().brokers)

    def close(self) -> None:
        """Close every engine that has been made; each is made anew when it is asked for again."""
        with self._lock:
            made, self._made = self._made, {}
        for broker in made.values():
            broker.close()


brokers: Final = Brokers()
"""The engines of this process."""


def _make(alias: str) -> "Broker":
    configured = get_settings().brokers
    if alias not in configured:
        raise ImproperlyConfigured(
            f"There is no broker {alias!r} in WS_BROKERS, only {', '.join(map(repr, configured))}"
        )
    broker = configured[alias]
    try:
        backend: object = import_string(broker.backend)
    except (ImportError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"WS_BROKERS[{alias!r}]: BACKEND {broker.backend!r}: {error}") from error
    if not callable(backend):
        raise ImproperlyConfigured(f"WS_BROKERS[{alias!r}]: BACKEND {broker.backend!r} is no class")
    try:
        return cast("Broker", backend(broker.location, dict(broker.options)))
    except (TypeError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"WS_BROKERS[{alias!r}]: {error}") from error


def _reset(*, setting: str, **_: object) -> None:
    if setting == "WS_BROKERS":
        brokers.close()


setting_changed.connect(_reset, dispatch_uid="django_ws.topics.brokers")
