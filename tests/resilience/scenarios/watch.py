"""What the log says of refused messages, held to what it may say."""

import asyncio
import logging
import re
from typing import Any, Final, Self

from typing_extensions import override

from resilience.scenarios.fuzzed import MARK

__all__ = ["ACCESS", "REFUSAL", "Watch"]

REFUSAL: Final = re.compile(
    r"\w+: a message was refused \((?:"
    r"1003\): a (?:binary|text) frame came to a socket that takes [a-zA-Z ]+"
    r"|1009\): a message of \d+ bytes came, over the limit of \d+"
    r"|1007\): not an order"
    r"|1007\): not taken: (?:the JSON nests too deep|the JSON has half of a surrogate pair"
    r"|a number in the JSON has too many digits|a number in the JSON is out of range|NaN and Infinity are not JSON)"
    r"|1007\): not JSON: (?:Expecting value|Expecting property name enclosed in double quotes"
    r"|Expecting ':' delimiter|Expecting ',' delimiter|Unterminated string starting at|Invalid control character at"
    r"|Invalid \\escape(?:: )?|Invalid \\uXXXX escape|Extra data|Unexpected UTF-8 BOM \(decode using utf-8-sig\)"
    r"|Illegal trailing comma before end of (?:object|array)) at character \d+)"
    r"(?: \(\d+ more since the last such line\))?"
)
"""All that a refusal may say in the log; a payload has no room in it."""

ACCESS: Final = re.compile(
    r"opened \w+|closed \w+ with \d{4} after \d+\.\d{3} s|denied '[^']*'(?: \(route '[^']*'\))? with \d{3}: [^{}\[\]]*"
)
"""All that the access log may say."""


class Watch(logging.Handler):
    """Reads the log and the event loop's complaints while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: int = 0
        self.others: list[str] = []
        """Entries that are no refusal, or say more than one may."""
        self.payloads: int = 0
        self._logger: logging.Logger = logging.getLogger("django_ws")
        self._before: tuple[bool, int] = (self._logger.propagate, self._logger.level)

    @override
    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.payloads += MARK in text
        if REFUSAL.fullmatch(text):
            self.refusals += 1
        elif record.name != "django_ws.access" or not ACCESS.fullmatch(text):
            self.others.append(text)

    # asyncio: the context holds anything.
    def complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.others.append(str(context))

    def __enter__(self) -> Self:
        self._before = self._logger.propagate, self._logger.level
        self._logger.propagate = False
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self)
        asyncio.get_running_loop().set_exception_handler(self.complain)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate, level = self._before
        self._logger.setLevel(level)
        asyncio.get_running_loop().set_exception_handler(None)
