"""Sockets of a client that does not read, and sockets whose hook takes its time. Each tells of itself over ``told``."""

import asyncio
import time
from typing import Any, ClassVar, Final

from typing_extensions import override

from django_ws import JSON, Overflow, WebSocketHandler
from django_ws.urls import path
from resilience.site.ledger import Counted

# What is told of a socket: names and figures.
_told: Final[dict[str, dict[str, Any]]] = {}

SIZE: Final = 1 << 14
"""Bytes of one message of a feed."""


class Told(Counted):
    """A socket of which another can tell, by the id in its query string."""

    # The values of a route are of any type.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told: dict[str, Any] = _told.setdefault(self.request.GET.get("id", ""), {})

    def tell(self, name: str) -> None:
        """Note when something happened, by a clock that all processes of the machine share."""
        self.told.setdefault(name, time.monotonic())

    @override
    async def on_close(self) -> None:
        await super().on_close()
        self.tell("on_close")
        self.told["code"] = self.close_code


class Teller(WebSocketHandler):
    """Tells what there is to tell of the socket that is asked for."""

    @override
    async def on_message(self, data: JSON) -> None:
        await self.send(_told.get(str(data), {}))


class Echo(Counted[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)


# --- a client that does not read --------------------------------------------------------------------------------------


class Feed(Told):
    """Sends numbered messages of one size without awaiting, one every ``pause`` seconds, and watches its outbox."""

    @override
    async def on_message(self, data: JSON) -> None:
        match data:
            case {"count": int(count), "pause": int() | float() as pause}:
                _ = self.start_task("feed", self.feed, count, pause)
            case _:
                raise AssertionError(data)

    async def feed(self, count: int, pause: float) -> None:
        told = self.told
        told.update(sent=0, most_messages=0, most_bytes=0)
        filler = "x" * SIZE
        for number in range(count):
            if not self.is_open:
                break
            _ = self.send({"number": number, "filler": filler})
            told["sent"] += 1
            outbox = self._outbox
            if outbox is not None:
                told["most_messages"] = max(told["most_messages"], len(outbox))
                told["most_bytes"] = max(told["most_bytes"], outbox.waiting_bytes)
            told["dropped"] = self.dropped_messages
            await asyncio.sleep(pause)
        self.tell("fed")

    @override
    async def on_close(self) -> None:
        await super().on_close()
        self.told["dropped"] = self.dropped_messages


class FeedOldest(Feed):
    overflow: ClassVar[Overflow] = Overflow.DROP_OLDEST


class FeedNewest(Feed):
    overflow: ClassVar[Overflow] = Overflow.DROP_NEWEST


# --- a hook that takes its time ---------------------------------------------------------------------------------------


class Slow(Told):
    """Awaits in ``on_message`` for as many seconds as it is told, with a background task beside."""

    disconnect_grace: ClassVar[float | None] = 1.0

    @override
    async def on_open(self) -> None:
        await super().on_open()
        _ = self.start_task("beside", self.beside)

    async def beside(self) -> None:
        """Run until it is cancelled: as soon as the end is noticed."""
        try:
            await asyncio.Event().wait()
        finally:
            self.tell("noticed")

    @override
    async def on_message(self, data: JSON) -> None:
        if not isinstance(data, int | float):
            self.told["handled"] = self.told.get("handled", 0) + 1
            return
        self.tell("begun")
        await self.send("begun")
        try:
            await asyncio.sleep(data)
        except asyncio.CancelledError:
            self.tell("cancelled")
            raise
        # Nothing is sent here: under hypercorn 0.18, with a bare application too, a send to a client that has flooded
        # and then reset does not return.
        self.tell("ended")


class SlowWithoutGrace(Slow):
    disconnect_grace: ClassVar[float | None] = 0


class SlowWithoutBound(Slow):
    disconnect_grace: ClassVar[float | None] = None


urlpatterns = [
    path("slow/told/", Teller),
    path("slow/echo/", Echo),
    path("slow/feed/close/", Feed),
    path("slow/feed/drop_oldest/", FeedOldest),
    path("slow/feed/drop_newest/", FeedNewest),
    path("slow/hook/grace/", Slow),
    path("slow/hook/none/", SlowWithoutGrace),
    path("slow/hook/unbound/", SlowWithoutBound),
]
