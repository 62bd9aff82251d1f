"""The client that makes the load: ``python -m benchmarks.workers.client [CORE]``."""

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any, Final, final

import uvloop
from picows import WSCloseCode, WSListener, WSMsgType, ws_connect
from typing_extensions import override

from benchmarks.workers.audience import Audience, Stalled
from benchmarks.workers.lines import answer, pin, requests, take_over_stdout
from benchmarks.workers.load import Echoing, Load, masked_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from picows import WSFrame, WSTransport

    from benchmarks.workers.lines import Operations

_AT_ONCE: Final = 100
"""How many connections are opened at the same time."""

_WARM_UP: Final = 0.05
"""Seconds before the messages are counted."""

_SUBSCRIBING: Final = 0.3
_SUBSCRIBING_A_SECOND: Final = 2000

_DEADLINE: Final = 60
"""Seconds that the last messages may take to come back."""


@final
class Once(WSListener):
    """A connection for one message."""

    def __init__(self, payload: bytes) -> None:
        super().__init__()
        self._payload: bytes = payload
        self.echoed: bool = False

    @override
    def on_ws_connected(self, transport: "WSTransport") -> None:
        transport.send(WSMsgType.TEXT, self._payload)

    @override
    def on_ws_frame(self, transport: "WSTransport", frame: "WSFrame") -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.echoed = True
            transport.send_close(WSCloseCode.OK)
        else:
            transport.disconnect()


@final
class ClientWorker:
    """Makes the load that it is asked for."""

    def __init__(self) -> None:
        self._loads: dict[str, Load] = {}
        self._audiences: dict[str, Audience] = {}
        self._stalled: list[Stalled] = []

    async def open(self, name: str, port: int, path: str, count: int) -> int:
        """Open more connections under a name; give how many there are."""
        load = self._loads.setdefault(name, Load())
        gate = asyncio.Semaphore(_AT_ONCE)

        async def connect() -> None:
            async with gate:
                connection = Echoing(load, port, path)
                await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", port)
                await connection.opened
                load.connections.append(connection)

        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(connect())
        return len(load.connections)

    # What the parent is told is any JSON.
    async def echo(self, name: str, text: str, in_flight: int, seconds: float) -> dict[str, Any]:
        """Keep so many messages of each connection on their way, and count what comes back."""
        load = self._loads[name]
        load.frame = masked_frame(text.encode())
        load.pending = in_flight * len(load.connections)
        load.drained.clear()
        load.running = True
        first = load.count
        for connection in load.connections:
            connection.send(in_flight)
        await asyncio.sleep(_WARM_UP)
        before, start, cpu = load.count, time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        after, end, busy = load.count, time.perf_counter(), time.process_time() - cpu
        load.running = False
        async with asyncio.timeout(_DEADLINE):
            await load.drained.wait()
        if load.lost:
            raise RuntimeError(f"{load.lost} connections of {name} were lost")
        return {
            "rate": (after - before) / (end - start),
            "total": load.count - first,
            "client_busy": busy / (end - start),
        }

    async def count(self, name: str) -> int:
        """Give how many messages have come over the connections of that name."""
        return self._loads[name].count

    async def close(self, name: str) -> None:
        """Close the connections of that name."""
        load = self._loads.pop(name)
        for connection in load.connections:
            connection.close()
        await asyncio.sleep(0.2)

    async def gather(self, name: str, port: int, path: str, count: int, at_once: int = _AT_ONCE) -> int:
        """Open more sockets of an audience; give how many could not be."""
        failed = await self._audiences.setdefault(name, Audience()).open(port, path, count, at_once)
        # Whoever has been accepted may still have to subscribe.
        await asyncio.sleep(_SUBSCRIBING + count / _SUBSCRIBING_A_SECOND)
        return failed

    # What the parent is told is any JSON, and so are the arguments of the measure.
    async def audience(self, name: str, measure: str, **arguments: Any) -> Any:
        """Take a measure of an audience: ``rate``, ``delay``, ``burst`` or ``once``."""
        return await getattr(self._audiences[name], measure)(**arguments)

    async def dismiss(self, name: str) -> None:
        """Close the sockets of an audience."""
        self._audiences.pop(name).close()
        await asyncio.sleep(0.2)

    async def stall(self, port: int, path: str) -> None:
        """Open a socket that reads nothing."""
        socket = Stalled(port, path)
        await asyncio.get_running_loop().create_connection(lambda: socket, "127.0.0.1", port)
        await socket.opened
        self._stalled.append(socket)
        await asyncio.sleep(0.5)

    async def unstall(self) -> None:
        """Close the sockets that read nothing."""
        while self._stalled:
            self._stalled.pop().close()
        await asyncio.sleep(0.2)

    # What the parent is told is any JSON.
    async def churn(self, port: int, path: str, text: str, at_once: int, seconds: float) -> dict[str, Any]:
        """Connect, echo once, close, and again, ``at_once`` at the same time; give how many a second."""
        payload = text.encode()
        start, cpu = time.perf_counter(), time.process_time()
        deadline = start + seconds
        done = 0

        async def go_on() -> None:
            nonlocal done
            while time.perf_counter() < deadline:
                transport, listener = await _connect(lambda: Once(payload), port, path)
                await transport.wait_disconnected()
                if not (isinstance(listener, Once) and listener.echoed):
                    raise RuntimeError("a connection ended without its echo")
                done += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(go_on())
        elapsed = time.perf_counter() - start
        return {"rate": done / elapsed, "client_busy": (time.process_time() - cpu) / elapsed}


async def _connect(factory: "Callable[[], WSListener]", port: int, path: str) -> "tuple[WSTransport, WSListener]":
    return await ws_connect(
        factory,
        f"ws://127.0.0.1:{port}{path}",
        websocket_handshake_timeout=30,
        extra_headers={"Origin": f"http://127.0.0.1:{port}"},
    )


async def serve() -> None:
    """Answer requests until the parent goes; the connections live on while none is there."""
    answers = take_over_stdout()
    worker = ClientWorker()
    loop = asyncio.get_running_loop()
    operations: Operations = {
        "open": worker.open,
        "echo": worker.echo,
        "count": worker.count,
        "close": worker.close,
        "churn": worker.churn,
        "gather": worker.gather,
        "audience": worker.audience,
        "dismiss": worker.dismiss,
        "stall": worker.stall,
        "unstall": worker.unstall,
    }
    while read := await loop.run_in_executor(None, requests):
        request = read[0]
        try:
            answer_with = await operations[request.pop("op")](**request)
        except Exception:  # noqa: BLE001 - the parent is told
            answer(answers, failed=True)
        else:
            answer(answers, answer_with)


def main() -> None:
    """Run the client."""
    pin(int(sys.argv[1]) if len(sys.argv) > 1 else None)
    uvloop.run(serve())


if __name__ == "__main__":
    main()
