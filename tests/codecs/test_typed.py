"""handler/typed.py"""

import sys
import types
from dataclasses import dataclass
from threading import Thread
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import annotated_types
import msgspec
import pydantic
import pydantic.dataclasses
import pytest
from django.core.exceptions import ImproperlyConfigured
from typing_extensions import TypeAliasType, TypedDict

from django_ws.codecs import typed
from django_ws.codecs.json import JSON
from django_ws.codecs.msgspec import TypedMsgspecCodec
from django_ws.codecs.pydantic import PydanticCodec
from django_ws.codecs.typed import has_fields, resolve, typed_codec
from django_ws.codecs.validation import MessageValidationError


@dataclass
class Said:
    text: str
    type: Literal["said"] = "said"


@dataclass
class Left:
    count: int = 0
    type: Literal["left"] = "left"


class Chat(TypedDict):
    said: Said


class Struct(msgspec.Struct, tag=True):
    said: Said
    me: "Struct | None" = None


class Other(msgspec.Struct, tag=True):
    pass


class Model(pydantic.BaseModel):
    x: int = 0


@pydantic.dataclasses.dataclass
class Checked:
    x: Annotated[int, pydantic.Field(gt=0)]


class Point(NamedTuple):
    x: int


class Pair(NamedTuple):
    model: Model


@dataclass
class Bounded:
    x: Annotated[int, annotated_types.Gt(0)]


@dataclass
class Holds:
    models: "dict[str, list[Model | None]]"


@dataclass
class Mixed:
    model: Model
    struct: Struct


@dataclass
class Unreadable:
    x: "nowhere.Type"  # type: ignore[name-defined]  # noqa: F821 - the point


