"""handler/pydantic.py"""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread
from typing import Annotated, Any, Literal, TypeAlias

import pytest
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, field_validator
from pydantic_core import PydanticCustomError

from django_ws.codecs.pydantic import PydanticCodec
from django_ws.codecs.validation import Detail, MessageValidationError
from django_ws.exceptions import InvalidMessageError, MessageTooDeepError, UnsupportedDataError


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["item"] = "item"
    how_many: int = Field(default=1, alias="howMany", gt=0)
    name: str = ""
    by_name: dict[str, "Item"] = {}
    by_number: dict[int, str] = {}
    inner: "list[Item]" = []
    weight: float = 0

    @field_validator("name")
    @classmethod
    def check_name(cls, name: str) -> str:
        if name == "bad":
            raise ValueError(f"hunter2 {name}")
        if name == "odd":
            raise PydanticCustomError("odd_name", "hunter2 {name}", {"name": name})
        return name


class Gone(BaseModel):
    type: Literal["gone"] = "gone"


Tagged: TypeAlias = Annotated[Item | Gone, Field(discriminator="type")]
CODEC = PydanticCodec(Tagged)


@dataclass
class Point:
    x: int
    y: float = 0


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("{}", "$", "union_tag_not_found"),
        ("5", "$", "dict_type"),
        ('{"type":"hunter2"}', "$", "union_tag_invalid"),
        ('{"type":"item","howMany":"hunter2"}', "$.item.howMany", "int_parsing"),
        ('{"type":"item","howMany":0}', "$.item.howMany", "greater_than"),
        ('{"type":"item","hunter2":1}', "$.item[...]", "extra_forbidden"),
        ('{"type":"item","name":"bad"}', "$.item.name", "value_error"),
        ('{"type":"item","name":"odd"}', "$.item.name", "odd_name"),
        ('{"type":"item","inner":[{},{"howMany":"hunter2"}]}', "$.item.inner[1].howMany", "int_parsing"),
        ('{"type":"item","by_name":{"hunter2":{"name":5}}}', "$.item.by_name[...].name", "string_type"),
        ('{"type":"item","by_number":{"hunter2":""}}', "$.item.by_number[...]", "int_parsing"),
        ('{"type":"item","by_number":{"4111":4111}}', "$.item.by_number[...]", "string_type"),
    ],
)
def test_a_wrong_message_is_told_by_place_and_kind_and_not_by_what_it_holds(text: str, where: str, what: str) -> None:
    with pytest.raises(MessageValidationError) as caught:
        CODEC.decode(text)
    assert caught.value.details == (Detail(where, what),)
    assert str(caught.value) == f"not taken: {what} at {where}"
    assert caught.value.__suppress_context__


def test_all_that_is_wrong_is_told() -> None:
    with pytest.raises(MessageValidationError) as caught:
        CODEC.decode('{"type":"item","howMany":"x","name":5}')
    assert caught.value.details == (
        Detail("$.item.howMany", "int_parsing"),
        Detail("$.item.name", "string_type"),
    )


@pytest.mark.parametrize(("count", "details"), [(100, 100), (101, 1)])
def test_a_flood_of_errors_is_only_counted(count: int, details: int) -> None:
    with pytest.raises(MessageValidationError) as caught:
        PydanticCodec(list[int]).decode("[" + ",".join(['"hunter2"'] * count) + "]")
    assert len(caught.value.details) == details
    assert (caught.value.details == (Detail("$", "101 errors"),)) is (details == 1)


def test_the_members_of_a_union_without_a_tag_are_named() -> None:
    with pytest.raises(MessageValidationError) as caught:
        PydanticCodec(Item | Gone).decode('{"type":"x"}')
    assert caught.value.details == (Detail("$.Item.type", "literal_error"), Detail("$.Gone.type", "literal_error"))


def test_a_type_without_a_schema_is_validated_and_nothing_in_it_named() -> None:
    class Model(BaseModel):
        call: Callable[[], int]

    with pytest.raises(MessageValidationError) as caught:
        PydanticCodec(Model).decode('{"call":1}')
    assert caught.value.details == (Detail("$[...]", "callable_type"),)


def test_a_right_message_comes_as_its_type_and_goes_as_the_model_says() -> None:
    item = CODEC.decode('{"type":"item","howMany":"3"}')
    assert isinstance(item, Item)
    assert item.how_many == 3
    assert CODEC.decode('{"type":"gone"}') == Gone()
    assert CODEC.encode(Gone()) == '{"type":"gone"}'
    assert PydanticCodec(Point).encode(Point(1, 2)) == '{"x":1,"y":2.0}'


