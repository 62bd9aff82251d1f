"""JSON as it was sent, coloured and laid out: no digit, key or escape of it is changed."""

import json
import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fragments", "coloured", "is_json", "laid_out"]

Fragments: TypeAlias = list[tuple[str, str]]
"""Pieces of a line: style and text."""

_TOKEN: Final = re.compile(
    r"""
      (?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))
    | (?P<string>"(?:[^"\\]|\\.)*"?)
    | (?P<number>-?\d[\d.eE+-]*)
    | (?P<word>true|false|null)
    | (?P<mark>[\[\]{},:])
    | (?P<space>\s+)
    | (?P<other>.[^\s"\[\]{},:]*)
    """,
    re.VERBOSE | re.DOTALL,
)
_INDENT: Final = "  "
_OPENING: Final = frozenset("[{")
_CLOSING: Final = frozenset("]}")
_EMPTY: Final = 2
"""Characters of a list or object without members."""


def is_json(text: str, /) -> bool:
    """Say whether the whole text is JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def coloured(text: str, /) -> Fragments:
    """Give the pieces of a text that may be JSON, not yet finished as it is typed; together they are the text."""
    return [(f"class:json.{kind}", token) for kind, token in _tokens(text)]


def laid_out(text: str, width: int, /) -> "list[Fragments]":
    """Give the lines of a JSON text: each list or object in one line if it fits, else each member in its own.

    Args:
        text: JSON.
        width: Columns that one line should have; a long string is not broken.
    """
    pieces = [(kind, piece) for kind, piece in _tokens(text) if kind != "space"]
    lengths = _lengths([piece for _, piece in pieces])
    lines: list[Fragments] = [[]]
    column, depth, flat = 0, 0, 0
    before = ""
    for (kind, piece), length in zip(pieces, lengths, strict=True):
        opens, closes = piece in _OPENING, piece in _CLOSING
        depth -= closes and not flat
        # Empty ones stay in one line, so that a closing bracket never follows its opening one here.
        if not flat and (before == "," or before in _OPENING or closes):
            column = len(_INDENT) * depth
            lines.append([("", " " * column)])
        shown = piece + " " * (piece == ":" or (piece == "," and bool(flat)))
        # Room for the comma behind it.
        if opens and (flat or length == _EMPTY or column + length < width):
            flat += 1
        elif closes and flat:
            flat -= 1
        elif opens:
            depth += 1
        lines[-1].append((f"class:json.{kind}", shown))
        column += len(shown)
        before = piece
    return lines


def _lengths(pieces: list[str]) -> list[int]:
    """Give for each opening bracket how long it is in one line, up to its end."""
    ends = [0] * (len(pieces) + 1)
    for number, piece in enumerate(pieces):
        ends[number + 1] = ends[number] + len(piece) + (piece in {":", ","})
    lengths = [0] * len(pieces)
    opened: list[int] = []
    for number, piece in enumerate(pieces):
        if piece in _OPENING:
            opened.append(number)
        elif piece in _CLOSING:
            start = opened.pop()
            lengths[start] = ends[number + 1] - ends[start]
    return lengths


def _tokens(text: str) -> "Iterator[tuple[str, str]]":
    for match in _TOKEN.finditer(text):
        yield match.lastgroup or "", match.group()
