"""What ``ws_connect`` shows: messages, binary ones too, and how a connection ended."""

from typing import TYPE_CHECKING, Final

from django_ws.close_codes import CloseCode
from django_ws.denials import phrase
from django_ws.management.client.jsontext import coloured, is_json, laid_out
from django_ws.management.client.language import COMMANDS

if TYPE_CHECKING:
    from django_ws.management.client.jsontext import Fragments

__all__ = ["REFUSALS", "close_text", "help_lines", "input_pieces", "message_lines", "printable"]

_MOST_LINES: Final = 200
"""Of one message in a terminal."""
_MOST_BYTES: Final = 256
"""Of one binary message in a terminal."""
_ROWS: Final = (16, 8, 4)
"""Bytes in a line, as the terminal is wide."""
_NARROWEST: Final = 20
"""Columns below which nothing is made shorter."""
REFUSALS: Final = range(4300, 4600)
"""What ``WS_DENIAL = "close"`` closes with: 4000 and the HTTP status."""
_KEPT: Final = "\n\t\u200d"
"""Shown as they are, though not printable; the last joins emoji."""

_LIBRARIES: Final = range(3000, 4000)
_APPLICATIONS: Final = range(4000, 5000)


def printable(text: str, /) -> str:
    r"""Show what a terminal would obey as an escape, ``\x1b``: a server must not be able to move the cursor."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in _KEPT else char.encode("unicode_escape").decode() for char in text
    )


def message_lines(message: str | bytes, width: int, /) -> "list[Fragments]":
    """Lay a message out for a terminal.

    Args:
        message: Text or binary.
        width: Columns that one line may have.
    """
    width = max(width, _NARROWEST)
    if isinstance(message, bytes):
        return _binary_lines(message, width)
    if is_json(message):
        lines = laid_out(message, width)
    else:
        lines = [[("class:text", line)] for line in message.replace("\r\n", "\n").split("\n")]
    hidden = len(lines) - _MOST_LINES
    shown = [[(style, printable(text)) for style, text in line] for line in lines[:_MOST_LINES]]
    if hidden > 0:
        shown.append([("class:note", f"({hidden} more lines)")])
    return shown


def _binary_lines(data: bytes, width: int) -> "list[Fragments]":
    size = f"binary, {len(data)} byte{'' if len(data) == 1 else 's'}"
    in_row = next((number for number in _ROWS if _columns(number) <= width), _ROWS[-1])
    rows = [data[start : start + in_row] for start in range(0, min(len(data), _MOST_BYTES), in_row)]
    if len(rows) <= 1 and len(size) + _columns(len(data)) <= width:
        return [[("class:note", f"{size}  "), *_row(data, 0)] if data else [("class:note", size)]]
    lines: list[Fragments] = [[("class:note", size)]]
    lines += [[("class:note", f"{in_row * n:04x}  "), *_row(row, in_row)] for n, row in enumerate(rows)]
    hidden = len(data) - _MOST_BYTES
    if hidden > 0:
        lines.append([("class:note", f"({hidden} more bytes)")])
    return lines


def _columns(in_row: int) -> int:
    """Give the columns of a row: offset, two digits and a space for each byte, a gap, and the characters."""
    return 6 + 3 * in_row + 1 + in_row


def _row(data: bytes, in_row: int) -> "Fragments":
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)  # noqa: PLR2004 - printable ASCII
    return [("class:binary", data.hex(" ").ljust(3 * in_row - 1)), ("class:note", f"  {text}")]


def close_text(code: int, reason: str, /) -> str:
    """Tell a close code by its name, and the reason that came with it: ``1011 INTERNAL_ERROR: out of luck``."""
    said = f": {printable(reason)}" if reason else ""
    if code == CloseCode.NO_STATUS_RCVD:
        return "1005 NO_STATUS_RCVD, a close frame without a code"
    if code == CloseCode.ABNORMAL_CLOSURE:
        return "1006 ABNORMAL_CLOSURE, the connection was lost without a close frame"
    if code in REFUSALS:
        # The reason of a denial is that phrase, unless it tells where a redirect leads.
        status = phrase(code - 4000)
        return f"{code}, as HTTP {code - 4000} {status}{'' if reason == status else said}"
    try:
        return f"{code} {CloseCode(code).name}{said}"
    except ValueError:
        whose = "a code of the application's own" if code in _APPLICATIONS else "an unknown code"
        return f"{code}, {'a code of a library' if code in _LIBRARIES else whose}{said}"


def help_lines() -> "list[Fragments]":
    """List the commands."""
    lines: list[Fragments] = [[("class:note", "A line is sent as a text message. Commands:")]]
    for name, (arguments, meaning) in COMMANDS.items():
        lines.append([("class:command", f"  {name:<7}"), ("", f"{arguments:<16}"), ("class:note", meaning)])
    lines.append([("class:note", "A text that begins with a slash is sent with two: //help")])
    return lines


def input_pieces(line: str, /) -> "Fragments":
    """Colour what is being typed."""
    if line.startswith("/") and not line.startswith("//"):
        name, space, rest = line.partition(" ")
        return [("class:command" if name in COMMANDS else "class:wrong", name), ("", f"{space}{rest}")]
    return coloured(line)
