"""topics/patterns.py: two tuples of values never make one name, and patterns that could are found out."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from django_ws.topics.patterns import MAX_NAME, Pattern

# Without surrogates, which have no UTF-8; short, so that a few of them fit a name.
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
WORDS = st.sampled_from(["a", "b", "a-b", "A", "0"])
TOKENS = st.lists(WORDS | st.just("{}"), min_size=1, max_size=4)


def pattern_of(tokens: list[str]) -> Pattern:
    return Pattern(".".join(f"{{f{index}}}" if token == "{}" else token for index, token in enumerate(tokens)))


def values_of(pattern: Pattern, values: list[str]) -> dict[str, str]:
    return dict(zip(pattern.fields, values, strict=False))


def test_a_pattern_is_taken_apart() -> None:
    pattern = Pattern("room.{room_id}.chat-2.{_x}")
    assert pattern.fields == ("room_id", "_x")
    assert pattern.tokens == (("room", False), ("room_id", True), ("chat-2", False), ("_x", True))
    assert pattern.format({"room_id": 3, "_x": "y", "other": 1}) == "room.3.chat-2.y"
    assert repr(pattern) == "Pattern('room.{room_id}.chat-2.{_x}')"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "é",
        "a{b}",
        "{b}c",
        "{a}{b}",
        "{}",
        "{1a}",
        "{a-b}",
        "*",
        "a.>",
        "a\n",
        "{a}\n",
    ],
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"the pattern {re.escape(repr(text))} has the token"):
        Pattern(text)


def test_a_field_stands_in_a_pattern_once() -> None:
    with pytest.raises(ValueError, match=r"the pattern '\{a\}\.b\.\{a\}' names a field twice"):
        Pattern("{a}.b.{a}")


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("", "%"),
        ("%", "%25"),
        (".", "%2E"),
        ("a.b", "a%2Eb"),
        ("*", "%2A"),
        (">", "%3E"),
        ("a b", "a%20b"),
        ("é", "%C3%A9"),
        ("_-~", "_-~"),
        (-1, "-1"),
        (True, "True"),
        ("/", "%2F"),
        ("\r\n", "%0D%0A"),
    ],
)
def test_values_are_encoded(value: object, encoded: str) -> None:
    assert Pattern("{a}").format({"a": value}) == encoded


def test_a_name_that_is_too_long_is_refused() -> None:
    pattern = Pattern("a.{b}")
    assert len(pattern.format({"b": "x" * (MAX_NAME - 2)})) == MAX_NAME
    with pytest.raises(ValueError, match=r"the topic 'a\.\{b\}' has 201 bytes with these values, but only 200"):
        pattern.format({"b": "x" * (MAX_NAME - 1)})
    with pytest.raises(ValueError, match="has 305 bytes"):  # in bytes, as it is encoded
        pattern.format({"b": "." * 101})


@given(TOKENS, st.lists(VALUES, min_size=4, max_size=4), st.lists(VALUES, min_size=4, max_size=4))
def test_different_values_make_different_names(tokens: list[str], one: list[str], other: list[str]) -> None:
    pattern = pattern_of(tokens)
    first, second = values_of(pattern, one), values_of(pattern, other)
    assume(first != second)
    assert pattern.format(first) != pattern.format(second)


@given(TOKENS, st.lists(VALUES, min_size=4, max_size=4))
def test_every_name_is_one_that_every_engine_takes(tokens: list[str], values: list[str]) -> None:
    pattern = pattern_of(tokens)
    name = pattern.format(values_of(pattern, values))
    assert re.fullmatch(r"[A-Za-z0-9_%~-]+(\.[A-Za-z0-9_%~-]+)*", name)
    assert name.count(".") == len(tokens) - 1


@given(TOKENS, TOKENS)
def test_patterns_clash_if_and_only_if_some_name_is_of_both(one: list[str], other: list[str]) -> None:
    first, second = pattern_of(one), pattern_of(other)
    clash = first.clashes(second)
    assert clash == second.clashes(first)
    # The words of the one are what the other's fields must be for a name of both, where there is one at all.
    if len(one) == len(other):
        common = [right if left == "{}" else left for left, right in zip(one, other, strict=True)]
        common = ["a" if token == "{}" else token for token in common]
        names = [
            pattern.format({f"f{index}": common[index] for index, token in enumerate(tokens) if token == "{}"})
            for pattern, tokens in ((first, one), (second, other))
        ]
        assert (names[0] == names[1]) == clash
    else:
        assert not clash


@given(TOKENS, TOKENS, st.lists(VALUES, min_size=4, max_size=4), st.lists(VALUES, min_size=4, max_size=4))
def test_patterns_that_do_not_clash_never_make_one_name(
    one: list[str], other: list[str], values: list[str], more: list[str]
) -> None:
    first, second = pattern_of(one), pattern_of(other)
    assume(not first.clashes(second))
    assert first.format(values_of(first, values)) != second.format(values_of(second, more))


def test_a_word_that_has_the_name_of_a_field_is_no_field() -> None:
    assert Pattern("a.{b}").clashes(Pattern("a.b"))
    assert not Pattern("a.b").clashes(Pattern("a.c"))
    assert Pattern("{a}.b").clashes(Pattern("c.{d}"))