def test_strict_takes_no_value_of_another_type() -> None:
    assert PydanticCodec(Point).decode('{"x":"1"}') == Point(1)
    assert PydanticCodec(Point, strict=True).decode('{"x":1,"y":2}') == Point(1, 2)
    with pytest.raises(MessageValidationError, match=r"int_type at \$\.x"):
        PydanticCodec(Point, strict=True).decode('{"x":"1"}')


@pytest.mark.parametrize("message", [5, None, Point(1), Gone.model_construct(type="other")])
def test_what_is_not_of_the_type_is_an_error_of_the_caller(message: Any) -> None:
    with pytest.raises(ValueError, match="PydanticSerializationUnexpectedValue"):
        CODEC.encode(message)


def test_what_cannot_be_encoded_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        CODEC.encode(Item(name="\ud800"))
    circle = Item()
    circle.inner.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        CODEC.encode(circle)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", "not JSON at line 1 column 0"),
        ('{"type":"gone"}hunter2', "not JSON at line 1 column 16"),
        ('{"type":hunter2}', "not JSON at line 1 column 9"),
        ('{"type":"item","name":"\\udc00"}', "not JSON at line 1 column 29"),
        ('{"type":"item","name":"\\ud800ab"}', "not JSON at line 1 column 30"),
        ('{"type":"item","weight":NaN}', "not JSON at line 1 column 25"),
        ('{"type":"item","weight":-Infinity}', "not JSON at line 1 column 26"),
        ('{"name":"Infinity\ud800"}', "not JSON: it is no Unicode text"),
    ],
)
def test_what_is_no_json_is_told_by_its_position_alone(data: str, text: str) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        CODEC.decode(data)
    assert str(caught.value) == text
    assert caught.value.__suppress_context__


def test_half_of_a_surrogate_pair_as_it_is_is_not_taken() -> None:
    with pytest.raises(InvalidMessageError, match="string_unicode"):
        CODEC.decode('{"name":"\ud800"}')


def test_nan_may_stand_in_a_text() -> None:
    assert CODEC.decode('{"type":"item","name":"NaN or Infinity"}') == Item(name="NaN or Infinity")


def test_a_type_comes_in_text_frames() -> None:
    with pytest.raises(UnsupportedDataError):
        CODEC.decode(b"{}")


def test_nesting_has_a_bound() -> None:
    codec = PydanticCodec(Gone, max_depth=3)
    assert codec.decode('{"type":"gone","more":[[1],[2],[3],[4]]}') == Gone()
    with pytest.raises(MessageTooDeepError):
        codec.decode('{"type":"gone","more":[[[1]]]}')
    for bound in (128, 10_000):
        with pytest.raises(MessageTooDeepError):
            PydanticCodec(Gone, max_depth=bound).decode("[" * 5000)


def test_a_type_that_pydantic_does_not_take_is_refused_with_its_reason() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^pydantic says: Unable to generate pydantic-core schema.*Thread"):
        PydanticCodec(list[Thread])


def test_a_model_that_cannot_be_finished_is_refused_at_the_start() -> None:
    class Model(BaseModel):
        later: "NotDefinedAnywhere"  # type: ignore[name-defined]  # noqa: F821 - the point

    with pytest.raises(ImproperlyConfigured, match=r"^pydantic says: .*Model.* is not fully defined"):
        PydanticCodec(Model)


def test_a_reason_without_words_has_a_name() -> None:
    class Silent:
        @classmethod
        def __get_pydantic_core_schema__(cls, *_: object) -> object:
            raise KeyboardError

    class KeyboardError(Exception):
        pass

    with pytest.raises(ImproperlyConfigured, match=r"^pydantic says: KeyboardError$"):
        PydanticCodec(Silent)


def test_a_fault_in_a_validator_is_a_fault() -> None:
    def fail(_: object) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        PydanticCodec(Annotated[int, PlainValidator(fail)]).decode("1")


def test_where_pydantic_is_missing_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    monkeypatch.delitem(sys.modules, "django_ws.codecs.pydantic")
    with pytest.raises(ImproperlyConfigured, match=r"django-ws\[pydantic\]"):
        importlib.import_module("django_ws.codecs.pydantic")
