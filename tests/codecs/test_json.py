"""handler/json.py"""

import json
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given, settings
from hypothesis import strategies as st

from django_ws.close_codes import CloseCode
from django_ws.codecs.json import JSONCodec, _chunk_encoder, encode_json
from django_ws.exceptions import InvalidMessageError, MessageTooDeepError, UnsupportedDataError

# Without surrogates, as a text frame has none.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
)


def decode(data: str | bytes) -> object:
    return JSONCodec().decode(data)


@settings(deadline=None)
@given(_VALUES)
def test_what_goes_out_comes_back(value: Any) -> None:
    text = JSONCodec().encode(value)
    assert decode(text) == value
    assert json.loads(text) == value


@settings(deadline=None)
@given(_VALUES, st.text(" \t\r\n"), st.text(" \t\r\n"))
def test_blanks_around_a_message_are_none_of_it(value: Any, before: str, after: str) -> None:
    assert decode(before + json.dumps(value) + after) == value


@pytest.mark.parametrize(
    "data",
    [
        "",
        " ",
        "{",
        "[1,]",
        "nul",
        "{'a': 1}",
        '"a',
        "1 2",
        "[] x",
        " [",
        "\ufeff[]",
        "01",
        "+1",
        '{"a" 1}',
        "undefined",
    ],
)
def test_what_is_no_json_is_an_invalid_message(data: str) -> None:
    with pytest.raises(InvalidMessageError, match=r"not JSON: .* at character") as caught:
        decode(data)
    assert caught.value.code is CloseCode.INVALID_FRAME_PAYLOAD_DATA


def test_the_error_holds_no_part_of_the_payload() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        decode('{"password": hunter2}')
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("blank", ["", " "])
def test_deep_nesting_is_an_invalid_message_and_no_recursion_error(blank: str) -> None:
    with pytest.raises(MessageTooDeepError, match="nests too deep"):
        decode(blank + "[" * 200_000)


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.skipif(not sys.get_int_max_str_digits(), reason="this Python has no limit on digits")
def test_a_number_of_too_many_digits_is_an_invalid_message(blank: str) -> None:
    with pytest.raises(InvalidMessageError, match="too many digits"):
        decode(f"{blank}[{'1' * 5000}]")


@pytest.mark.parametrize("data", ["NaN", "[Infinity]", '{"a": -Infinity}', " NaN"])
def test_nan_and_infinity_are_not_json(data: str) -> None:
    with pytest.raises(InvalidMessageError, match="NaN and Infinity are not JSON"):
        decode(data)


@pytest.mark.parametrize("data", ["1e999", "[-1E400]", '{"a": 1' + "0" * 400 + ".5}", " 1e999"])
def test_a_number_beyond_a_float_is_an_invalid_message(data: str) -> None:
    with pytest.raises(InvalidMessageError, match="out of range"):
        decode(data)


@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")])
def test_nesting_has_a_bound_within_which_all_can_be_sent_back(before: str, after: str) -> None:
    step = before.count("[") + before.count("{")
    times = 126 // step
    allowed = before * times + "1" + after * times
    assert JSONCodec().encode(JSONCodec().decode(allowed)) == allowed
    with pytest.raises(MessageTooDeepError, match="nests too deep"):
        decode(f"[[[{allowed}]]]")


def test_the_bound_on_nesting_can_be_chosen_and_width_is_not_depth() -> None:
    codec = JSONCodec(max_depth=2)
    wide = "[" + ",".join(["[]"] * 50) + "]"
    assert codec.decode(wide) == [[]] * 50
    assert codec.decode('"[[[["') == "[[[["
    assert codec.decode('["[[[["]') == ["[[[["]
    assert codec.decode('[{"a": "[[[["}]') == [{"a": "[[[["}]
    with pytest.raises(MessageTooDeepError, match="nests too deep"):
        codec.decode("[[[]]]")


@pytest.mark.parametrize("data", [r'"\ud800"', r'["a", "\uDFFF"]', r'{"\ud800x": 1}'])
def test_half_a_surrogate_pair_is_an_invalid_message(data: str) -> None:
    with pytest.raises(InvalidMessageError, match="half of a surrogate pair"):
        decode(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [(r'"\ud83d\ude00"', "\U0001f600"), (r'"\u00fc"', "ü"), (r'"\\ud800"', r"\ud800"), (r'"\\u"', r"\u")],
)
def test_whole_pairs_and_what_only_looks_like_one_are_taken(data: str, value: str) -> None:
    assert decode(data) == value


def test_a_binary_frame_is_not_taken() -> None:
    with pytest.raises(UnsupportedDataError, match="binary frame"):
        decode(b"{}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": [None, True, 1.5]}, '{"a":1,"b":[null,true,1.5]}'),
        ("grüße \U0001f600", '"grüße \U0001f600"'),
        (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), '"2026-01-02T03:04:05.678Z"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        (time(3, 4), '"03:04:00"'),
        (timedelta(hours=1), '"P0DT01H00M00S"'),
        (Decimal("1.10"), '"1.10"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (gettext_lazy("lazy"), '"lazy"'),
        ((1, 2), "[1,2]"),
    ],
)
def test_all_that_django_writes_can_go_out(value: Any, text: str) -> None:
    assert encode_json(value) == text


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {("a",): 1}, MappingProxyType({"a": 1})])
def test_what_has_no_json_form_raises_at_the_call(value: Any) -> None:
    with pytest.raises(TypeError):
        JSONCodec().encode(value)


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": -float("inf")}, "\ud800"])
def test_what_no_browser_could_read_raises_at_the_call(value: Any) -> None:
    with pytest.raises(ValueError):
        encode_json(value)


def test_a_circular_message_raises_at_the_call() -> None:
    circular: list[object] = []
    circular.append(circular)
    with pytest.raises(ValueError, match="circular"):
        encode_json(circular)


def test_without_the_c_encoder_messages_look_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    encode = _chunk_encoder()
    value = {"when": date(2026, 1, 2), "text": "grüße"}
    assert "".join(encode(value, 0)) == encode_json(value)
    with pytest.raises(ValueError):
        encode(float("nan"), 0)
