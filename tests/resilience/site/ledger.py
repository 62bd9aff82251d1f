"""What this process has counted, and what it holds."""

import asyncio
import gc
import os
import threading
from collections import Counter
from typing import Any, Final
from weakref import WeakSet

from typing_extensions import TypeVar, override

from django_ws import JSON, Endpoint, JSONEncodable, Next, WebSocketHandler
from resilience.site.reading import Reading

__all__ = ["Counted", "Record", "count", "read"]

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

_own: Final[Counter[str]] = Counter()
_counts: Final[Counter[str]] = Counter()
# Handlers of any messages are only counted.
_handlers: Final[WeakSet[WebSocketHandler[Any, Any]]] = WeakSet()


def count(name: str, number: int = 1) -> None:
    """Count something of a scenario; it is read as ``Reading.counts[name]``."""
    _counts[name] += number


class Record:
    """The outermost middleware: counts connections in and out."""

    def __init__(self, next_: Next) -> None:
        self.next: Next = next_

    async def __call__(self, ws: Endpoint) -> object:
        _own["begun"] += 1
        try:
            return await self.next(ws)
        finally:
            _own["ended"] += 1


class Counted(WebSocketHandler[InT, OutT]):
    """A socket whose beginning, end and life in memory are counted; call ``super()`` in the hooks, first."""

    # The values of a route are of any type.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _handlers.add(self)

    @override
    async def on_open(self) -> None:
        _own["opened"] += 1

    @override
    async def on_close(self) -> None:
        _own["closed"] += 1


def read() -> Reading:
    """Read everything; within the event loop."""
    from resilience.site.asgi import application

    gc.collect()
    return Reading(
        pid=os.getpid(),
        begun=_own["begun"],
        ended=_own["ended"],
        opened=_own["opened"],
        closed=_own["closed"],
        handlers=len(_handlers),
        connections=len(application._running),
        tasks=len(asyncio.all_tasks() - {asyncio.current_task()}),
        # The folder itself is open while it is listed.
        descriptors=len(os.listdir("/proc/self/fd")) - 1,  # noqa: PTH208 - as plain as it gets
        threads=threading.active_count(),
        memory=_memory(),
        counts=dict(_counts),
    )


def _memory() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - as plain as it gets
        return int(file.read().split()[1]) * _PAGE
