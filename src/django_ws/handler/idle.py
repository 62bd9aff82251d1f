"""The bound on idleness: one timer for all sockets of a loop that have one, nothing on the path of a message.

A socket counts its messages in any case; from time to time the watch looks whether the number has changed.
"""

from typing import TYPE_CHECKING, Final, Protocol, cast, final

if TYPE_CHECKING:
    import asyncio

    from django_ws.handler.runtime import Phase

__all__ = ["Idle", "IdleWatch"]

_LOOKS: Final = 8
"""Looks in the time that a socket may be idle: it is found out at most an eighth of that too late."""


class Idle(Protocol):
    """What the watch looks at."""

    @property
    def ws_phase(self) -> "Phase":
        """What it is at."""
        ...

    @property
    def ws_received(self) -> int:
        """How many messages have come."""
        ...

    def ws_idle(self) -> None:
        """Called once, when no message has come for too long."""
        ...


@final
class IdleWatch:
    """Looks after the sockets of one event loop that have an idle timeout.

    A socket that runs a hook is not idle, however long that takes.

    Args:
        loop: The loop.
    """

    __slots__ = ("_interval", "_loop", "_timer", "_watched")

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self._loop: asyncio.AbstractEventLoop = loop
        # The bound in seconds, the messages that had come at the last look at which something moved, and its time.
        self._watched: dict[Idle, tuple[float, int, float]] = {}
        self._interval: float = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Count the sockets that are watched."""
        return len(self._watched)

    def add(self, socket: Idle, seconds: float, /) -> None:
        """Watch ``socket`` from now on."""
        interval = seconds / _LOOKS
        self._watched[socket] = (seconds, socket.ws_received, self._loop.time())
        if self._timer is not None and self._interval <= interval:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._interval = interval
        self._timer = self._loop.call_later(interval, self._look)

    def discard(self, socket: object, /) -> None:
        """Watch it no more."""
        self._watched.pop(cast("Idle", socket), None)

    def _look(self) -> None:
        if not self._watched:
            self._timer = None
            return
        self._timer = self._loop.call_later(self._interval, self._look)
        now = self._loop.time()
        idle: list[Idle] = []
        for socket, (seconds, received, since) in self._watched.items():
            if socket.ws_phase or socket.ws_received != received:
                self._watched[socket] = (seconds, socket.ws_received, now)
            elif now - since >= seconds:
                idle.append(socket)
        for socket in idle:
            del self._watched[socket]
            socket.ws_idle()
