"""The choice of the library that decodes, validates and encodes messages of a declared type.

A type goes to pydantic where anything of pydantic stands in it: a model, a pydantic dataclass, a ``Field``. Else it
goes to msgspec; where that is not installed or does not take it (a union of dataclasses), to pydantic, which then takes
values as strictly as msgspec does. Nothing is validated here.
"""

import sys
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import typing_extensions
from django.core.exceptions import ImproperlyConfigured

from django_ws.codecs.json import MAX_DEPTH
from django_ws.codecs.type_arguments import free_variables

if TYPE_CHECKING:
    from django_ws.interfaces import Codec

__all__ = ["has_fields", "resolve", "typed_codec"]

_FIELDS: Final = ("__dataclass_fields__", "__total__", "__struct_fields__", "__attrs_attrs__", "_fields")
"""What marks a dataclass, a TypedDict, a Struct, a class of attrs and a NamedTuple."""
_OF_PYDANTIC: Final = frozenset({"pydantic", "pydantic_core", "annotated_types"})


@dataclass(slots=True)
class _Contents:
    """What stands in a type, at any depth."""

    pydantic: str = ""
    """Something that pydantic alone understands."""
    msgspec: str = ""
    """Something that msgspec alone understands."""
    fields: bool = False
    """Whether there is a class with fields."""


# A codec found by a run-time type has types that only its user knows.
_made: Final[dict[tuple[object, str, int], "Codec[Any, Any]"]] = {}


# See _made.
def typed_codec(type_: object, where: str, max_depth: int = MAX_DEPTH, /) -> "Codec[Any, Any]":
    """Give the codec of messages of a type, the same one each time: what it has encoded need not be encoded again.

    Args:
        type_: The type, :func:`resolved <resolve>`.
        where: The socket's name, for the error.
        max_depth: ``WS_MAX_MESSAGE_DEPTH``.

    Raises:
        ImproperlyConfigured: Neither library takes it, or the one that does is not installed.
    """
    try:
        # By its text, too: a union equals one in another order, which may decide what a message is.
        key = (type_, repr(type_), max_depth)
        codec = _made.get(key)
    except TypeError:  # a type with something in it that cannot be hashed
        return _make(type_, where, max_depth)
    if codec is None:
        codec = _made[key] = _make(type_, where, max_depth)
    return codec


# See _made.
def _make(type_: object, where: str, max_depth: int) -> "Codec[Any, Any]":
    # (A class of pydantic's without arguments means any.)
    if not isinstance(type_, type) and (free := free_variables(type_)):
        raise _refused(where, type_, f"{free[0]} in it stands for no type: give the class an argument")
    contents = _look_into(type_)
    if contents.pydantic and contents.msgspec:
        raise _refused(
            where, type_, f"it mixes {contents.pydantic} of pydantic and {contents.msgspec} of msgspec: use one of them"
        )
    reasons: list[str] = []
    if not contents.pydantic:
        try:
            from django_ws.codecs.msgspec import TypedMsgspecCodec  # noqa: PLC0415 - an extra
        except ImproperlyConfigured:
            reasons.append("msgspec is not installed: pip install 'django-ws[msgspec]'")
        else:
            try:
                return TypedMsgspecCodec(type_, max_depth=max_depth)
            except ImproperlyConfigured as error:
                reasons.append(str(error))
    if not contents.msgspec:
        try:
            from django_ws.codecs.pydantic import PydanticCodec  # noqa: PLC0415 - an extra
        except ImproperlyConfigured:
            reasons.append("pydantic is not installed: pip install 'django-ws[pydantic]'")
        else:
            try:
                # A plain type takes the same values, whichever of the two is installed.
                return PydanticCodec(type_, strict=None if contents.pydantic else True, max_depth=max_depth)
            except ImproperlyConfigured as error:
                reasons.append(str(error))
    raise _refused(where, type_, "; ".join(reasons))


def _refused(where: str, type_: object, why: str) -> ImproperlyConfigured:
    name = type_.__name__ if isinstance(type_, type) and typing.get_origin(type_) is None else str(type_)
    return ImproperlyConfigured(
        f"{where} has messages of type {name}, for which there is no codec: {why}. Use str, bytes, JSON or a type that "
        "msgspec or pydantic takes, or give the class a codec: codec = MyCodec()"
    )


