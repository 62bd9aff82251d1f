"""``freeze_clock``: the time of the event loop stands still in a test, and goes on when the test says so.

``asyncio`` tells the time by one method of the loop, by which all of its timers go. That method is replaced on the one
loop; nothing else of the process notices.
"""

import asyncio
import math
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast, final

from django_ws.testing.faults import SocketTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Clock", "freeze_clock", "frozen_clock", "wait_really"]

T = TypeVar("T")

_TOLERANCE: Final = 1e-6
"""Seconds by which sums of floats may miss a moment: three times 0.1 is not 0.3."""

_frozen: Final[dict[asyncio.AbstractEventLoop, "Clock"]] = {}


@final
class Clock:
    """The clock of one event loop, standing still inside of its block; made by :func:`freeze_clock`.

    Args:
        loop: The loop.
        patience: Seconds of real time that one step may take.
    """

    def __init__(self, loop: asyncio.BaseEventLoop, patience: float) -> None:
        self._loop: asyncio.BaseEventLoop = loop
        self._patience: float = patience
        self._start: float = 0.0
        self._now: float = 0.0
        self._elapsed: float = 0.0
        self._ahead: float = 0.0
        self._advancing: bool = False
        # Threads have results of any type.
        self._threads: set[asyncio.Future[Any]] = set()
        # What was there to be replaced, on the class: a loop may have been frozen before.
        self._real_time: Callable[[], float] = type(loop).time.__get__(loop)

    def __enter__(self) -> Self:
        """Let the time stand still.

        Raises:
            RuntimeError: It does already.
        """
        if self._loop in _frozen:
            raise RuntimeError("the clock of this event loop is frozen already: use the one that froze it")
        self._start = self._now = self._loop.time()
        self._elapsed = 0.0
        _frozen[self._loop] = self
        vars(self._loop).update(time=self._time, run_in_executor=self._run_in_executor)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Let it go by itself, on from where it is: it never jumps, so what waits is not kept for longer."""
        del _frozen[self._loop], vars(self._loop)["run_in_executor"]
        self._ahead = self._now - self._real_time()

    @property
    def elapsed(self) -> float:
        """Seconds by which it was advanced so far."""
        return self._elapsed

    async def advance(self, seconds: float, /) -> None:
        """Let ``seconds`` pass, from timer to timer.

        Each timer that falls due gets its turn at its own moment, in order, and what it starts comes to rest before
        the next: so ``sleep_loop(f, 10)`` calls ``f`` three times in 30 seconds. At rest means that nothing on the
        loop can go on without a timer or a message, and that the calls of sync code in threads, as of the ORM, have
        returned.

        Args:
            seconds: How many, 0 or more.

        Raises:
            ValueError: ``seconds`` is less than 0.
            RuntimeError: This is not inside of the block of ``freeze_clock``; or another ``advance`` is under way.
            SocketTimeoutError: What runs does not come to rest.
        """
        if not seconds >= 0:
            raise ValueError(f"a clock cannot be advanced by {seconds!r} s: time only goes forward")
        if _frozen.get(self._loop) is not self:
            raise RuntimeError("this clock is not frozen: advance() belongs inside of «with freeze_clock() as clock»")
        if self._advancing:
            raise RuntimeError("this clock is being advanced already: await one advance() after the other")
        self._advancing = True
        try:
            # What is under way sets its timers by the time at which it began.
            await self.rest()
            self._elapsed += seconds
            end = self._start + self._elapsed
            while (due := self._next_due()) is not None and due <= end + _TOLERANCE:
                await self._step(due)
            self._now = max(self._now, end)
        finally:
            self._advancing = False

    async def pass_until(self, is_so: "Callable[[], bool]", seconds: float, /) -> None:
        """Let time pass, from timer to timer, until something is so, or no timer is left.

        Args:
            is_so: Says whether.
            seconds: How long to try, in real time.

        Raises:
            SocketTimeoutError: What runs does not come to rest.
        """
        until = time.monotonic() + seconds
        await self.rest()
        while not is_so() and time.monotonic() < until and (due := self._next_due()) is not None:
            await self._step(due)
            self._elapsed = max(self._elapsed, due - self._start)

    async def _step(self, due: float) -> None:
        # A little late, for a loop compares with what its clock can tell apart.
        # (And where the machine has run for half a year, at least as much later as a float can tell apart.)
        self._now = max(self._now, due + _TOLERANCE / 1000, math.nextafter(due, math.inf))
        await self.rest()

    def _next_due(self) -> float | None:
        timers = cast("list[asyncio.TimerHandle]", vars(self._loop)["_scheduled"])
        return min((timer.when() for timer in timers if not timer.cancelled()), default=None)

    async def rest(self) -> None:
        """Let run all that can run without a moment's passing, and return when nothing can.

        Raises:
            SocketTimeoutError: Something runs on and on.
        """
        until = time.monotonic() + self._patience
        while True:
            # A turn of the loop: timers that are due and frames that have come stand in line after it.
            await asyncio.sleep(0)
            if vars(self._loop)["_ready"]:
                if time.monotonic() > until:
                    raise SocketTimeoutError(
                        f"the event loop did not come to rest within {self._patience:g} s after {self._elapsed:g} s on "
                        "its frozen clock: something runs on and on without waiting for anything"
                    )
            elif not self._threads:
                return
            elif not await wait_really(self._threads, until - time.monotonic()):
                # It waits for something, the clock perhaps.
                self._threads.clear()
                return

    # --- in place of the loop's own ---------------------------------------------------------------

    def _time(self) -> float:
        return self._now if self._loop in _frozen else self._real_time() + self._ahead

    # asyncio: the function in the thread has arguments and a result of any type.
    def _run_in_executor(self, *args: Any) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = type(self._loop).run_in_executor(self._loop, *args)
        self._threads.add(future)
        future.add_done_callback(self._threads.discard)
        return future


def freeze_clock(*, patience: float = 1.0) -> Clock:
    """Let the time of the running event loop stand still, until the test advances it.

    ::

        with freeze_clock() as clock:
            async with connect("/ws/") as ws:
                await clock.advance(59)
                assert "ping" in await ws.receive()

    By it go ``asyncio.sleep``, ``asyncio.timeout``, ``call_later``, pings, ``sleep_loop``, idle timeouts and rates of
    messages, also of a websocket that was open before. The waits of ``connect`` stay in real time, so that a test does
    not hang; its ``receive_nothing`` waits until nothing can happen without time, and a close lets pass what time the
    socket's end needs. After the block the clock goes by itself, on from where it was.

    It moves nothing but the time of this loop: ``time.time``, ``timezone.now``, ``time.sleep``, what waits in another
    thread, the database, caches, and sessions go by their own.

    Args:
        patience: Seconds of real time that one step may take. What runs on and on for longer raises
            ``SocketTimeoutError``; a thread that takes longer is not waited for any more.

    Raises:
        RuntimeError: No asyncio event loop runs; or it is not asyncio's own, and its clock cannot be frozen.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError as error:
        raise RuntimeError("freeze_clock() needs a running asyncio event loop: use it in an async test") from error
    if not isinstance(loop, asyncio.BaseEventLoop):
        kind = f"{type(loop).__module__}.{type(loop).__qualname__}"
        raise RuntimeError(  # noqa: TRY004 - the loop is no argument
            f"freeze_clock() cannot freeze the clock of {kind}, which goes by a time of its own: run this test on "
            "asyncio's own event loop"
        )
    return Clock(loop, patience)


def frozen_clock() -> Clock | None:
    """Give the clock that stands still for the running event loop; ``None`` where its time goes by itself."""
    return _frozen.get(asyncio.get_running_loop())


async def wait_really(futures: "Collection[asyncio.Future[T]]", seconds: float, /) -> bool:
    """Wait in real time until one of them is done, or ``seconds`` have passed; say whether one is."""
    loop = asyncio.get_running_loop()
    if loop not in _frozen:
        done, _ = await asyncio.wait(futures, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    rung: asyncio.Future[T] = loop.create_future()

    def ring() -> None:
        # The loop may have been closed since.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(rung.cancel)

    # The loop's own timers stand still.
    alarm = threading.Timer(max(0.0, seconds), ring)
    alarm.daemon = True
    alarm.start()
    try:
        done, _ = await asyncio.wait([*futures, rung], return_when=asyncio.FIRST_COMPLETED)
    finally:
        alarm.cancel()
        rung.cancel()
    return bool(done - {rung})
