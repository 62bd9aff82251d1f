"""What stands in a server's output: the records of django-ws, and every traceback, whoever wrote it."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from servers.harness import NEVER

__all__ = ["Log", "parse"]

_FIRST: Final = "Traceback (most recent call last):"
_CHAIN: Final = ("During handling of the above exception", "The above exception was the direct cause")
_RECORD: Final = re.compile(r"(WARNING|ERROR|CRITICAL) django_ws: (.*)")
_KEY: Final = re.compile(r"(?:resilience\.site\.faulty\.Fault|asyncio\.exceptions\.CancelledError): (\S+)")
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")


@dataclass(slots=True)
class Log:
    """What was found."""

    records: Counter[str] = field(default_factory=Counter)
    """The records of django-ws from WARNING up: the level and the text, with its numbers and paths left out."""
    faults: Counter[str] = field(default_factory=Counter)
    """The keys of the injected faults that a traceback ends in."""
    foreign: list[str] = field(default_factory=list)
    """The last lines of the tracebacks that end in anything else, and the lines that no output may have."""

    @property
    def errors(self) -> int:
        """How many records of level ERROR or CRITICAL there are."""
        return sum(count for record, count in self.records.items() if not record.startswith("WARNING"))


def parse(output: str) -> Log:
    """Read a server's output."""
    log = Log()
    lines = output.split("\n")
    for line in lines:
        found = _RECORD.match(line)
        if found:
            log.records[f"{found[1]} {_without_details(found[2])}"] += 1
        log.foreign += [line for text in NEVER if text in line]
    for last in _ends_of_tracebacks(lines):
        key = _KEY.fullmatch(last)
        if key:
            log.faults[key[1]] += 1
        else:
            log.foreign.append(last)
    return log


def _ends_of_tracebacks(lines: list[str]) -> list[str]:
    """Give the line that each traceback ends in; a chain of exceptions ends in its last one."""
    ends: list[str] = []
    inside = False
    for number, line in enumerate(lines):
        if _FIRST in line:
            inside = True
        elif inside and line and not line.startswith((" ", "\t")):
            inside = False
            rest = (text for text in lines[number + 1 : number + 3] if text)
            if not next(rest, "").startswith(_CHAIN):
                ends.append(line)
    return ends


def _without_details(text: str) -> str:
    return _NUMBER.sub("N", re.sub(r"'[^']*'", "...", text))
