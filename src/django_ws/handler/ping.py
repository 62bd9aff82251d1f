"""When a socket's next ping is due, and what it says.

Ten thousand idle sockets ping some 170 times a second. Each at a moment of its own, most of what that costs is waking
the process up: so the moments are rounded, and what is due in the same moment is sent together, one text for all.
"""

from typing import Final

from django.utils import timezone

from django_ws.codecs.json import encode_json

__all__ = ["STEP", "next_due", "ping_text"]

STEP: Final = 0.1
"""Seconds between two moments at which pings are due; a ping comes so much too early at most."""

_SHORT: Final = 10 * STEP
"""Seconds up to which an interval is kept as it is."""

_last: tuple[float, str] = (0.0, "")


def next_due(now: float, interval: float, /) -> float:
    """Give the moment of the next ping.

    Args:
        now: The event loop's time, in seconds.
        interval: Seconds between two pings.
    """
    due = now + interval
    return due if interval < _SHORT else due // STEP * STEP


def ping_text(due: float, /) -> str:
    """Give the ping that was due then: ``{"ping": <now, ISO 8601>}``."""
    global _last  # noqa: PLW0603 - the one text that is kept
    kept = _last
    if kept[0] != due:
        kept = _last = (due, encode_json({"ping": timezone.now().isoformat()}))
    return kept[1]
