"""The ``OPTIONS`` of an engine: known ones only, each of its type."""

from typing import TYPE_CHECKING, TypeVar

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["no_options", "take_option"]

T = TypeVar("T")


def take_option(options: dict[str, object], name: str, expected: type[T], default: T) -> T:
    """Take one option out of what is given.

    Raises:
        ImproperlyConfigured: It is of another type.
    """
    if name not in options:
        return default
    value = options.pop(name)
    if isinstance(value, expected) and (expected is bool or not isinstance(value, bool)):
        return value
    raise ImproperlyConfigured(f"OPTIONS[{name!r}] is {value!r}, but must be of type {expected.__name__}")


def no_options(options: "Mapping[str, object]") -> None:
    """Refuse what nobody has taken.

    Raises:
        ImproperlyConfigured: There is something left; the message names it.
    """
    if options:
        raise ImproperlyConfigured(f"OPTIONS has {', '.join(map(repr, options))}, which this engine does not know")
