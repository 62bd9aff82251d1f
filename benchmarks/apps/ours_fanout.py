"""Topics of django-ws, as their documentation shows them."""

from itertools import count
from typing import Final

from typing_extensions import override

from benchmarks.apps import BURST
from django_ws import JSON, Overflow, WebSocketHandler
from django_ws.topics import Topic

__all__ = ["Burst", "FanOut", "Many", "Own", "Stalled"]

_TOO_MUCH: Final = 256
"""Messages of 64 KiB: over what the buffers of the system hold."""


class News(Topic[JSON]):
    """What everyone hears."""

    pattern = "news"


class Numbered(Topic[JSON]):
    """One of many."""

    pattern = "numbered.{number}"
    number: int


NEWS: Final = News()
_numbers: Final = count()


class FanOut(WebSocketHandler):
    """JSON in, and out to everyone."""

    @override
    async def on_open(self) -> None:
        await self.subscribe(NEWS)

    @override
    async def on_message(self, data: JSON, /) -> None:
        await NEWS.apublish(data)


class Burst(WebSocketHandler):
    """Many at once, to everyone else."""

    @override
    async def on_message(self, data: JSON, /) -> None:
        for _ in range(BURST):
            await NEWS.apublish(data)


class Stalled(FanOut):
    """One whose client does not read, and whose outbox is full."""

    overflow = Overflow.DROP_OLDEST

    @override
    async def on_open(self) -> None:
        for _ in range(_TOO_MUCH):
            _ = self.send("x" * 65536)
        await super().on_open()


class Own(FanOut):
    """One with a topic of its own."""

    @override
    async def on_open(self) -> None:
        await self.subscribe(Numbered(number=next(_numbers)))
        await super().on_open()


class Many(WebSocketHandler):
    """One with very many topics."""

    @override
    async def on_message(self, data: JSON, /) -> None:
        for number in range(int(str(data))):
            await self.subscribe(Numbered(number=number))
        await self.send(data)
