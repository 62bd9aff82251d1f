"""What the events of a topic are: their type, their codec, and the look at each one that is published."""

import types
import typing
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import typing_extensions

from django_ws.codecs.choice import encoder_for, json_codec
from django_ws.codecs.type_arguments import type_arguments
from django_ws.codecs.typed import resolve
from django_ws.conf import get_settings

if TYPE_CHECKING:
    from django_ws.conf import WebSocketSettings
    from django_ws.interfaces import Codec

__all__ = ["check_event", "event_codec", "event_type"]

_types: Final["WeakKeyDictionary[type, object]"] = WeakKeyDictionary()
_expected: Final[dict[object, tuple[type, ...]]] = {}
# A codec found by a run-time type has types that only its user knows.
_codecs: Final["WeakKeyDictionary[type, tuple[WebSocketSettings, Codec[Any, Any]]]"] = WeakKeyDictionary()


def event_type(cls: type, generic: type, /) -> object:
    """Give the type argument of a topic class.

    Args:
        cls: The class.
        generic: The base of which the type argument is meant.
    """
    found = _types.get(cls)
    if found is None:
        found = _types[cls] = type_arguments(cls, generic)[0]
    return found


# See _codecs.
def event_codec(cls: type, generic: type, /) -> "Codec[Any, Any]":
    """Give what writes and reads the events of a topic class.

    Raises:
        ImproperlyConfigured: There is none for events of that type; the message says why.
    """
    settings = get_settings()
    found = _codecs.get(cls)
    if found is None or found[0] is not settings:
        json = json_codec(settings.json_codec, settings.max_message_depth)
        found = _codecs[cls] = (
            settings,
            encoder_for(event_type(cls, generic), cls.__qualname__, json),
        )
    return found[1]


def check_event(event: object, type_: object, where: str, /) -> None:
    """Hold an event to the type that its topic declares, as far as that is made of classes.

    Raises:
        TypeError: It is of another class.
    """
    try:
        expected = _expected.get(type_)
    except TypeError:  # a type with something in it that cannot be hashed
        expected = _classes_of(resolve(type_))
    else:
        if expected is None:
            # Once for each type: to follow an alias takes longer than to encode an event.
            expected = _expected[type_] = _classes_of(resolve(type_))
    if expected and not isinstance(event, expected):
        wanted = " or ".join(one.__qualname__ for one in expected)
        raise TypeError(f"{where} takes events of type {wanted}, not {type(event).__qualname__}")


def _classes_of(type_: object) -> tuple[type, ...]:
    """Give the classes in a class or a union of classes; none where there is anything else, such as JSON."""
    members = typing.get_args(type_) if typing.get_origin(type_) in (typing.Union, types.UnionType) else (type_,)
    classes: list[type] = []
    for member in members:
        if not isinstance(member, type) or member in {object, Any} or typing.get_origin(member) is not None:
            return ()
        classes.append(dict if typing_extensions.is_typeddict(member) else member)
    return tuple(classes)
