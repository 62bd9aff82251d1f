"""What is typed into ``ws_connect``: a message, or a command that begins with a slash."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from django_ws.close_codes import MAX_REASON_BYTES, CloseCode, check_sendable

__all__ = ["COMMANDS", "Close", "Help", "Order", "Ping", "Send", "read_order"]

COMMANDS: Final = {
    "/ping": ("[TEXT]", "a ping; shows how long the answer took"),
    "/close": ("[CODE [REASON]]", "close; with 1000, unless you name another code"),
    "/quit": ("", "the same; so does Ctrl+D"),
    "/hex": ("BYTES", "a binary message, written like 00 ff 10"),
    "/file": ("FILE", "a file's content as a binary message"),
    "/help": ("", "this list"),
}
"""By name: its arguments, and what it does. A text that begins with a slash is sent with two: ``//help``."""


@dataclass(frozen=True, slots=True)
class Send:
    """A message: text or binary."""

    message: str | bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping, with what the pong must bring back."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The end."""

    code: int = CloseCode.NORMAL_CLOSURE
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """The list of commands."""


Order: TypeAlias = Send | Ping | Close | Help

_MOST_OF_A_PING: Final = 125
"""Bytes of a control frame's payload (RFC 6455 section 5.5)."""


def read_order(line: str, /) -> Order | None:
    """Read one line.

    Returns:
        ``None``: the line is blank.

    Raises:
        ValueError: It is a command that cannot be carried out; the message says why.
    """
    if not line.strip():
        return None
    if not line.startswith("/") or line.startswith("//"):
        return Send(line[1:] if line.startswith("//") else line)
    name, _, rest = line.partition(" ")
    rest = rest.strip()
    match name:
        case "/ping":
            payload = rest.encode()
            if len(payload) > _MOST_OF_A_PING:
                raise ValueError(f"a ping may have {_MOST_OF_A_PING} bytes, this has {len(payload)}")
            return Ping(payload)
        case "/close" | "/quit":
            return _close(rest)
        case "/hex":
            return Send(_bytes(rest))
        case "/file":
            return Send(_content(rest))
        case "/help":
            return Help()
        case _:
            raise ValueError(f"there is no command {name}; /help lists them, and /{name} sends it as a text")


def _close(rest: str) -> Close:
    code, _, reason = rest.partition(" ")
    if not code:
        return Close()
    if not (code.isascii() and code.isdigit()):
        raise ValueError(f"{code!r} is no close code; write it like /close 4000 bye")
    check_sendable(int(code))
    size = len(reason.encode())
    if size > MAX_REASON_BYTES:
        raise ValueError(f"a close reason may have {MAX_REASON_BYTES} bytes, this has {size}")
    return Close(int(code), reason)


def _bytes(rest: str) -> bytes:
    try:
        return bytes.fromhex(rest)
    except ValueError:
        raise ValueError(f"{rest!r} is no bytes; write two hexadecimal digits for each, like /hex 00 ff 10") from None


def _content(name: str) -> bytes:
    try:
        return Path(name).expanduser().read_bytes()
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{name!r} cannot be read: {error}") from error