class Email(str):
    """As a user's own type for pydantic is."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: Any) -> Any:
        return handler(str)


Alias = TypeAliasType("Alias", "Struct | Other")


@pytest.mark.parametrize(
    "type_",
    [Said, Chat, Struct, Struct | Other, Annotated[Struct, "x"], list[Said], dict[str, int], int, Point],
)
def test_what_has_nothing_of_pydantic_goes_to_msgspec(type_: object) -> None:
    assert isinstance(typed_codec(type_, "Room"), TypedMsgspecCodec)


@pytest.mark.parametrize(
    "type_",
    [
        Model,
        Model | Said,
        list[Model],
        Holds,
        Pair,
        Checked,
        Bounded,
        list[Annotated[int, pydantic.Strict]],
        Annotated[Said | Left, pydantic.Field(discriminator="type")],
        dict[str, Email],
        TypeAliasType("Models", list[Model]),
    ],
)
def test_pydantic_anywhere_in_it_goes_to_pydantic(type_: object) -> None:
    assert isinstance(typed_codec(type_, "Room"), PydanticCodec)


def test_a_union_of_dataclasses_which_msgspec_does_not_take_goes_to_pydantic_as_strictly() -> None:
    codec = typed_codec(Said | Left, "Room")
    assert isinstance(codec, PydanticCodec)
    assert codec.decode('{"type":"left","count":1}') == Left(1)
    with pytest.raises(MessageValidationError):
        codec.decode('{"type":"left","count":"1"}')
    assert typed_codec(Model, "Room").decode('{"x":"1"}') == Model(x=1)


@pytest.mark.parametrize("type_", [Mixed, Struct | Model, Annotated[Model, msgspec.Meta(title="x")]])
def test_a_mixture_is_refused_for_one_would_not_check_what_the_other_declares(type_: object) -> None:
    with pytest.raises(
        ImproperlyConfigured, match=r"Room has messages of type .* mixes Model of pydantic and .* of msg"
    ):
        typed_codec(type_, "Room")


def test_what_neither_takes_is_refused_with_both_reasons() -> None:
    with pytest.raises(
        ImproperlyConfigured, match=r"Room has messages of type Thread.*msgspec says: .*pydantic says: "
    ):
        typed_codec(Thread, "Room")
    with pytest.raises(ImproperlyConfigured, match=r"msgspec says: .*nowhere"):
        typed_codec(Unreadable, "Room")


def test_structs_that_no_tag_tells_apart_are_refused_by_msgspec_alone() -> None:
    class Untagged(msgspec.Struct):
        pass

    with pytest.raises(ImproperlyConfigured, match=r"Room has messages of type .*Struct \| .*msgspec says") as caught:
        typed_codec(Struct | Untagged, "Room")
    assert "pydantic says" not in str(caught.value)


def _without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, f"django_ws.codecs.{name}")
    monkeypatch.setattr(typed, "_made", {})  # what has been made is kept


@pytest.mark.parametrize("type_", [Said, Chat])
def test_without_msgspec_pydantic_takes_plain_types(type_: object, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "msgspec")
    assert isinstance(typed_codec(type_, "Room"), PydanticCodec)


def test_without_either_both_extras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "msgspec", "pydantic")
    with pytest.raises(ImproperlyConfigured, match=r"Room .*django-ws\[msgspec\].*django-ws\[pydantic\]"):
        typed_codec(Said, "Room")


def test_without_pydantic_a_union_of_dataclasses_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "pydantic")
    with pytest.raises(ImproperlyConfigured, match=r"msgspec says: .*more than one dataclass.*django-ws\[pydantic\]"):
        typed_codec(Said | Left, "Room")


def test_the_bound_on_nesting_is_handed_on() -> None:
    for type_ in (Said, Model):
        assert getattr(typed_codec(type_, "Room", 7), "_max_depth", None) == 7


@pytest.mark.parametrize("type_", [Said, list[Chat], Struct | None, Model, Annotated[Model, 1], Pair, dict[str, Email]])
def test_what_has_fields(type_: object) -> None:
    assert has_fields(type_)


@pytest.mark.parametrize("type_", [int, dict[str, list[int]], JSON, str | None, Any, "Late", Literal[1], Thread])
def test_what_has_none(type_: object) -> None:
    assert not has_fields(type_)


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        (int, int),
        (Alias, Struct | Other),
        (Alias | None, Struct | Other | None),
        (Annotated[Alias, "x"], Annotated[Struct | Other, "x"]),
        (TypeAliasType("Twice", Alias), Struct | Other),
        (TypeAliasType("Named", "Alias"), Struct | Other),
        ("Late", "Late"),
    ],
)
def test_aliases_are_followed(argument: object, meant: object) -> None:
    assert resolve(argument) == meant


def test_an_alias_of_what_is_not_there_is_refused_with_its_place() -> None:
    with pytest.raises(
        ImproperlyConfigured, match=r"'Nowhere \| int' cannot be read.*'Nowhere'.*outside of TYPE_CHECK"
    ):
        resolve(TypeAliasType("Lost", "Nowhere | int"))  # noqa: F821 - the point
    lost = types.SimpleNamespace()
    with pytest.raises(ImproperlyConfigured, match=r"'int' cannot be read.*'not.imported'"):
        resolve("int", "not.imported")
    assert resolve(lost) is lost


def test_a_type_has_one_codec() -> None:
    assert typed_codec(Said, "Room") is typed_codec(Said, "Hall")
    assert typed_codec(Said, "Room", 3) is not typed_codec(Said, "Room")


def test_a_type_that_cannot_be_hashed_has_one_each_time() -> None:
    type_ = Annotated[Said, []]
    assert typed_codec(type_, "Room") is not typed_codec(type_, "Room")


def test_a_type_variable_that_stands_for_nothing_is_refused() -> None:
    anything = TypeVar("anything")
    with pytest.raises(ImproperlyConfigured, match="~anything in it stands for no type: give the class an argument"):
        typed_codec(list[anything], "Chat")  # type: ignore[valid-type]


def test_the_order_of_a_union_is_that_of_each_socket() -> None:
    one, other = typed_codec(Cat | Dog, "One"), typed_codec(Dog | Cat, "Other")
    assert type(one.decode('{"name": "Rex"}')) is Cat
    assert type(other.decode('{"name": "Rex"}')) is Dog


class Cat(pydantic.BaseModel):
    name: str


class Dog(pydantic.BaseModel):
    name: str
