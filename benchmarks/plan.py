"""How long and how often things are measured."""

from dataclasses import dataclass
from typing import Final

__all__ = ["FULL", "QUICK", "Plan"]

_SLOWEST: Final = 5000
"""Messages a second that the slowest manages about."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a run."""

    name: str
    """Its name in the results."""
    rounds: int
    """Rounds in-process."""
    seconds: float
    """One batch in-process."""
    heap_connections: int
    """Open at the same time, for the heap."""
    uvicorn_rounds: int
    """Rounds over uvicorn."""
    uvicorn_seconds: float
    """One batch over uvicorn."""
    idle_rounds: int
    """Rounds of servers with idle connections, each in a fresh process."""
    idle_connections: int
    """Open at the same time, for RSS."""
    ping_connections: int
    """Idle with ``start_ping``."""
    ping_path: str
    """Which socket they are: the longer period, or a tenth of it, which makes as many pings with fewer sockets."""
    ping_seconds: float
    """How long their CPU is looked at: one whole period."""
    orm_rounds: int
    """Rounds of the blocking query."""
    orm_seconds: float
    """One batch of it."""
    fanout_rounds: int
    """Rounds of deliveries, in-process and over uvicorn."""
    fanout_seconds: float
    """One batch of them over uvicorn."""
    delay_rounds: int
    """Rounds with one who does not read, and without."""
    delay_seconds: float
    """One of them."""
    join_sockets: int
    """They come at once."""
    membership_topics: int
    """Topics that ten sockets subscribe to."""
    growth_rounds: int
    """Rounds of each point of the pictures."""
    growth_connections: tuple[int, ...]
    """The points of the picture of connections."""

    def seconds_for(self, messages: int) -> float:
        """Give how long a batch over uvicorn lasts with so many messages on their way: several turns of the slowest."""
        return max(self.uvicorn_seconds, messages / _SLOWEST)


FULL: Final = Plan(
    name="full",
    rounds=40,
    seconds=0.03,
    heap_connections=1000,
    uvicorn_rounds=20,
    uvicorn_seconds=0.5,
    idle_rounds=3,
    idle_connections=10_000,
    ping_connections=10_000,
    ping_path="/ping/",
    ping_seconds=62,
    orm_rounds=5,
    orm_seconds=2,
    fanout_rounds=15,
    fanout_seconds=0.5,
    delay_rounds=5,
    delay_seconds=3,
    join_sockets=10_000,
    membership_topics=100_000,
    growth_rounds=7,
    growth_connections=(1, 10, 100, 1000, 10_000),
)

QUICK: Final = Plan(
    name="quick",
    rounds=7,
    seconds=0.01,
    heap_connections=1000,
    uvicorn_rounds=3,
    uvicorn_seconds=0.15,
    idle_rounds=1,
    idle_connections=1000,
    ping_connections=1000,
    ping_path="/ping/often/",
    ping_seconds=6,
    orm_rounds=2,
    orm_seconds=1,
    fanout_rounds=3,
    fanout_seconds=0.2,
    delay_rounds=1,
    delay_seconds=1,
    join_sockets=1000,
    membership_topics=1000,
    growth_rounds=1,
    growth_connections=(1, 10, 100, 1000),
)
