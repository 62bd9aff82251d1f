"""A life that is told by turns of the event loop, so that something can break into each of them."""

# Tasks are started and left to run, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from django.http.response import HttpResponseBase
from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler, get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.handler.runtime import runtime
from django_ws.interfaces import Endpoint, Next
from django_ws.testing import FakeResolver, Peer
from handler.support import turns

FLOOD = [f"flood {number}" for number in range(5)]


class Fault(Exception):
    """What a hook of a life raises."""


@dataclass
class Story:
    """One life: what it does, and what became of it."""

    fault_in: str = ""
    journal: list[str] = field(default_factory=list)

    def count(self, line: str) -> int:
        return self.journal.count(line)

    async def step(self, name: str, waits: int = 2) -> None:
        """Begin, wait, perhaps fail, end."""
        self.journal.append(f"{name} begun")
        await turns(waits)
        if self.fault_in == name:
            raise Fault(name)
        self.journal.append(f"{name} ended")

    async def background(self, name: str) -> None:
        """Work without end; its clean-up has to wait."""
        self.journal.append(f"{name} begun")
        if self.fault_in == name:
            await self.failing(name)
        try:
            await asyncio.Event().wait()
        finally:
            await turns(3)
            self.journal.append(f"{name} ended")

    async def failing(self, name: str) -> None:
        try:
            await turns(3)
            raise Fault(name)
        finally:
            self.journal.append(f"{name} ended")

    def handler(self, at_once: int = 1) -> type[WebSocketHandler[str, str]]:
        story = self

        class Life(WebSocketHandler[str, str]):
            max_concurrent_messages = at_once

            @override
            async def on_connect(self) -> HttpResponseBase | None:
                self.start_task("early", story.background, "early")
                await story.step("on_connect")
                return None

            @override
            async def on_open(self) -> None:
                await story.step("on_open")
                self.start_task("late", story.background, "late")

            @override
            async def on_message(self, data: str, /) -> None:
                await story.step("on_message")
                await answer(self, data, story)

            @override
            async def on_error(self, error: Exception) -> None:
                await story.step("on_error")

            @override
            async def on_task_error(self, error: Exception) -> None:
                await story.step("on_task_error")

            @override
            async def on_close(self) -> None:
                await story.step("on_close", 3)

        return Life

    def function(self) -> Callable[..., Any]:
        async def life(ws: WebSocket[str, str]) -> None:
            self.journal.append("on_open begun")
            try:
                ws.start_task("late", self.background, "late")
                async for data in ws:
                    await self.step("on_message")
                    await answer(ws, data, self)
            finally:
                self.journal.append("on_close ended")

        return life

    def generator(self) -> Callable[..., Any]:
        async def life(ws: WebSocket[str, str]) -> AsyncIterator[str]:
            self.journal.append("on_open begun")
            try:
                ws.start_task("late", self.background, "late")
                async for data in ws:
                    await self.step("on_message")
                    if data == "hello":
                        yield data
                    else:
                        await answer(ws, data, self)
            except (asyncio.CancelledError, GeneratorExit):
                # Broken into once: what breaks in after that must not reach this.
                self.journal.append("early begun")
                await turns(3)
                self.journal.append("early ended")
                raise
            finally:
                self.journal.append("on_close ended")

        return life

    def target(self, kind: str) -> object:
        """What stands in the route."""
        match kind:
            case "function":
                return self.function()
            case "generator":
                return self.generator()
            case "at once":
                return self.handler(3)
            case _:
                return self.handler()

    def middleware(self, next_: Next) -> Callable[[Endpoint], Any]:
        async def middleware(ws: Endpoint) -> object:
            await self.step("middleware", 1)
            self.journal.append("in")
            try:
                return await next_(ws)
            finally:
                self.journal.append("out")

        return middleware


async def answer(ws: WebSocket[str, str], data: str, story: Story) -> None:
    """Do what the client asks for."""
    match data:
        case "hello":
            await ws.send("hello")
        case "again":
            ws.start_task("late", story.background, "late")
        case "flood":
            for text in FLOOD[:-1]:
                _ = ws.send(text)
            await ws.send(FLOOD[-1])
        case _:
            await ws.close(4000, "bye")


@dataclass
class Run:
    """A life on its way, one turn of the loop after the other."""

    story: Story
    peer: Peer
    application: WebSocketApplication
    task: "asyncio.Task[None]"
    before: "set[asyncio.Task[Any]]"
    ticked: bool = False
    turn: int = 0

    async def to_its_end(self, interruptions: dict[int, Callable[["Run"], object]]) -> None:
        """Play the client's part, and the interruptions, each at its turn."""
        peer = self.peer
        script: dict[int, Callable[[], object]] = {
            0: peer.ask,
            12: lambda: peer.text("hello"),
            20: lambda: peer.text("again"),
            28: peer.pause,
            30: lambda: peer.text("flood"),
            40: peer.resume,
            50: lambda: peer.text("bye"),
        }
        while not self.task.done():
            assert self.turn < 1000, f"no end after {self.story.journal}"
            script.get(self.turn, int)()
            if self.turn in interruptions:
                interruptions[self.turn](self)
            if self.ticked:
                tick()
            self.turn += 1
            await asyncio.sleep(0)
        # A task that was cancelled before it began has one turn to end in.
        await turns(3)

    @property
    def left(self) -> "set[asyncio.Task[Any]]":
        return asyncio.all_tasks() - self.before

    @property
    def texts(self) -> list[str]:
        return [event["text"] for event in self.peer.events if event["type"] == "websocket.send"]

    @property
    def answered(self) -> bool:
        return self.peer._state not in {"connecting", "denying"}


def tick() -> None:
    """Do what the ticker does, without its clock."""
    for socket in [socket for socket in runtime()._sockets if socket.ws_phase]:
        socket.ws_tick()


async def live(
    interruptions: dict[int, Callable[[Run], object]] | None = None,
    *,
    story: Story | None = None,
    function: bool = False,
    kind: str = "",
    ticked: bool = False,
    **kwargs: Any,
) -> Run:
    """Run one life to its end; with ``ticked``, every hook counts as a long one at each turn."""
    before = asyncio.all_tasks()
    story = story or Story()
    target = story.target("function" if function else kind)

    async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
        raise AssertionError

    application = get_websocket_application(
        no_http, resolver=FakeResolver({"/": target}), middleware=[story.middleware]
    )
    peer = Peer(application, **kwargs)
    run = Run(story, peer, application, peer.start(), before, ticked)
    await run.to_its_end(interruptions or {})
    return run


def check(run: Run, *, answered: bool = True) -> None:
    """What holds however a life ended."""
    story = run.story
    context = (run.turn, story.journal)
    assert run.peer._violation is None, context
    assert run.left == set(), context
    assert not runtime()._sockets, context
    for name in ("early", "late"):
        assert story.count(f"{name} begun") == story.count(f"{name} ended"), context
    begun = "on_close begun" if story.fault_in == "on_close" else "on_close ended"
    assert story.count(begun) == story.count("on_open begun") <= 1, context
    assert story.count("in") == story.count("out"), context
    assert run.texts == ["hello", *FLOOD][: len(run.texts)], context
    if answered:
        assert run.answered, context
