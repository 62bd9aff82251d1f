"""handler/type_arguments.py"""

from typing import Generic, Literal

import pytest
from pydantic import BaseModel
from typing_extensions import TypeVar

from django_ws.codecs.type_arguments import free_variables, type_arguments

A = TypeVar("A", default=int)
B = TypeVar("B", default=str)
C = TypeVar("C")
D = TypeVar("D")


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


class Box(Generic[C]): ...


class Deep(Base[C | None, list[Box[C]]]): ...


class Deeper(Deep[str]): ...


class HalfDeep(Base[dict[C, D], Box[D]], Generic[C, D]): ...


class HalfDeeper(HalfDeep[bytes, D]): ...


class Model(BaseModel, Generic[D]):
    value: D


class OfModel(Base[Model[D], str], Generic[D]): ...


class OfModelOfText(OfModel[str]): ...


class OfBox(Base[Box, Model]): ...  # type: ignore[type-arg]


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
        (Deeper, (str | None, list[Box[str]])),
        (HalfDeeper, (dict[bytes, D], Box[D])),  # type: ignore[valid-type]
        (OfModelOfText, (Model[str], str)),
        (OfBox, (Box, Model)),
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


@pytest.mark.parametrize(
    ("argument", "free"),
    [
        (list[C], (C,)),  # type: ignore[valid-type]
        (dict[C, D], (C, D)),  # type: ignore[valid-type]
        (C | int, (C,)),
        (Box[C], (C,)),  # type: ignore[valid-type]
        (Box, ()),
        (list[int], ()),
        (str, ()),
    ],
)
def test_what_stands_for_nothing_yet(argument: object, free: tuple[object, ...]) -> None:
    assert free_variables(argument) == free
