"""What the sockets of one event loop share: a ticker that notices long hooks, and two finished futures.

The ticker is what lets the common path do without a reader task, a timer or a future for each message: a socket
writes one number when a hook begins and one when it ends, and the tick looks at these.
"""

import asyncio
from enum import IntEnum, unique
from typing import TYPE_CHECKING, Final, Protocol, cast, final

from django_ws.handler.idle import IdleWatch
from django_ws.handler.orders import Orders
from django_ws.handler.revalidation import RevalidationWatch

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Sequence

    from django_ws.handler.orders import Order, Ordered
    from django_ws.handler.revalidation import Revalidated

__all__ = ["RECEIVING", "RUNNING", "TICK", "Phase", "Runtime", "Ticked", "runtime", "runtimes"]

TICK: Final = 0.5
"""Seconds between two ticks. A hook is noticed at its second tick, so after 0.5 to 1 s."""


@unique
class Phase(IntEnum):
    """What a socket is at; more than :attr:`RECEIVING` means that code of the user runs."""

    RECEIVING = 0
    """It waits for a message, or has not begun, or has ended."""
    RUNNING = 1
    """It runs a hook."""
    LONG = 2
    """It has been running one hook since before the last tick."""


# What a socket is at is written twice a message, and on Python 3.11 a member of an Enum, asked for by its class,
# costs as much as a coroutine.
RECEIVING: Final = Phase.RECEIVING
""":attr:`Phase.RECEIVING`, at the price of a global."""
RUNNING: Final = Phase.RUNNING
""":attr:`Phase.RUNNING`, at the price of a global."""


class Ticked(Protocol):
    """What a tick looks at."""

    @property
    def ws_phase(self) -> Phase:
        """What it is at."""
        ...

    def ws_tick(self) -> None:
        """Called at each tick at which the phase is not :attr:`Phase.RECEIVING`."""
        ...


@final
class Runtime:
    """The shared state of one event loop's sockets.

    Args:
        loop: The loop.
    """

    __slots__ = ("_handle", "_idle", "_loop", "_revalidation", "_sockets", "active", "lost", "orders", "taken", "time")

    def __init__(self, loop: "AbstractEventLoop") -> None:
        self._loop: AbstractEventLoop = loop
        self._sockets: set[Ticked] = set()
        self._handle: asyncio.TimerHandle | None = None
        self._idle: IdleWatch | None = None
        self._revalidation: RevalidationWatch | None = None
        self.orders: Orders | None = None
        """Who is to be closed; ``None`` until the first order comes."""
        self.time: Callable[[], float] = loop.time
        """The loop's clock, in seconds."""
        self.active: bool = False
        """Set where a hook begins; while no hook has run since the last tick, the sockets are not looked at."""
        self.taken: asyncio.Future[bool] = loop.create_future()
        """Finished with ``True``: what a send gives that the server took at once."""
        self.taken.set_result(True)
        self.lost: asyncio.Future[bool] = loop.create_future()
        """Finished with ``False``: what a send gives after the end."""
        self.lost.set_result(False)

    def __len__(self) -> int:
        """Count the sockets that are ticked."""
        return len(self._sockets)

    @property
    def loop(self) -> "AbstractEventLoop":
        """The event loop."""
        return self._loop

    @property
    def idle(self) -> IdleWatch:
        """The watch over the sockets that have an idle timeout; made when it is first needed."""
        if self._idle is None:
            self._idle = IdleWatch(self._loop)
        return self._idle

    @property
    def revalidation(self) -> RevalidationWatch:
        """The watch over the sockets that are revalidated; made when it is first needed."""
        if self._revalidation is None:
            self._revalidation = RevalidationWatch(self._loop)
        return self._revalidation

    def obey(self, order: "Order", /) -> None:
        """Close whom an order means."""
        if self.orders is None:
            self.orders = Orders(self)
        self.orders.obey(order)

    def sockets(self) -> "Sequence[Ordered]":
        """Give the sockets that are open."""
        # What is ticked is a socket, and obeys as well.
        return cast("list[Ordered]", list(self._sockets))

    def check(self, sockets: "Sequence[Ordered]", /) -> None:
        """Look up soon whether they are still allowed."""
        self.revalidation.check(cast("Sequence[Revalidated]", sockets))

    def add(self, socket: Ticked, /) -> float:
        """Tick ``socket`` from now on.

        Returns:
            The time.
        """
        self._sockets.add(socket)
        self.active = True
        if self._handle is None:
            self._handle = self._loop.call_later(TICK, self._tick)
        return self.time()

    def discard(self, socket: object, /) -> None:
        """Tick ``socket`` no more, nor look at it in any other way."""
        self._sockets.discard(cast("Ticked", socket))
        if self._revalidation is not None:
            self._revalidation.discard(socket)
        if self._idle is not None:
            self._idle.discard(socket)

    def _tick(self) -> None:
        if not self._sockets:
            # The timer ends itself: a socket that comes and goes neither makes nor cancels one.
            self._handle = None
            return
        self._handle = self._loop.call_later(TICK, self._tick)
        if self.active:
            running = [socket for socket in self._sockets if socket.ws_phase]
            self.active = bool(running)
            for socket in running:
                socket.ws_tick()


_runtimes: Final[dict["AbstractEventLoop", Runtime]] = {}


def runtime() -> Runtime:
    """Give the runtime of the running event loop.

    Raises:
        RuntimeError: No event loop runs in this thread.
    """
    loop = asyncio.get_running_loop()
    found = _runtimes.get(loop)
    if found is None:
        for other in [other for other in _runtimes if other.is_closed()]:
            del _runtimes[other]
        found = _runtimes[loop] = Runtime(loop)
    return found


def runtimes() -> list[Runtime]:
    """Give those of all event loops of this process that have had a socket; from any thread."""
    return [found for loop, found in list(_runtimes.items()) if not loop.is_closed()]
