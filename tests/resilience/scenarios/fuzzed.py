"""The bad messages: hostile ones by hand, mutated ones by a seeded generator, drawn ones by Hypothesis.

A server hands on text that is UTF-8, so no message here holds half of a surrogate pair in the open; by JSON's escapes,
many do.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seed_of_hypothesis
from hypothesis import strategies as st

from resilience.site.fuzzed import LIMIT

__all__ = ["HOSTILE", "MARK", "Message", "drawn", "mutated"]

Message = str | bytes

MARK: Final = "kZ8qPayload"
"""Stands in many messages, so that a payload in a log is seen."""

VALID: Final[tuple[str, ...]] = (
    "null",
    "true",
    "0",
    "-12.5e-3",
    '""',
    "[]",
    "{}",
    '{"number": 7, "name": "chair"}',
    f'{{"number": 12, "name": "{MARK}"}}',
    f'{{"type": "chat.message", "text": "{MARK} h\u00e9llo \u4e16\u754c \U0001f600", "to": [1, 2, 3], "at": null}}',
    '{"a": {"b": [{"c": [true, false, null, 1.5, "\\u00e9\\ud83d\\ude00"]}]}}',
    json.dumps({f"key {number}": [number, str(number), {"deep": number / 7}] for number in range(40)}),
    "x" * 300,
)
"""Messages that are in order; what is mutated."""

HOSTILE: Final[tuple[Message, ...]] = (
    "",
    " ",
    "\ufeff{}",
    "\x00",
    "NaN",
    "[NaN]",
    "-Infinity",
    '{"a": Infinity}',
    "1e999",
    "[-1E400]",
    "9" * 400 + ".5",
    "1e-999",
    "-0",
    "-0.0",
    "01",
    "1.",
    ".5",
    "+1",
    "0x10",
    "9" * 4300,
    "9" * 4301,
    "-" + "9" * 6000,
    '{"a": ' + "1" * 5000 + "}",
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '{"\\udfff": 1}',
    '"\\ud83d\\ude00"',
    '"\\uD83D\\uDE00 \\ud83d"',
    '"\\u12"',
    '"\\x41"',
    f'{{"a": 1, "a": "{MARK}", "a": [1]}}',
    f'{{"__proto__": "{MARK}", "constructor": 1}}',
    f'{{"number": "{MARK}", "name": 1}}',
    f'{{"number": 1.5, "name": "{MARK}"}}',
    '{"number": true, "name": ""}',
    f'{{"{MARK}": }}',
    f"{{'{MARK}': 1}}",
    f'[1, "{MARK}",]',
    f'"{MARK}',
    f'"{MARK}\n"',
    f'{{"a": 1}} {{"{MARK}": 2}}',
    f"// {MARK}",
    "%s%d%n {0} {self} %(message)s",
    "\u202e\u2066\u0000\uffff\U0010ffff",
    "\r\nERROR django_ws: forged",
    "a" * (LIMIT + 1),
    "\u4e16" * (LIMIT // 3 + 1),
    "\U0001f600" * (LIMIT // 4),
    "[" * 8000,
    "[" * 100 + "]" * 100,
    *["[" * depth + "]" * depth for depth in (400, 900, 960, 970, 975, 980, 985, 990, 995, 1000, 5000)],
    *['{"a":' * depth + "1" + "}" * depth for depth in (200, 900, 970, 980, 985, 990, 1000, 2000)],
    "[" + ",".join(["0"] * 5000) + "]",
    b"",
    b"\x00",
    b"\xff\xfe\x00\x00",
    b"\xed\xa0\x80",
    MARK.encode(),
    b'{"number": 1, "name": "binary"}',
    b"\x00" * (LIMIT + 1),
)
"""What is known to hurt."""

TOKENS: Final[tuple[str, ...]] = (
    *'{}[]",:\\-+.eE0 \t\n\x00',
    '"a"',
    "null",
    "true",
    "NaN",
    "Infinity",
    "1e309",
    "1e-5",
    "\\ud800",
    "\\udc00",
    "\\u0000",
    "\\u",
    "[[[[[[[[",
    "]]]]]]]]",
    '{"":',
    "\u00e9",
    "\U0001f600",
    MARK,
)

_BINARY_SHARE: Final = 0.1
_AS_IT_IS: Final = 0.05
_MUTATIONS: Final = 4

_BATCH: Final = 10


def mutated(random: Random) -> Iterator[Message]:
    """Give messages without end: hostile ones, and mutations of them and of valid ones."""
    hostile = [message for message in HOSTILE if isinstance(message, str) and len(message) < LIMIT // 4]
    bases = [*VALID * 12, *hostile]
    change: tuple[Callable[[Random, str], str], ...] = (_insert, _replace, _remove, _repeat, _splice(bases))
    while True:
        if random.random() < _AS_IT_IS:
            yield random.choice(HOSTILE)
            continue
        text = random.choice(bases)
        for _ in range(random.randrange(_MUTATIONS)):
            text = random.choice(change)(random, text)
        if random.random() < _BINARY_SHARE:
            yield _binary(random, text)
        else:
            yield text


def _insert(random: Random, text: str) -> str:
    place = random.randint(0, len(text))
    return text[:place] + random.choice(TOKENS) + text[place:]


def _replace(random: Random, text: str) -> str:
    place = random.randint(0, len(text))
    # Below the surrogates: see the module's docstring.
    return text[:place] + chr(random.randrange(0xD800)) + text[place + 1 :]


def _remove(random: Random, text: str) -> str:
    start = random.randint(0, len(text))
    return text[:start] + text[start + random.randint(1, 8) :]


def _repeat(random: Random, text: str) -> str:
    start = random.randint(0, len(text))
    return text[:start] + text[start : start + random.randint(1, 8)] * random.randint(2, 20) + text[start:]


def _splice(bases: list[str]) -> Callable[[Random, str], str]:
    def splice(random: Random, text: str) -> str:
        other = random.choice(bases)
        return text[: random.randint(0, len(text))] + other[random.randint(0, len(other)) :]

    return splice


def _binary(random: Random, text: str) -> bytes:
    data = bytearray(text.encode())
    for _ in range(random.randrange(_MUTATIONS)):
        if data:
            data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def _messages() -> st.SearchStrategy[Message]:
    """Describe messages: JSON of every shape, text that resembles it, text, and bytes."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    values = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
        max_leaves=20,
    )
    dumped = st.builds(json.dumps, values, ensure_ascii=st.booleans())
    orders = st.fixed_dictionaries({"number": values, "name": values}).map(json.dumps)
    tokens = st.lists(st.sampled_from(TOKENS), max_size=30).map("".join)
    return st.one_of(dumped, orders, tokens, st.text(max_size=200), st.binary(max_size=200), st.sampled_from(HOSTILE))


def drawn(count: int, seed: int) -> list[Message]:
    """Draw so many messages by Hypothesis."""
    messages: list[Message] = []

    @settings(
        max_examples=-(-count // _BATCH),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(_messages(), min_size=_BATCH, max_size=_BATCH))
    def draw(batch: list[Message]) -> None:
        messages.extend(batch)

    while len(messages) < count:
        seed_of_hypothesis(seed)(draw)()
        seed += 1
    return messages[:count]
