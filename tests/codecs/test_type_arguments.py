"""handler/type_arguments.py"""

from typing import Generic, Literal

import pytest
from typing_extensions import TypeVar

from django_ws.codecs.type_arguments import type_arguments

A = TypeVar("A", default=int)
B = TypeVar("B", default=str)
C = TypeVar("C")


class Base(Generic[A, B]): ...


class Bare(Base): ...


class Both(Base[str, bytes]): ...


class Half(Base[C, bytes]): ...


class Whole(Half[str]): ...


class Swapped(Base[B, A], Generic[A, B]): ...


class SwappedAgain(Swapped[float, complex]): ...


class Same(Base[C, C]): ...


class SameText(Same[str]): ...


class Mixin: ...


class Mixed(Mixin, Both): ...


class Grandchild(Mixed): ...


class Nested(Base[list[str], dict[str, int]]): ...


class Unhashable(Base[Literal["a"], "Literal['b']"]): ...


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Both, (str, bytes)),
        (Whole, (str, bytes)),
        (SwappedAgain, (complex, float)),
        (SameText, (str, str)),
        (Mixed, (str, bytes)),
        (Grandchild, (str, bytes)),
        (Nested, (list[str], dict[str, int])),
        (Half, (C, bytes)),
    ],
)
def test_arguments_are_found_through_the_bases(cls: type, expected: tuple[object, ...]) -> None:
    assert type_arguments(cls, Base) == expected


@pytest.mark.parametrize("cls", [Base, Bare])
def test_what_is_not_said_stays_a_type_variable_and_no_default_is_read(cls: type) -> None:
    assert type_arguments(cls, Base) == (A, B)


def test_a_class_that_is_none_of_them_has_the_parameters_themselves() -> None:
    assert type_arguments(Mixin, Base) == (A, B)


def test_a_base_without_parameters_has_no_arguments() -> None:
    assert type_arguments(Mixed, Mixin) == ()


def test_a_subscription_is_no_class_and_is_not_looked_into() -> None:
    assert type_arguments(Unhashable, Base)[0] == Literal["a"]