def has_fields(type_: object, /) -> bool:
    """Say whether there is a dataclass, TypedDict, Struct, model or the like in a type: plain JSON has none."""
    contents = _look_into(type_)
    return contents.fields or bool(contents.pydantic or contents.msgspec)


def resolve(argument: object, module: str = "", /) -> object:
    """Give what a type argument stands for: aliases (``type X = ...``) in it, and in a union, are followed.

    msgspec knows no alias of ``typing_extensions``.

    Args:
        argument: The type argument.
        module: Where a string is to be looked up.

    Raises:
        ImproperlyConfigured: An alias names what is not there at run time.
    """
    if isinstance(argument, str) and module:
        holder = types.SimpleNamespace(__annotations__={"it": argument})
        try:
            return resolve(typing.get_type_hints(holder, vars(sys.modules[module]), include_extras=True)["it"], module)
        except (NameError, KeyError) as error:
            raise ImproperlyConfigured(
                f"The type {argument!r} cannot be read at run time, where it chooses the codec: {error}. Define and "
                f"import its names in {module}, outside of TYPE_CHECKING."
            ) from error
    if _is_alias(argument):
        # The two kinds of alias have no class in common.
        alias: Any = argument
        return resolve(alias.__value__, alias.__module__)
    origin = typing.get_origin(argument)
    # The type is a run-time value.
    subscripted: tuple[Any, ...] = typing.get_args(argument)
    if origin is typing.Annotated:
        plain, *marks = subscripted
        return _subscribe(typing.Annotated, (resolve(plain, module), *marks))
    if origin in (typing.Union, types.UnionType):
        return _subscribe(typing.Union, tuple(resolve(member, module) for member in subscripted))
    return argument


# A special form, subscribed by run-time values.
def _subscribe(form: Any, arguments: tuple[object, ...]) -> object:
    subscribed: object = form[arguments]
    return subscribed


def _is_alias(argument: object) -> bool:
    return isinstance(argument, _ALIASES)


_ALIASES: Final = tuple(
    {typing_extensions.TypeAliasType, cast("type", getattr(typing, "TypeAliasType", typing_extensions.TypeAliasType))}
)


def _look_into(type_: object) -> _Contents:
    contents = _Contents()
    rest = [type_]
    seen: list[object] = []  # a type may hold itself, and need not be hashable
    while rest:
        part = rest.pop()
        if not any(part is other for other in seen):
            seen.append(part)
            rest.extend(_parts(part, contents))
    return contents


def _parts(part: object, contents: _Contents) -> Iterable[object]:
    """Take note of one type; give those in it."""
    origin = typing.get_origin(part)
    if origin is typing.Literal:
        return ()
    if origin is typing.Annotated:
        plain, *marks = typing.get_args(part)
        for mark in marks:
            _note(mark if isinstance(mark, type) else type(mark), contents)
        return (plain,)
    if _is_alias(part):
        return (resolve(part),)
    if origin is not None:
        return (origin, *typing.get_args(part))
    if not isinstance(part, type):
        return ()
    if _note(part, contents) or not any(hasattr(part, mark) for mark in _FIELDS):
        return ()
    contents.fields = True
    try:
        return typing_extensions.get_type_hints(part, include_extras=True).values()
    except Exception:  # noqa: BLE001 - an annotation may be any expression; the library tells what it makes of it
        return ()


def _note(cls: type, contents: _Contents) -> bool:
    """Take note of whose class it is; say whether it is pydantic's, which looks into it itself."""
    packages = {base.__module__.partition(".")[0] for base in cls.__mro__}
    if (
        packages & _OF_PYDANTIC
        or hasattr(cls, "__get_pydantic_core_schema__")
        or hasattr(cls, "__pydantic_validator__")
    ):
        contents.pydantic = contents.pydantic or cls.__qualname__
        return True
    if "msgspec" in packages:
        contents.msgspec = contents.msgspec or cls.__qualname__
    return False
