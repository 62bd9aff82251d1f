"""handler/msgspec.py"""

import enum
import importlib
import json
import sys
from collections import UserList
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Thread
from types import MappingProxyType
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import lazystr
from hypothesis import given, settings
from hypothesis import strategies as st

from django_ws.codecs.json import JSONCodec
from django_ws.codecs.msgspec import MsgspecCodec, TypedMsgspecCodec
from django_ws.codecs.validation import MessageValidationError
from django_ws.exceptions import InvalidMessageError, MessageTooDeepError, UnsupportedDataError

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
    | st.dates()
    | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
)


@settings(deadline=None)
@given(_VALUES)
def test_it_says_what_the_standard_codec_says(value: Any) -> None:
    text = MsgspecCodec().encode(value)
    assert json.loads(text) == json.loads(JSONCodec().encode(value))
    assert MsgspecCodec().decode(text) == json.loads(text)


@pytest.mark.parametrize(
    "data", ["", "{", "[1,]", "1 2", "NaN", '"a', '{"password": hunter2}', '"\\ud800"', '"\ud800"']
)
def test_what_is_no_json_is_an_invalid_message_that_holds_no_part_of_it(data: str) -> None:
    with pytest.raises(InvalidMessageError, match="not JSON: ") as caught:
        MsgspecCodec().decode(data)
    assert "hunter2" not in str(caught.value)
    assert "\ud800" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_binary_frame_is_refused_as_such() -> None:
    with pytest.raises(UnsupportedDataError):
        MsgspecCodec().decode(b"[]")


def test_deep_nesting_is_an_invalid_message_and_no_recursion_error() -> None:
    with pytest.raises(MessageTooDeepError, match="too deep"):
        MsgspecCodec().decode("[" * 100_000)


@pytest.mark.parametrize("item", ['{"a":', "["])
def test_nesting_has_a_bound(item: str) -> None:
    def nested(depth: int) -> str:
        return item * depth + "1" + ("]" if item == "[" else "}") * depth

    assert MsgspecCodec(max_depth=3).decode(nested(3))
    with pytest.raises(MessageTooDeepError, match="too deep"):
        MsgspecCodec(max_depth=3).decode(nested(4))


def test_a_circle_is_an_error_of_the_caller() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="circular"):
        MsgspecCodec().encode(circle)


def test_what_django_writes_beyond_json_is_written() -> None:
    # Anything that is a Mapping or a Sequence, to the type checker too.
    message: Any = {"lazy": lazystr("text"), "mapping": MappingProxyType({"a": 1}), "sequence": UserList([1])}
    assert MsgspecCodec().encode(message) == '{"lazy":"text","mapping":{"a":1},"sequence":[1]}'


def test_what_has_no_json_form_is_an_error_of_the_caller() -> None:
    message: Any = {"a": object()}
    with pytest.raises(TypeError, match="object is not JSON serializable"):
        MsgspecCodec().encode(message)
    with pytest.raises(ValueError, match="surrogates"):
        MsgspecCodec().encode("\ud800")


def test_the_documented_differences() -> None:
    assert MsgspecCodec().encode(float("nan")) == "null"
    assert MsgspecCodec().encode(timedelta(seconds=61)) == '"PT61S"'
    assert (
        MsgspecCodec().encode(datetime(2020, 1, 1, microsecond=123456, tzinfo=UTC)) == '"2020-01-01T00:00:00.123456Z"'
    )


def test_where_msgspec_is_missing_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    monkeypatch.delitem(sys.modules, "django_ws.codecs.msgspec")
    with pytest.raises(ImproperlyConfigured, match=r"django-ws\[msgspec\]"):
        importlib.import_module("django_ws.codecs.msgspec")


# --- messages of a declared type ---------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"


class Item(msgspec.Struct, tag="item", forbid_unknown_fields=True, rename="camel"):
    how_many: Annotated[int, msgspec.Meta(gt=0)] = 1
    name: Annotated[str, msgspec.Meta(max_length=3, pattern="^[a-z` @$.-]*$")] = ""
    by_name: dict[str, "Item"] = {}
    by_number: dict[int, str] = {}
    inner: "list[Item]" = []
    kind: Literal["x", "y"] = "x"
    colour: Colour = Colour.RED
    at: datetime | None = None
    took: timedelta | None = None
    uid: UUID | None = None
    raw: bytes = b""
    price: Decimal = Decimal(0)
    weight: float = 0

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise ValueError(f"hunter2 {self.name} - at `$.inner[4111]`")
        if self.name == "own":
            raise msgspec.ValidationError("Expected `hunter2`")


class Gone(msgspec.Struct, tag="gone"):
    pass


