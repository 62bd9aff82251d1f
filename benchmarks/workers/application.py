"""One implementation, in-process: ``python -m benchmarks.workers.application NAME [CORE]``."""

import asyncio
import sys
from typing import TYPE_CHECKING, Final, final

import uvloop

from benchmarks.apps import MANY, PATHS
from benchmarks.crowd import Crowd, membership
from benchmarks.implementations import implementation
from benchmarks.made_up import connection_time, echo, heap_bytes, message_time
from benchmarks.workers.lines import answer, pin, requests, take_over_stdout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.apps import Application, Kind, Stack
    from benchmarks.implementations import Implementation
    from benchmarks.workers.lines import Operations

_TRIAL: Final = 8
"""How many messages or connections the first try has, by which the next are sized."""


@final
class ApplicationWorker:
    """Runs the made-up server around one implementation.

    Args:
        measured: Which.
    """

    def __init__(self, measured: "Implementation") -> None:
        self._measured: Implementation = measured
        self._made: dict[tuple[Kind, int, Stack | None], Application] = {}
        self._counts: dict[tuple[object, ...], int] = {}
        self._crowds: dict[bool, Crowd] = {}

    def _application(self, kind: "Kind", middleware: int = 0, stack: "Stack | None" = None) -> "Application":
        key = (kind, middleware, stack)
        if key not in self._made:
            self._made[key] = self._make(kind, middleware, stack)
        return self._made[key]

    def _make(self, kind: "Kind", middleware: int, stack: "Stack | None") -> "Application":
        if stack is not None:
            from benchmarks.apps.ours import with_django_middleware  # noqa: PLC0415 - only in the process of ours

            return with_django_middleware(stack)
        if not middleware:
            return self._measured.application(kind)
        # They are imported here because only one of them can be, in the process of its own implementation.
        from benchmarks.apps.wrapped import wrapped  # noqa: PLC0415

        return wrapped(self._measured, kind, middleware)

    async def echo(self, kind: "Kind", text: str, *, stack: "Stack | None" = None) -> list[str]:
        """Send one text three times, and give what came back."""
        return await echo(self._application(kind, stack=stack), PATHS[kind], text)

    async def message(
        self, kind: "Kind", text: str, seconds: float, *, waiting: bool = False, middleware: int = 0
    ) -> float:
        """Give the microseconds of a message, over so many that it takes about ``seconds``."""
        application = self._application(kind, middleware)

        def run(count: int) -> "Awaitable[float]":
            return message_time(application, PATHS[kind], text, count, waiting=waiting)

        return await self._sized((kind, len(text), waiting, middleware), run, seconds)

    async def connection(
        self,
        kind: "Kind",
        text: str,
        seconds: float,
        *,
        own_task: bool = True,
        middleware: int = 0,
        stack: "Stack | None" = None,
    ) -> float:
        """Give the microseconds of a connection, over so many that it takes about ``seconds``."""
        application = self._application(kind, middleware, stack)

        def run(count: int) -> "Awaitable[float]":
            return connection_time(application, PATHS[kind], text, count, own_task=own_task)

        async def run_in_task(count: int) -> float:
            # What an application leaves on its task goes with that task.
            return await asyncio.ensure_future(run(count))

        return await self._sized((kind, own_task, middleware, stack, "connection"), run_in_task, seconds)

    async def heap(self, kind: "Kind", count: int) -> float:
        """Give the heap bytes of an idle connection."""
        return await heap_bytes(self._application(kind), PATHS[kind], count)

    async def fanout(self, text: str, seconds: float, count: int, *, served: bool) -> float:
        """Give the nanoseconds of a delivery to one of so many, over so many events that it takes about ``seconds``."""
        if served not in self._crowds:
            crowd = self._crowds[served] = Crowd(self._application("fanout"), PATHS["fanout"], count, served=served)
            await crowd.opened()

        async def run(events: int) -> float:
            return await self._crowds[served].delivery_time(text, events) * count / 1000

        # One event is a thousand deliveries.
        return await self._sized(("fanout", served), run, seconds, trial=1, least=1) / count * 1000

    async def alone(self) -> None:
        """Let the sockets of fan-out leave, lest two crowds hear each other."""
        for crowd in self._crowds.values():
            await crowd.leave()
        self._crowds.clear()

    async def membership(self, topics: int, sockets: int, *, traced: bool = False) -> tuple[float, float]:
        """Give the seconds in which so many sockets join so many topics each, and the bytes of one membership."""
        return await membership(self._application("fanout"), MANY, topics, sockets, traced=traced)

    async def _sized(
        self,
        key: tuple[object, ...],
        run: "Callable[[int], Awaitable[float]]",
        seconds: float,
        trial: int = _TRIAL,
        least: int = 3,
    ) -> float:
        count = self._counts.get(key)
        if count is None:
            await run(trial)
            count = self._counts[key] = max(least, int(seconds * 1e6 / await run(trial)))
            await run(count)
        return await run(count)


async def serve(worker: ApplicationWorker) -> None:
    """Answer requests until the parent goes."""
    answers = take_over_stdout()
    operations: Operations = {
        "echo": worker.echo,
        "message": worker.message,
        "connection": worker.connection,
        "heap": worker.heap,
        "fanout": worker.fanout,
        "alone": worker.alone,
        "membership": worker.membership,
    }
    # Reading blocks the loop, which has nothing to do meanwhile.
    while read := requests():
        request = read[0]
        try:
            result = await operations[request.pop("op")](**request)
        except Exception:  # noqa: BLE001 - the parent is told
            answer(answers, failed=True)
        else:
            answer(answers, result)


def main() -> None:
    """Run the worker that the command line names."""
    measured = implementation(sys.argv[1])
    if measured.folder is not None:
        sys.path.insert(0, str(measured.folder))
    pin(int(sys.argv[2]) if len(sys.argv) > 2 else None)  # noqa: PLR2004 - the second argument
    # As over uvicorn: its tasks and turns cost a quarter of those of asyncio's own loop.
    uvloop.run(serve(ApplicationWorker(measured)))


if __name__ == "__main__":
    main()
