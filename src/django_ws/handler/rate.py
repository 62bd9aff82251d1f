"""How fast one client may send: a token bucket (https://en.wikipedia.org/wiki/Token_bucket), leased from in portions.

The common path counts, and compares with the number that its lease goes up to; the clock is read once for each lease,
not for each message. A lease is an eighth of the burst, so a burst is kept to within that.
"""

from enum import Enum, unique
from typing import Final, final

__all__ = ["Flood", "TokenBucket", "lease_of"]

_LEASES: Final = 8
"""Leases in a full bucket."""
_REST: Final = 0.05
"""Seconds that a wait lasts where the rate is high, lest there be a timer for each message."""


@unique
class Flood(Enum):
    """What is done when a client sends more messages a second than ``messages_per_second``."""

    WAIT = "wait"
    """Its messages wait their turn: nothing is lost, and the pressure goes back to its TCP connection."""
    CLOSE = "close"
    """The connection is closed with 1008."""


def lease_of(burst: int, /) -> int:
    """Give how many messages are leased at a time from a bucket of ``burst``."""
    return max(1, burst // _LEASES)


@final
class TokenBucket:
    """One token for each message; so many a second come in, up to the burst.

    Args:
        rate: Tokens a second.
        burst: Tokens that the bucket holds.
        taken: How many have been taken already.
        now: The time in seconds, by any clock that only goes forward.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, taken: int, now: float) -> None:
        self._rate: float = rate
        self._burst: int = burst
        self._tokens: float = burst - taken
        self._at: float = now

    def lease(self, now: float) -> int:
        """Take some tokens, at most a lease; 0 where there is none."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        leased = min(int(self._tokens), lease_of(self._burst))
        self._tokens -= leased
        return leased

    @property
    def wait(self) -> float:
        """Seconds until a lease will be worth it, of a bucket that has just given none."""
        wanted = min(max(1.0, self._rate * _REST), lease_of(self._burst))
        return max(0.0, wanted - self._tokens) / self._rate
