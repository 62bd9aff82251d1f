"""handler/msgspec.py"""

import importlib
import json
import sys
from collections import UserList
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import lazystr
from hypothesis import given, settings
from hypothesis import strategies as st

from django_ws.exceptions import InvalidMessageError, MessageTooDeepError, UnsupportedDataError
from django_ws.handler.json import JSONCodec
from django_ws.handler.msgspec import MsgspecCodec

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
    monkeypatch.delitem(sys.modules, "django_ws.handler.msgspec")
    with pytest.raises(ImproperlyConfigured, match=r"django-ws\[msgspec\]"):
        importlib.import_module("django_ws.handler.msgspec")
