"""management/client/jsontext.py: JSON is laid out and coloured, and stays what it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ws.management.client.jsontext import Fragments, coloured, is_json, laid_out

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def texts(lines: list[Fragments]) -> list[str]:
    return ["".join(text for _, text in line) for line in lines]


@given(ANY, st.integers(0, 100), st.booleans())
def test_what_is_laid_out_is_the_same_json(value: object, width: int, ascii_alone: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_alone)
    lines = texts(laid_out(text, width))
    assert "".join(line.lstrip(" ") for line in lines).replace(" ", "") == text.replace(" ", "")
    assert json.loads("\n".join(lines)) == value


@given(st.text())
def test_what_is_coloured_is_the_same_text(text: str) -> None:
    assert "".join(piece for _, piece in coloured(text)) == text


def test_what_fits_stays_in_one_line_and_not_a_digit_is_changed() -> None:
    text = '{"b":1.50,"a":[1E+2, null],"b":"\\u00e9"}'
    assert texts(laid_out(text, 80)) == ['{"b": 1.50, "a": [1E+2, null], "b": "\\u00e9"}']


def test_what_does_not_fit_gets_a_line_for_each_member() -> None:
    text = '{"one": [1, 2, 3], "two": {"three": [], "four": "a long string, which is not broken"}, "five": {}}'
    assert texts(laid_out(text, 30)) == [
        "{",
        '  "one": [1, 2, 3],',
        '  "two": {',
        '    "three": [],',
        '    "four": "a long string, which is not broken"',
        "  },",
        '  "five": {}',
        "}",
    ]


def test_each_kind_has_a_style() -> None:
    kinds = {piece: style for style, piece in coloured('{"k": "v", "n": -1.5e3, "w": true}') if piece.strip()}
    assert {kinds[piece] for piece in "{:,}"} == {"class:json.mark"}
    assert kinds['"k"'] == "class:json.key"
    assert kinds['"v"'] == "class:json.string"
    assert kinds["-1.5e3"] == "class:json.number"
    assert kinds["true"] == "class:json.word"
    assert coloured('hello "wor') == [
        ("class:json.other", "hello"),
        ("class:json.space", " "),
        ("class:json.string", '"wor'),
    ]


@pytest.mark.parametrize(("text", "verdict"), [("[1]", True), ("1", True), ("hello", False), ("[" * 100_000, False)])
def test_json_is_known(text: str, verdict: bool) -> None:
    assert is_json(text) is verdict
