"""What the limits have refused: each is counted, and a flood of them is one line a minute in the log.

A limit that strikes is most often struck again at once, by the same client, and a log that it can fill at will is a
weapon of its own.
"""

import time
from collections import Counter
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

__all__ = ["Limit", "count_refusal", "log_refusal", "refusals"]

_SECONDS: Final = 60.0
"""Between two lines of one limit at one place."""


@unique
class Limit(Enum):
    """A limit that can refuse something; the value is its setting, or the attribute of a socket class."""

    MESSAGE_SIZE = "WS_MAX_MESSAGE_SIZE"
    MESSAGE_DEPTH = "WS_MAX_MESSAGE_DEPTH"
    MESSAGE_RATE = "WS_MESSAGES_PER_SECOND"
    OUTBOX = "WS_OUTBOX_MESSAGES"
    CONNECTIONS_PER_ADDRESS = "WS_MAX_CONNECTIONS_PER_ADDRESS"
    CONNECTIONS_PER_USER = "WS_MAX_CONNECTIONS_PER_USER"
    HANDSHAKE_TIME = "WS_HANDSHAKE_TIMEOUT"
    IDLE_TIME = "WS_IDLE_TIMEOUT"


_counts: Final[Counter[Limit]] = Counter()
# The time of the last line, and how many have been left out since: by limit and place, neither of which a client names.
_lines: Final[dict[tuple[Limit, str], tuple[float, int]]] = {}


def refusals() -> "Mapping[Limit, int]":
    """Give how often each limit has struck in this process; a copy."""
    return dict(_counts)


def count_refusal(limit: Limit) -> None:
    """Count a refusal that goes without a line of its own."""
    _counts[limit] += 1


def log_refusal(
    logger: "logging.Logger",
    limit: Limit,
    where: str,
    why: str,
    *,
    extra: "Callable[[], Mapping[str, object]]" = dict,
) -> None:
    """Count a refusal, and log it unless the same was logged within a minute.

    Args:
        logger: Where the line goes.
        limit: What struck.
        where: The socket's class, or another name of which there are few: each has a line of its own.
        why: The line, which begins with ``where`` and holds nothing that a client sent.
        extra: Gives its fields, see :mod:`django_ws.logs`; ``limit`` and ``left_out`` are added.
    """
    count_refusal(limit)
    now = time.monotonic()
    last, left_out = _lines.get((limit, where), (-_SECONDS, 0))
    if now - last < _SECONDS:
        _lines[limit, where] = (last, left_out + 1)
        return
    _lines[limit, where] = (now, 0)
    also = f" ({left_out} more since the last such line)" if left_out else ""
    logger.warning("%s%s", why, also, extra={**extra(), "limit": limit.value, "left_out": left_out})
