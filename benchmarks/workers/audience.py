"""Sockets that hear what one of them says: how many messages a second, how late each comes, how many are lost.

Each event is one message to every socket, all of one length, and a server sends them in order: so bytes are counted
and nothing is parsed, and the n-th message of a socket is the n-th event.
"""

import asyncio
import time
from array import array
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final, cast, final

from typing_extensions import override

from benchmarks.workers.load import Speaking, masked_frame

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["Audience", "Stalled"]

_WARM_UP: Final = 0.1
"""Seconds before the messages are counted."""

_DEADLINE: Final = 60.0
"""Seconds that the last messages may take."""

_QUIET: Final = 1.0
"""Seconds without a message, after which no more are expected."""


@final
class _Hearing(Speaking):
    """One socket of an :class:`Audience`."""

    def __init__(self, audience: "Audience", port: int, path: str) -> None:
        super().__init__(port, path)
        self._audience: Audience = audience
        self.count: int = 0
        """Messages that have come since the times were last forgotten."""

    @override
    def heard(self, messages: int) -> None:
        audience = self._audience
        if audience.said_at:
            now = time.perf_counter()
            for number in range(self.count, self.count + messages):
                audience.delays.append(now - audience.said_at[number])
        self.count += messages
        audience.heard(messages)

    @override
    def lost(self) -> None:
        self._audience.lost += 1


@final
class Stalled(Speaking):
    """A socket that reads the answer to its handshake and nothing more."""

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data[: data.find(b"\r\n\r\n") + 4])
        cast("asyncio.Transport", self._transport).pause_reading()

    @override
    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()


@final
class Audience:
    """Some open sockets, of one server or of more, that hear the same."""

    def __init__(self) -> None:
        self.sockets: list[_Hearing] = []
        self.count: int = 0
        """Messages that have come."""
        self.lost: int = 0
        """Sockets that have ended by themselves."""
        self.said_at: list[float] = []
        """When each event was said, where the delays are looked at."""
        self.delays: array[float] = array("d")
        self._said: int = 0
        self._ahead: int = 0
        self._frame: bytes = b""
        self._next_at: int = 0
        self._done: asyncio.Event = asyncio.Event()

    async def open(self, port: int, path: str, count: int, at_once: int) -> int:
        """Open more sockets; give how many could not be."""
        gate = asyncio.Semaphore(at_once)

        async def connect() -> None:
            async with gate:
                socket = _Hearing(self, port, path)
                await asyncio.get_running_loop().create_connection(lambda: socket, "127.0.0.1", port)
                await socket.opened
                self.sockets.append(socket)

        made: list[Coroutine[object, None, None]] = [connect() for _ in range(count)]
        return sum(outcome is not None for outcome in await asyncio.gather(*made, return_exceptions=True))

    def heard(self, messages: int) -> None:
        """Take note of messages; say more if it is time."""
        self.count += messages
        if self.count >= self._next_at:
            self._go_on()

    def _go_on(self) -> None:
        """Say as many events as may be on their way; if no more are to be said, wait for those."""
        if not self._ahead:
            if self.count >= self._said * len(self.sockets):
                self._done.set()
            self._next_at = self._said * len(self.sockets)
            return
        while self.count >= (self._said - self._ahead + 1) * len(self.sockets):
            self._said += 1
            self.sockets[0].write(self._frame)
        self._next_at = (self._said - self._ahead + 1) * len(self.sockets)

    def _begin(self, text: str, ahead: int) -> None:
        self._frame, self._ahead = masked_frame(text.encode()), ahead
        self.count = self._said = self._next_at = 0
        self._done.clear()

    async def _end(self) -> None:
        self._ahead = 0
        self._go_on()
        async with asyncio.timeout(_DEADLINE):
            await self._done.wait()
        if self.lost:
            raise RuntimeError(f"{self.lost} sockets were lost")

    # What the parent is told is any JSON.
    async def rate(self, text: str, ahead: int, seconds: float) -> dict[str, Any]:
        """Keep so many events on their way; give the messages that came in a second."""
        self._begin(text, ahead)
        self._go_on()
        await asyncio.sleep(_WARM_UP)
        before, start, cpu = self.count, time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        after, end, busy = self.count, time.perf_counter(), time.process_time() - cpu
        await self._end()
        return {"rate": (after - before) / (end - start), "client_busy": busy / (end - start)}

    async def delay(self, text: str, events: float, seconds: float) -> float:
        """Say so many events a second, whatever comes; give the 99th percentile of the seconds until a message came."""
        self._begin(text, 0)
        self.said_at.clear()
        self.delays = array("d")
        for socket in self.sockets:
            socket.count = 0
        start = time.perf_counter()
        for number in range(max(2, int(events * seconds))):
            await asyncio.sleep(max(0.0, start + number / events - time.perf_counter()))
            self.said_at.append(time.perf_counter())
            self._said += 1
            self.sockets[0].write(self._frame)
        await self._end()
        self.said_at.clear()
        return quantiles(self.delays, n=100)[98]

    async def burst(self, text: str, port: int, path: str, events: int) -> dict[str, Any]:
        """Let the server say very many events at once; give which share was lost, and how many sockets."""
        self._begin(text, 0)
        self._next_at = events * len(self.sockets)
        speaker = Speaking(port, path)
        await asyncio.get_running_loop().create_connection(lambda: speaker, "127.0.0.1", port)
        await speaker.opened
        speaker.write(masked_frame(text.encode()))
        start, last = time.perf_counter(), -1
        while self.count < events * len(self.sockets) and not (self.count == last and self.count):
            last = self.count
            await asyncio.sleep(_QUIET)
        speaker.close()
        return {
            "lost": 1 - self.count / events / len(self.sockets),
            "closed": self.lost,
            "seconds": time.perf_counter() - start,
        }

    async def once(self, text: str) -> float:
        """Say one event; give how many sockets did not hear it."""
        self._begin(text, 0)
        self._said = 1
        self.sockets[0].write(self._frame)
        last = -1
        while self.count < len(self.sockets) and self.count != last:
            last = self.count
            await asyncio.sleep(_QUIET)
        return len(self.sockets) - self.count

    def close(self) -> None:
        """Close them."""
        for socket in self.sockets:
            socket.close()
