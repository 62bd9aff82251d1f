"""What is measured, in which unit, against whom, and what the goal is."""

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

__all__ = ["AGAIN", "BASE", "MEASURES", "MESSAGE", "OURS", "WITHOUT", "Better", "Measure", "measure"]

BASE: Final = "ceiling"
"""The implementation that the others are compared with, where a measure names no other."""

AGAIN: Final = "ceiling-again"
"""The base under another name: what differs is noise."""

OURS: Final = "django-ws"
"""The implementation whose ratio the goals are for."""

WITHOUT: Final = "without"
"""Ours, without what the measure is of: the base of what Django's ``MIDDLEWARE`` costs."""

MESSAGE: Final = (
    '{"type": "chat.message", "room": 42, "user": "alice", "text": "Hello, world of websockets!", "tags": ["a", "b"]}'
)
"""The message that is echoed: 112 bytes of JSON, as ``json.dumps`` writes it."""


@unique
class Better(Enum):
    """Which figures are the better ones."""

    LESS = "less"
    MORE = "more"


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the report."""

    name: str
    """Its name in the results."""
    title: str
    """Its name in the report."""
    unit: str
    """What the absolute figures are in."""
    better: Better
    """Whether less or more is better."""
    goal: float | None = None
    """What ours is to reach: a ratio to the base, or an absolute figure where there is no base."""
    base: str | None = BASE
    """Whom the ratios are to; ``None``: nobody, the figure itself counts."""

    def reached(self, figure: float) -> bool | None:
        """Say whether a figure of ours reaches the goal; ``None`` where there is no goal."""
        if self.goal is None:
            return None
        return figure <= self.goal if self.better is Better.LESS else figure >= self.goal


MEASURES: Final = (
    Measure("json", "JSON message, in-process", "µs", Better.LESS, 0.92),
    Measure("json-waiting", "JSON message, waited for", "µs", Better.LESS),
    Measure("text", "Text message, in-process", "µs", Better.LESS, 2.1),
    Measure("text-waiting", "Text message, waited for", "µs", Better.LESS),
    Measure("connection", "Connection, in-process", "µs", Better.LESS, 2.7),
    Measure("connection-json", "Connection, JSON echo", "µs", Better.LESS),
    Measure("connection-bare", "Connection, all in one task", "µs", Better.LESS),
    Measure("heap", "Heap, idle connection", "bytes", Better.LESS, 1.25),
    Measure("handshake-startproject", "Connection, Django's MIDDLEWARE", "/s", Better.MORE, base=WITHOUT),
    Measure("handshake-async", "Connection, 7 async MIDDLEWARE", "/s", Better.MORE, base=WITHOUT),
    Measure("uvicorn-json-50", "uvicorn: JSON echo, 50 x 8", "msg/s", Better.MORE, 1.00),
    Measure("uvicorn-json-500", "uvicorn: JSON echo, 500 x 2", "msg/s", Better.MORE, 1.00),
    Measure("uvicorn-text-50", "uvicorn: text echo, 50 x 8", "msg/s", Better.MORE, 0.93),
    Measure("uvicorn-text-500", "uvicorn: text echo, 500 x 2", "msg/s", Better.MORE, 0.93),
    Measure("uvicorn-fast-50", "uvicorn: fast codec, 50 x 8", "msg/s", Better.MORE, 1.40),
    Measure("uvicorn-fast-500", "uvicorn: fast codec, 500 x 2", "msg/s", Better.MORE, 1.40),
    Measure("cpu-json-50", "uvicorn: CPU, JSON, 50 x 8", "µs", Better.LESS),
    Measure("cpu-json-500", "uvicorn: CPU, JSON, 500 x 2", "µs", Better.LESS),
    Measure("cpu-text-50", "uvicorn: CPU, text, 50 x 8", "µs", Better.LESS),
    Measure("cpu-text-500", "uvicorn: CPU, text, 500 x 2", "µs", Better.LESS),
    Measure("uvicorn-connect", "uvicorn: connect, echo, close", "/s", Better.MORE, 0.93),
    Measure("rss", "uvicorn: RSS, idle connection", "KiB", Better.LESS, 1.06),
    Measure("ping", "uvicorn: 10,000 idle, start_ping", "% CPU", Better.LESS, 1.0, base=None),
    Measure("fanout", "1,000 subscribers, uvicorn's protocol in-process", "/s", Better.MORE, 0.80),
    Measure("fanout-bare", "1,000 subscribers, no server at all", "/s", Better.MORE),
    Measure("uvicorn-fanout", "uvicorn: 1,000 subscribers", "/s", Better.MORE, 0.90),
    Measure("valkey-fanout", "2 uvicorn and Valkey: 1,000 subscribers", "/s", Better.MORE, 0.90),
    Measure("burst", "uvicorn: lost of 10,000 events at once", "%", Better.LESS, 0.0, base=None),
    Measure("join", "uvicorn and Valkey: errors of 10,000 sockets that join at once", "", Better.LESS, 0.0, base=None),
    Measure("stalled", "uvicorn: p99 of deliveries, one of 1,000 stalled", "ms", Better.LESS, 1.2, base=WITHOUT),
    Measure("membership", "Heap, membership of a topic", "bytes", Better.LESS, 200, base=None),
    Measure("topics-join", "100,000 topics x 10 sockets, a membership", "µs", Better.LESS, base=None),
    Measure("topics-bytes", "100,000 topics x 10 sockets, RSS of a membership", "bytes", Better.LESS, base=None),
    Measure("orm", "uvicorn: 200 x 20 ms query", "calls/s", Better.MORE, 7.0, base="channels"),
)


def measure(name: str, /) -> Measure:
    """Give the measure of that name."""
    return next(one for one in MEASURES if one.name == name)
