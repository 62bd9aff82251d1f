"""Sockets and a middleware that fail, or wait to be broken into, where their path says.

Each fault has a key of its own. It is noted in the journal when it is raised, so that the log can be held to it: a
client that resets its connection cannot know whether the fault behind it came to pass.
"""

import asyncio
from typing import Any, ClassVar, Final, NoReturn

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from typing_extensions import TypeVar, override

from django_ws import JSON, Endpoint, JSONEncodable, Next
from django_ws.urls import path
from resilience.site.ledger import Counted
from servers.app.journal import note

__all__ = ["Door", "Fault", "urlpatterns"]

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)

BEFORE: Final = 0.2
"""Seconds that a held handshake takes: long enough to be broken into."""


class Fault(Exception):
    """What is injected. Its text is its key."""


def fail(request: HttpRequest, place: str) -> NoReturn:
    """Raise, and note that it was raised."""
    key = f"{request.GET['id']}-{place}"
    note(key, "raised")
    raise Fault(key)


class Door:
    """The inner middleware."""

    def __init__(self, next_: Next) -> None:
        self.next: Next = next_

    async def __call__(self, ws: Endpoint) -> object:
        where = ws.request.path
        if where == "/held/middleware/":
            await asyncio.sleep(BEFORE)
        if where == "/failing/middleware/":
            fail(ws.request, "middleware")
        result = await self.next(ws)
        if where == "/failing/middleware-after/":
            fail(ws.request, "middleware-after")
        return result


class Echo(Counted[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)


class Placed(Counted[str, str]):
    """Knows the place that its route names."""

    @property
    def place(self) -> str:
        place: str = self.kwargs["place"]
        return place

    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)

    async def tick(self) -> None:
        await self.send("tick")


class Held(Placed):
    """Stays in the place that its route names, and says "held" when it is there; a task of it sends all the while."""

    disconnect_grace: ClassVar[float | None] = 0.1

    @override
    async def on_connect(self) -> None:
        if self.place == "connect":
            await asyncio.sleep(BEFORE)

    @override
    async def on_open(self) -> None:
        await super().on_open()
        _ = self.start_task("ticking", self.sleep_loop, self.tick, 0.1)
        if self.place == "task":
            _ = self.start_task("held", self.stay)
        if self.place == "open":
            await self.stay()
        if self.place not in {"message", "task"}:
            await self.send("held")

    @override
    async def on_message(self, data: str) -> None:
        match self.place:
            case "message":
                await self.stay()
            case "sending":
                for _ in range(64):
                    await self.send("x" * 65_536)
            case _:
                await self.send(data)

    @override
    async def on_close(self) -> None:
        await super().on_close()
        if self.place == "close":
            await asyncio.sleep(0.05)

    async def stay(self) -> None:
        """Wait for good, and take a little while over the end."""
        await self.send("held")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)


class Failing(Placed):
    """Fails in the place that its route names; a background task runs all the while."""

    subprotocols = ("chat",)

    # The values of a route are of any type.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_failed: bool = False
        self.fail_in("init")

    def fail_in(self, name: str, *others: str) -> None:
        """Fail under the key of ``name``, if that is the place, or one of ``others``, which fail twice."""
        if self.place in {name, *others}:
            fail(self.request, name)

    @override
    async def on_connect(self) -> None:
        self.fail_in("connect")
        if self.place == "accepted":
            await self.accept()
        self.fail_in("accepted")

    @override
    def select_subprotocol(self, offered: object, /) -> None:
        self.fail_in("subprotocol")

    @override
    async def on_open(self) -> None:
        await super().on_open()
        _ = self.start_task("ticking", self.sleep_loop, self.tick, 0.1)
        if self.place in {"task", "task-error"}:
            _ = self.start_task("failing", self.fail_soon)
        elif self.place == "loop":
            _ = self.start_task("failing", self.sleep_loop, self.fail_once, 0.02)
        self.fail_in("open", "open-close")

    @override
    async def on_message(self, data: str) -> None:
        self.fail_in("message", "error")
        match self.place:
            case "thread":
                await sync_to_async(self.fail_in)("thread")
            case "stray":
                note(f"{self.request.GET['id']}-stray", "raised")
                raise asyncio.CancelledError(f"{self.request.GET['id']}-stray")
            case _:
                await super().on_message(data)

    @override
    async def on_error(self, error: Exception) -> None:
        self.fail_in("error")

    @override
    async def on_task_error(self, error: Exception) -> None:
        await self.send("told")
        self.fail_in("task-error")

    @override
    async def on_close(self) -> None:
        await super().on_close()
        await asyncio.sleep(0)
        self.fail_in("close", "open-close")

    async def fail_soon(self) -> None:
        await asyncio.sleep(0)
        self.fail_in("task", "task-error")

    async def fail_once(self) -> None:
        if not self.has_failed:
            self.has_failed = True
            self.fail_in("loop")


urlpatterns = [
    path("echo/", Echo),
    path("held/<slug:place>/", Held),
    path("failing/<slug:place>/", Failing),
]
