"""Whether what one declares may go where another declares what it takes: for those who do not use a type checker."""

import types
import typing
from typing import Any, Final

import typing_extensions

from django_ws.codecs.choice import means_json
from django_ws.codecs.typed import has_fields, resolve

__all__ = ["is_sendable", "members_of"]

_answers: Final[dict[tuple[object, object], bool]] = {}


def members_of(type_: object, /) -> tuple[object, ...]:
    """Give the members of a union, or the one type that it is; aliases are followed."""
    resolved = resolve(type_)
    if typing.get_origin(resolved) in (typing.Union, types.UnionType):
        return tuple(member for each in typing.get_args(resolved) for member in members_of(each))
    return (resolved,)


def is_sendable(events: object, messages: object, /) -> bool:
    """Say whether every event of one type may be sent where messages of another go out.

    Where nothing is known of either (``Any``, a generic alias), the answer is yes, and the codec has the last word.

    Args:
        events: The type of the events.
        messages: The type of the messages, the second type argument of a socket.
    """
    try:
        answer = _answers.get((events, messages))
    except TypeError:  # a type with something in it that cannot be hashed
        return _look(events, messages)
    if answer is None:
        # Once for each pair: every subscription asks, and it takes a hundred times as long as the rest of one.
        answer = _answers[events, messages] = _look(events, messages)
    return answer


def _look(events: object, messages: object) -> bool:
    if means_json(messages):
        return all(_may_be_json(member) for member in members_of(events))
    taken = members_of(messages)
    if not all(_is_class(each) for each in taken):
        return True
    return all(_is_among(member, taken) for member in members_of(events))


def _may_be_json(member: object) -> bool:
    return member is not bytes and (typing_extensions.is_typeddict(member) or not has_fields(member))


def _is_among(member: object, taken: tuple[object, ...]) -> bool:
    if member in taken or not _is_class(member):
        return True
    plain = tuple(each for each in taken if isinstance(each, type) and not typing_extensions.is_typeddict(each))
    return isinstance(member, type) and not typing_extensions.is_typeddict(member) and issubclass(member, plain)


def _is_class(type_: object) -> bool:
    """Say whether it is a class of which an instance could be asked; ``Any`` is a class, too, but says nothing."""
    return isinstance(type_, type) and type_ is not Any and typing.get_origin(type_) is None
