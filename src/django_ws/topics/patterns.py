"""The pattern of a topic: how its fields make the name of a channel, and which two patterns would share one.

A pattern is a row of tokens with dots between, each a word or one field: ``room.{room_id}.chat``. The same alphabet
does for every engine: a field's value is percent-encoded (RFC 3986 section 2.1) but for letters, digits, ``_``, ``-``
and ``~``, so that no value can reach into another token or be taken for a wildcard.
"""

import re
from collections.abc import Mapping
from typing import Final, final
from urllib.parse import quote

from typing_extensions import override

__all__ = ["MAX_NAME", "Pattern"]

MAX_NAME: Final = 200
"""Bytes that the name of a channel may have: what fits an index entry, a notification and a subject of any engine."""

_WORD: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_FIELD: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}\Z")
_EMPTY: Final = "%"
"""Stands for the empty string: no encoded value is a percent sign alone, and no engine takes an empty token."""


@final
class Pattern:
    """A pattern, taken apart.

    Args:
        text: It, as it stands on the class.

    Raises:
        ValueError: It is none; the message says where.
    """

    __slots__ = ("_template", "fields", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text: str = text
        tokens: list[tuple[str, bool]] = []
        for token in text.split("."):
            field = _FIELD.match(token)
            if field is None and not _WORD.match(token):
                raise ValueError(
                    f"the pattern {text!r} has the token {token!r}: between dots there is either one field, "
                    "{like_this}, or a word of letters, digits, _ and -"
                )
            tokens.append((token, False) if field is None else (field[1], True))
        self.tokens: tuple[tuple[str, bool], ...] = tuple(tokens)
        """What stands between its dots, and whether that is the name of a field."""
        self.fields: tuple[str, ...] = tuple(name for name, is_field in tokens if is_field)
        """The names of its fields, from left to right."""
        if len(set(self.fields)) < len(self.fields):
            raise ValueError(f"the pattern {text!r} names a field twice")
        self._template: str = ".".join("%s" if is_field else name for name, is_field in tokens)

    def format(self, values: Mapping[str, object]) -> str:
        """Make the name of a channel.

        Args:
            values: The value of each field.

        Raises:
            ValueError: It would be longer than :data:`MAX_NAME` bytes.
        """
        name = self._template % tuple([_encode(values[field]) for field in self.fields])
        if len(name) > MAX_NAME:
            raise ValueError(
                f"the topic {self.text!r} has {len(name)} bytes with these values, but only {MAX_NAME} are taken "
                "by every engine: use a shorter key, such as a primary key"
            )
        return name

    def clashes(self, other: "Pattern") -> bool:
        """Say whether some name may be made by both."""
        return len(self.tokens) == len(other.tokens) and all(
            one == another or one[1] or another[1] for one, another in zip(self.tokens, other.tokens, strict=True)
        )

    @override
    def __repr__(self) -> str:
        """Show the pattern."""
        return f"Pattern({self.text!r})"


def _encode(value: object) -> str:
    text = str(value)
    if text.isalnum() and text.isascii():
        return text
    return quote(text, safe="").replace(".", "%2E") or _EMPTY