CODEC = TypedMsgspecCodec(Item | Gone)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("{}", "$", "Object missing required field `type`"),
        ("5", "$", "Expected `object`, got `int`"),
        ('{"type":"hunter2"}', "$.type", "Unknown tag or value"),
        ('{"type":7}', "$.type", "Expected `str`"),
        ('{"type":"item","howMany":"hunter2"}', "$.howMany", "Expected `int`, got `str`"),
        ('{"type":"item","howMany":0}', "$.howMany", "Expected `int` >= 1"),
        ('{"type":"item","name":"hunter2"}', "$.name", "Expected `str` of length <= 3"),
        ('{"type":"item","kind":"hunter2"}', "$.kind", "Not one of the values that the type has"),
        ('{"type":"item","colour":"hunter2"}', "$.colour", "Not one of the values that the type has"),
        ('{"type":"item","hunter2":1}', "$", "Unknown field"),
        ('{"type":"item","inner":[{"type":"item","hunter2":1}]}', "$.inner[...]", "Unknown field"),
        ('{"type":"item","inner":[{"type":"hunter2"}]}', "$.inner[...].type", "Unknown tag or value"),
        (
            '{"type":"item","inner":[{"type":"item"},{"type":"item","howMany":""}]}',
            "$.inner[1].howMany",
            "Expected `int`",
        ),
        (
            '{"type":"item","byName":{"hunter2":{"type":"item","howMany":""}}}',
            "$.byName[...].howMany",
            "Expected `int`",
        ),
        ('{"type":"item","byNumber":{"hunter2":""}}', "$.byNumber", "Expected `int`, got `str`"),
        ('{"type":"item","at":"hunter2"}', "$.at", "Invalid RFC3339 encoded datetime"),
        ('{"type":"item","took":"hunter2"}', "$.took", "Invalid ISO8601 duration"),
        ('{"type":"item","uid":"hunter2"}', "$.uid", "Invalid UUID"),
        ('{"type":"item","raw":"hunter2"}', "$.raw", "Invalid base64 encoded string"),
        ('{"type":"item","price":"hunter2"}', "$.price", "Invalid decimal string"),
        ('{"type":"item","weight":1e400}', "$.weight", "Number out of range"),
        # The type's own words are not ours to pass on, nor is what looks like a path in them.
        ('{"type":"item","name":"bad"}', "$.inner[...]", "Refused by the type's own check"),
        ('{"type":"item","name":"own"}', "$", "Refused by the type's own check"),
        # Names that end as the texts of msgspec do.
        ('{"type":"item","x` - at `$.hunter2":1}', "$", "Unknown field"),
        ('{"type":"item","x` - at `$.inner[4111]":1}', "$.inner[...]", "Unknown field"),
        ('{"type":"item","x - at `$[4111].hunter2":1}', "$", "Unknown field"),
    ],
)
def test_a_wrong_message_is_told_by_place_and_kind_and_not_by_what_it_holds(text: str, where: str, what: str) -> None:
    with pytest.raises(MessageValidationError) as caught:
        CODEC.decode(text)
    (detail,) = caught.value.details
    assert detail.where == where
    assert detail.what.startswith(what)
    assert str(caught.value) == f"not taken: {detail.what} at {where}"
    assert "hunter2" not in str(caught.value)
    assert "4111" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_text_of_msgspec_that_is_not_known_is_not_passed_on() -> None:
    # Say, a later version's.
    error = CODEC._wrong(msgspec.ValidationError("Unheard of: hunter2 - at `$.name`"))
    assert str(error) == "not taken: Invalid value at $.name"


def test_a_right_message_comes_as_its_type_and_goes_as_it_came() -> None:
    item = CODEC.decode('{"type":"item","howMany":3,"inner":[{"type":"item"}]}')
    assert item == Item(how_many=3, inner=[Item()])
    assert CODEC.decode(CODEC.encode(item)) == item
    assert CODEC.decode('{"type":"gone"}') == Gone()
    assert CODEC.encode(Gone()) == '{"type":"gone"}'


@pytest.mark.parametrize(
    "data",
    ["", "{", '{"type":"gone"}x', '{"type":hunter2}', '"\ud800"', '{"type":"item","name":"\\udc00"}', '"\\ud800ab"'],
)
def test_what_is_no_json_is_so_for_a_type_too(data: str) -> None:
    with pytest.raises(InvalidMessageError, match=r"^not JSON: ") as caught:
        CODEC.decode(data)
    assert not isinstance(caught.value, MessageValidationError)
    assert "hunter2" not in str(caught.value)


def test_a_type_comes_in_text_frames() -> None:
    with pytest.raises(UnsupportedDataError):
        CODEC.decode(b"{}")


def test_nesting_has_a_bound_for_a_type_too_wherever_it_is() -> None:
    codec = TypedMsgspecCodec(Gone, max_depth=3)
    assert codec.decode('{"type":"gone","more":[[1],[2],[3],[4]]}') == Gone()
    with pytest.raises(MessageTooDeepError):
        codec.decode('{"type":"gone","more":[[[1]]]}')
    with pytest.raises(MessageTooDeepError):
        CODEC.decode("[" * 100_000)
    with pytest.raises(InvalidMessageError, match="not JSON"):
        codec.decode("[[[[[")


def test_a_circle_of_structs_is_an_error_of_the_caller() -> None:
    circle = Item()
    circle.inner.append(circle)
    with pytest.raises(ValueError, match="circular"):
        CODEC.encode(circle)


@pytest.mark.parametrize("type_", [Thread, list[Thread], "Item", 5])
def test_a_type_that_msgspec_does_not_take_is_refused_with_its_reason(type_: object) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^msgspec says: .*not supported"):
        TypedMsgspecCodec(type_)
