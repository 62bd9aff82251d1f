"""The type arguments of a socket class, found at run time.

``class Chat(Base[str])`` over ``class Base(WebSocketHandler[T, T])`` has the arguments ``(str, str)``: each base's
arguments are put in the place of its type variables. An argument that stays a type variable means "not said": a
default is never read from it (a chained default cannot be resolved at run time).
"""

from typing import Any, TypeVar, get_args, get_origin

from typing_extensions import get_original_bases

__all__ = ["type_arguments"]


def type_arguments(cls: type, generic: type, /) -> tuple[object, ...]:
    """Find what ``cls`` puts in the place of the type parameters of ``generic``, one of its bases.

    Returns:
        One argument for each parameter; the type variable itself where none was given.
    """
    if cls is generic:
        return _parameters(cls)
    for base in get_original_bases(cls):
        origin = get_origin(base) or base
        if isinstance(origin, type) and issubclass(origin, generic):
            given = get_args(base)
            bound = dict(zip(_parameters(origin), given, strict=False))
            return tuple(_substitute(argument, bound) for argument in type_arguments(origin, generic))
    return _parameters(generic)


def _parameters(cls: type) -> tuple[object, ...]:
    return tuple(getattr(cls, "__parameters__", ()))


# Type variables are hashable, but an arbitrary argument (say, Literal[[]]) need not be.
def _substitute(argument: object, bound: dict[Any, object]) -> object:
    return bound.get(argument, argument) if isinstance(argument, TypeVar) else argument
