"""What a socket class has declared, with the settings where it has not: worked out once per class."""

import inspect
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured

from django_ws.codecs.choice import decoder_for, encoder_for, json_codec
from django_ws.codecs.type_arguments import type_arguments
from django_ws.conf import Denial, WebSocketSettings, get_settings
from django_ws.handler.outbox import Overflow
from django_ws.handler.rate import Flood, lease_of
from django_ws.handler.tasks import TaskGroup

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.interfaces import Codec, Data, Guard, TaskManagerFactory

__all__ = ["Options", "check_class", "options_of"]

T = TypeVar("T")

_BYTES_PER_CHARACTER: Final = 4
_MANAGES: Final = ("start", "cancel", "cancel_all")


@dataclass(frozen=True, slots=True)
class Options:
    """The limits and the codec of one socket class."""

    settings: WebSocketSettings
    """What they were worked out from."""
    # The types of a class's messages are known to its user alone.
    decode: "Callable[[Data], Any]"
    """The codec's decoder."""
    # See decode.
    encode: "Callable[[Any], Data]"
    """The codec's encoder."""
    # See decode.
    encoder: "Codec[Any, Any]"
    """The codec that encodes."""
    outgoing: object | None
    """The type of what goes out, by the type arguments; ``None`` where a codec is declared, for then nobody knows."""
    task_manager: "TaskManagerFactory"
    """Makes what manages the background tasks of one socket."""
    hears_events: bool
    """Whether the class has an ``on_event`` of its own."""
    max_message_size: int
    """Bytes that one incoming message may have."""
    surely_fits: int
    """A message of so many characters or bytes fits whatever its characters are: the common case's one comparison."""
    inbox_messages: int
    """Messages received and not yet handled, before reading stops."""
    outbox_messages: int
    """Messages waiting to be sent, before the overflow policy acts."""
    outbox_bytes: int
    """Bytes waiting to be sent, before the overflow policy acts."""
    overflow: Overflow
    """What is done past these."""
    disconnect_grace: float | None
    """Seconds that a hook may go on after the client left."""
    cleanup_timeout: float
    """Seconds that cancelled tasks, and then ``on_close``, may take."""
    messages_per_second: float
    """Incoming messages, on average; infinite where there is no limit."""
    messages_burst: int
    """Incoming messages that may come at once."""
    first_lease: int
    """Incoming messages that are taken before anybody looks at the clock."""
    flood: Flood
    """What is done past that rate."""
    idle_timeout: float | None
    """Seconds without a message from the client."""
    revalidate: float | None
    """Seconds between two looks at the session and the permissions."""
    max_concurrent_messages: int
    """Calls of ``on_message`` that may run at once."""
    guards: "tuple[Guard, ...]"
    """Asked in turn before ``on_connect``."""
    declared_guards: object
    """The same as they stand on the class."""


_options: Final[dict[type, Options]] = {}


def options_of(cls: type, generic: type, /) -> Options:
    """Give the options of a socket class.

    Args:
        cls: The class.
        generic: The base of which the type arguments are meant.

    Raises:
        ImproperlyConfigured: No codec for its messages, or an attribute with a wrong value.
    """
    options = _options.get(cls)
    settings = get_settings()
    # A decorator may put a guard on a class that has been looked at before, and must not be overlooked.
    if options is None or options.settings is not settings or options.declared_guards is not getattr(cls, "guards", ()):
        options = _options[cls] = _work_out(cls, generic, settings)
    return options


def _work_out(cls: type, generic: type, settings: WebSocketSettings) -> Options:
    size = _declared(cls, "max_message_size", settings.max_message_size, _is_size)
    max_size = sys.maxsize if size is None else size
    decoder, encoder = _codecs(cls, generic, settings)
    overflow: object = getattr(cls, "overflow", Overflow.CLOSE)
    if not isinstance(overflow, Overflow):
        raise ImproperlyConfigured(f"{cls.__qualname__}.overflow is {overflow!r}, but must be a member of Overflow")
    flood: object = getattr(cls, "flood", Flood.WAIT)
    if not isinstance(flood, Flood):
        raise ImproperlyConfigured(f"{cls.__qualname__}.flood is {flood!r}, but must be a member of Flood")
    rate = _declared(cls, "messages_per_second", settings.messages_per_second, _is_bound)
    burst = _declared(cls, "messages_burst", settings.messages_burst, _is_count)
    _declared(cls, "denial", settings.denial, _is_denial)
    return Options(
        settings=settings,
        decode=decoder.decode,
        encode=encoder.encode,
        encoder=encoder,
        outgoing=type_arguments(cls, generic)[1] if getattr(cls, "codec", None) is None else None,
        task_manager=_task_manager(cls),
        hears_events=_on_event(cls) is not _on_event(generic),
        max_message_size=max_size,
        surely_fits=max_size // _BYTES_PER_CHARACTER,
        inbox_messages=_declared(cls, "inbox_messages", settings.inbox_messages, _is_count),
        outbox_messages=_declared(cls, "outbox_messages", settings.outbox_messages, _is_count),
        outbox_bytes=_declared(cls, "outbox_bytes", settings.outbox_bytes, _is_count),
        overflow=overflow,
        disconnect_grace=_declared(cls, "disconnect_grace", settings.disconnect_grace, _is_grace),
        cleanup_timeout=_declared(cls, "cleanup_timeout", settings.cleanup_timeout, _is_seconds),
        messages_per_second=math.inf if rate is None else rate,
        messages_burst=burst,
        first_lease=sys.maxsize if rate is None else lease_of(burst),
        flood=flood,
        idle_timeout=_declared(cls, "idle_timeout", settings.idle_timeout, _is_bound),
        revalidate=_seconds_of(_declared(cls, "revalidate", settings.revalidate, _is_interval)),
        max_concurrent_messages=getattr(cls, "max_concurrent_messages", 1),
        guards=_guards(cls),
        declared_guards=getattr(cls, "guards", ()),
    )


