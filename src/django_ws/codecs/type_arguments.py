"""The type arguments of a socket class, found at run time.

``class Chat(Base[str])`` over ``class Base(WebSocketHandler[T, T])`` has the arguments ``(str, str)``: each base's
arguments are put in the place of its type variables. An argument that stays a type variable means "not said": a
default is never read from it (a chained default cannot be resolved at run time).
"""

from typing import Any, TypeVar, get_args, get_origin

from typing_extensions import get_original_bases

__all__ = ["free_variables", "type_arguments"]


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


# Type variables are hashable, but an arbitrary argument (say, Literal[[]]) need not be. What a type is subscripted with
# is for itself to say.
def _substitute(argument: Any, bound: dict[Any, object]) -> object:
    if isinstance(argument, TypeVar):
        return bound.get(argument, argument)
    inner = free_variables(argument)
    if not any(variable in bound for variable in inner):
        return argument
    return argument[tuple(bound.get(variable, variable) for variable in inner)]


def free_variables(argument: object, /) -> tuple[object, ...]:
    """Give the type variables inside of a type, which stand for nothing yet: those of ``list[T]`` and ``T | None``.

    A generic class without arguments has none: it means any. Of one of pydantic's that cannot be told apart.
    """
    if isinstance(argument, type) and get_origin(argument) is None:
        of_model: dict[str, Any] = getattr(argument, "__pydantic_generic_metadata__", {})
        return tuple(of_model.get("parameters", ()))
    return tuple(getattr(argument, "__parameters__", ()))
