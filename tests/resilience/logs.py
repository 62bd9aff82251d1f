"""What stands in a server's output: the records of django-ws, and every traceback, whoever wrote it."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from servers.harness import NEVER

__all__ = ["OWN", "Log", "parse"]

_FIRST: Final = "Traceback (most recent call last):"
_CHAIN: Final = ("During handling of the above exception", "The above exception was the direct cause")
_RECORD: Final = re.compile(r"(WARNING|ERROR|CRITICAL) django_ws: (.*)")
_KEY: Final = re.compile(r"(?:resilience\.site\.faulty\.Fault|asyncio\.exceptions\.CancelledError): (\S+)")
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
_FRAME: Final = re.compile(r'  File "(.+)", line \d+, in (\S+)')

_WEBSOCKETS: Final = "websockets/legacy/protocol.py"
_ECHO_OF_CLOSE: Final = (
    "transfer_data",
    "read_message",
    "read_data_frame",
    "write_close_frame",
    "write_frame",
    "drain",
    "_drain",
    "_drain_helper",
)

OWN: Final[dict[str, tuple[str, tuple[tuple[str, str], ...]]]] = {
    "uvicorn-websockets": ("AssertionError", tuple([(_WEBSOCKETS, function) for function in _ECHO_OF_CLOSE])),
}
"""Tracebacks that are a server's own fault, by the server's key: the last line, and all frames, none of which is ours.

The reading task of ``websockets`` echoes the client's close frame while a message waits for a client that does not
read, and its flow control takes one waiter only; ``test_logs.py`` shows it with a bare application.
"""


@dataclass(slots=True)
class Log:
    """What was found."""

    records: Counter[str] = field(default_factory=Counter)
    """The records of django-ws from WARNING up: the level and the text, with its numbers and paths left out."""
    faults: Counter[str] = field(default_factory=Counter)
    """The keys of the injected faults that a traceback ends in."""
    foreign: list[str] = field(default_factory=list)
    """The last lines of the tracebacks that end in anything else, and the lines that no output may have."""
    own: int = 0
    """How many tracebacks are the server's own fault, as :data:`OWN` knows it."""

    @property
    def errors(self) -> int:
        """How many records of level ERROR or CRITICAL there are."""
        return sum(count for record, count in self.records.items() if not record.startswith("WARNING"))


def parse(output: str, server: str = "") -> Log:
    """Read a server's output.

    Args:
        output: All of it.
        server: The server's key, by which its own faults are told apart; without it, none are.
    """
    log = Log()
    lines = output.split("\n")
    for line in lines:
        found = _RECORD.match(line)
        if found:
            log.records[f"{found[1]} {_without_details(found[2])}"] += 1
        log.foreign += [line for text in NEVER if text in line]
    for last, frames in _tracebacks(lines):
        key = _KEY.fullmatch(last)
        if key:
            log.faults[key[1]] += 1
        elif _is_own(server, last, frames):
            log.own += 1
        else:
            log.foreign.append(last)
    return log


def _is_own(server: str, last: str, frames: list[tuple[str, str]]) -> bool:
    """Say whether a traceback is, frame by frame, the one that the server is known for."""
    own_last, own_frames = OWN.get(server, ("", ()))
    return (
        last == own_last
        and [name for _, name in frames] == [name for _, name in own_frames]
        and all(file.endswith(f"/{own}") for (file, _), (own, _) in zip(frames, own_frames, strict=True))
    )


def _tracebacks(lines: list[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give the line that each traceback ends in, and the file and function of its frames.

    A chain of exceptions ends in its last one, and has the frames of all.
    """
    found: list[tuple[str, list[tuple[str, str]]]] = []
    frames: list[tuple[str, str]] = []
    inside = False
    for number, line in enumerate(lines):
        frame = _FRAME.fullmatch(line)
        if _FIRST in line:
            inside = True
        elif inside and frame:
            frames.append((frame[1], frame[2]))
        elif inside and line and not line.startswith((" ", "\t")):
            inside = False
            rest = (text for text in lines[number + 1 : number + 3] if text)
            if not next(rest, "").startswith(_CHAIN):
                found.append((line, frames))
                frames = []
    return found


def _without_details(text: str) -> str:
    return _NUMBER.sub("N", re.sub(r"'[^']*'", "...", text))