# See Options.decode.
def _codecs(cls: type, generic: type, settings: WebSocketSettings) -> "tuple[Codec[Any, Any], Codec[Any, Any]]":
    """Give what decodes and what encodes."""
    declared: Codec[Any, Any] | None = getattr(cls, "codec", None)
    if declared is not None:
        return declared, declared
    incoming, outgoing = type_arguments(cls, generic)
    depth = settings.max_message_depth
    json = json_codec(settings.json_codec, depth)
    return decoder_for(incoming, cls.__qualname__, json, depth), encoder_for(outgoing, cls.__qualname__, json)


# A hook may be anything that its user writes.
def _on_event(cls: type) -> Any:
    """Give the hook itself: that of SyncWebSocketHandler is put around the one that does nothing."""
    return inspect.unwrap(getattr(cls, "on_event", cls))


def _declared(cls: type, name: str, default: T, is_right: "Callable[[object], bool]") -> T:
    value: T = getattr(cls, name, default)
    if not is_right(value):
        raise ImproperlyConfigured(f"{cls.__qualname__}.{name} is {value!r}; see the setting WS_{name.upper()}")
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_size(value: object) -> bool:
    return value is None or _is_count(value)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _guards(cls: type) -> "tuple[Guard, ...]":
    declared: object = getattr(cls, "guards", ())
    guards = tuple(cast("Iterable[object]", declared)) if isinstance(declared, Iterable) else (declared,)
    for guard in guards:
        if not callable(guard):
            raise ImproperlyConfigured(
                f"{cls.__qualname__}.guards holds {guard!r}, but must be a list of async functions of the request"
            )
    return cast("tuple[Guard, ...]", guards)


def _task_manager(cls: type) -> "TaskManagerFactory":
    """Give what makes the manager, as it stands on the class: a function that an instance would bind, too."""
    declared: object = getattr(cls, "task_manager", TaskGroup)
    expected = f"{cls.__qualname__}.task_manager must be a class, or a function without arguments, that makes a "
    if not callable(declared):
        raise ImproperlyConfigured(f"{expected}TaskManager, but is {declared!r}")
    if isinstance(declared, type):
        missing = [name for name in _MANAGES if not hasattr(declared, name)]
        if missing:
            lacks = f"{declared.__qualname__} has no {' and no '.join(missing)}"
            raise ImproperlyConfigured(f"{expected}TaskManager, but {lacks}")
    return cast("TaskManagerFactory", declared)


def _is_bound(value: object) -> bool:
    return value is None or (_is_seconds(value) and value != 0 and math.isfinite(cast("float", value)))


def _is_interval(value: object) -> bool:
    return value is None or (isinstance(value, timedelta) and value > timedelta())


def _seconds_of(interval: timedelta | None) -> float | None:
    return None if interval is None else interval.total_seconds()


def _is_denial(value: object) -> bool:
    return isinstance(value, Denial)


def _is_grace(value: object) -> bool:
    return value is None or _is_seconds(value)


def check_class(cls: type, /) -> None:
    """Refuse a socket class that can never serve anybody, when it is made and not when the first client comes.

    Raises:
        ImproperlyConfigured: Its ``run`` is an ordinary function, or it has a wrong ``max_concurrent_messages``.
    """
    run: object = vars(cls).get("run")
    if inspect.isfunction(run) and not inspect.iscoroutinefunction(inspect.unwrap(run)):
        raise ImproperlyConfigured(f"{cls.__qualname__}.run must be async: write «async def run»")
    count: object = getattr(cls, "max_concurrent_messages", 1)
    if not _is_count(count):
        raise ImproperlyConfigured(
            f"{cls.__qualname__}.max_concurrent_messages is {count!r}, but must be a whole number over 0"
        )
