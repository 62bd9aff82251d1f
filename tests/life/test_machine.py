"""A whole socket under whatever its client, its server and its own code may do, in any order."""

import asyncio
import json
import logging
from collections.abc import Awaitable
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from django_ws import JSON, Flood, InvalidMessageError, Overflow, WebSocketHandler, get_websocket_application
from django_ws.handler import ending, runtime
from django_ws.interfaces import Data
from django_ws.signals import websocket_closed, websocket_opened
from django_ws.testing import FakeGuard, FakeResolver, Peer
from handler.support import turns
from life.support import Fault, tick

_SETTLE = 30


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


class Books:
    """What the socket under test did."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0
        self.signals: list[str] = []
        self.handled: list[int] = []
        self.sends: list[tuple[int, asyncio.Future[bool]]] = []
        self.tasks: dict[str, int] = {"begun": 0, "ended": 0}
        self.gate = asyncio.Event()
        self.socket: Life | None = None

    def send(self) -> None:
        """Send the next number, without waiting."""
        assert self.socket is not None
        number = len(self.sends)
        sending: Awaitable[bool] = self.socket.send({"out": number})
        self.sends.append((number, asyncio.ensure_future(sending)))

    async def told_opened(self, websocket: object, **_: object) -> None:
        await turns(1)
        self.signals.append("opened")

    async def told_closed(self, websocket: object, **_: object) -> None:
        self.signals.append("closed")
        await turns(2)

    async def work(self) -> None:
        self.tasks["begun"] += 1
        try:
            while True:
                await turns(2)
                await self.gate.wait()
                self.send()
                self.gate.clear()
        finally:
            await turns(3)
            self.tasks["ended"] += 1


class Life(WebSocketHandler[JSON, JSON]):
    books: Books
    patient: bool = True
    outbox_messages = 3
    cleanup_timeout = 3600
    idle_timeout = 3600

    @override
    async def on_open(self) -> None:
        self.books.socket = self
        self.books.opened += 1
        await turns(1)

    @override
    async def on_message(self, data: JSON, /) -> None:
        assert isinstance(data, dict)
        number = data["number"]
        assert isinstance(number, int)
        self.books.handled.append(number)
        match data["do"]:
            case "slow":
                await self.books.gate.wait()
                self.books.gate.clear()
            case "fault":
                raise Fault
            case "close":
                await self.close(4001)
            case "task":
                _ = self.start_task("work", self.books.work)
            case "cancel":
                self.cancel_task("work")
            case "flood":
                for _ in range(4):
                    self.books.send()
            case "answer":
                await self.send({"out": -1})
            case _:
                await turns(3)

    @override
    async def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
        if not self.patient:
            await super().on_invalid(error, message)

    @override
    async def on_close(self) -> None:
        await turns(3)
        self.books.closed += 1


class SocketMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        logging.getLogger("django_ws").setLevel(logging.CRITICAL)
        # Turns are counted, not seconds.
        self.clocks = [patch.object(runtime, "TICK", 3600), patch.object(ending, "_CLOSE_SECONDS", 3600)]
        for clock in self.clocks:
            clock.start()
        self.sent = 0
        self.gone = False
        self.cancelled = False
        self.extra: list[asyncio.Task[Any]] = []

    def settle(self, count: int = _SETTLE) -> None:
        self.loop.run_until_complete(turns(count))

    @initialize(
        overflow=st.sampled_from(Overflow),
        patient=st.booleans(),
        grace=st.sampled_from([None, 0]),
        raises=st.sampled_from([OSError, RuntimeError, None]),
        pending=st.booleans(),
        end=st.sampled_from(["disconnect", "cancel", "close"]),
        rate=st.sampled_from([None, 1e6]),
        flood=st.sampled_from(Flood),
    )
    def connect(
        self,
        overflow: Overflow,
        patient: bool,
        grace: float | None,
        raises: type[Exception] | None,
        pending: bool,
        end: str,
        rate: float | None,
        flood: Flood,
    ) -> None:
        self.end = end

        async def connected() -> None:
            self.books = Books()
            self.silent = raises is None
            attributes = {
                "books": self.books,
                "overflow": overflow,
                "patient": patient,
                "disconnect_grace": grace,
                # So fast that a wait is over in the next turn or the one after it.
                "messages_per_second": rate,
                "messages_burst": 1,
                "flood": flood,
                "guards": [FakeGuard()],
            }
            websocket_opened.connect(self.books.told_opened)
            websocket_closed.connect(self.books.told_closed)
            target = type("Life", (Life,), attributes)
            application = get_websocket_application(no_http, resolver=FakeResolver({"/": target}), middleware=[])
            self.peer = Peer(application, raise_after_end=raises, pending_forever=pending)
            self.task = self.peer.start()
            assert await self.peer.connect()

        self.loop.run_until_complete(connected())
        self.settle()

    # --- the client -------------------------------------------------------------------------------

    @precondition(lambda self: not self.gone)
    @rule(do=st.sampled_from(["echo", "slow", "fault", "close", "task", "cancel", "flood", "answer"]))
    def text(self, do: str) -> None:
        self.peer.text(json.dumps({"number": self.sent, "do": do}))
        self.sent += 1

    @precondition(lambda self: not self.gone)
    @rule(text=st.sampled_from(["", "nonsense", "[" * 10_000, '{"number": NaN}', r'"\ud800"']))
    def bad_json(self, text: str) -> None:
        self.peer.text(text)

    @precondition(lambda self: not self.gone)
    @rule()
    def binary(self) -> None:
        self.peer.binary(b"{}")

    @rule()
    def pause(self) -> None:
        self.peer.pause()

    @rule()
    def resume(self) -> None:
        self.peer.resume()

    @rule(code=st.sampled_from([1000, 1001, 1006, 4321, None]))
    def disconnect(self, code: int | None) -> None:
        self.gone = True
        self.peer.disconnect(code)

    # --- the server and the user's own code -------------------------------------------------------

    @rule(turns_=st.integers(0, _SETTLE))
    def go_on(self, turns_: int) -> None:
        self.settle(turns_)

    @rule()
    def open_the_gate(self) -> None:
        self.books.gate.set()

    @rule()
    def send(self) -> None:
        async def send() -> None:
            self.books.send()

        self.loop.run_until_complete(send())

    @rule()
    def close(self) -> None:
        assert self.books.socket is not None
        self.extra.append(self.loop.create_task(self.books.socket.close(4002)))

    @rule()
    def time_passes(self) -> None:
        async def pass_() -> None:
            tick()

        self.loop.run_until_complete(pass_())

    @rule()
    def silence(self) -> None:
        async def be_silent() -> None:
            watch = runtime.runtime().idle
            for socket in [socket for socket in watch._watched if not socket.ws_phase]:
                watch.discard(socket)
                socket.ws_idle()

        self.loop.run_until_complete(be_silent())

    @rule()
    def cancel(self) -> None:
        self.cancelled |= self.task.cancel()

    # --- what holds -------------------------------------------------------------------------------

    @property
    def outgoing(self) -> list[int]:
        texts = [json.loads(event["text"]) for event in self.peer.events if event["type"] == "websocket.send"]
        return [text["out"] for text in texts if text["out"] >= 0]

    @invariant()
    def nothing_forbidden_was_sent(self) -> None:
        assert self.peer._violation is None

    @invariant()
    def messages_are_handled_once_each_in_order(self) -> None:
        assert self.books.handled == list(range(len(self.books.handled)))

    @invariant()
    def messages_go_out_once_each_in_order_of_call(self) -> None:
        assert self.outgoing == sorted(set(self.outgoing))

    @invariant()
    def on_close_comes_once_and_after_on_open(self) -> None:
        assert self.books.closed <= self.books.opened == 1

    @invariant()
    def the_signals_come_once_each_around_the_hooks(self) -> None:
        assert self.books.signals == ["opened", "closed"][: len(self.books.signals)] != []
        assert len(self.books.signals) <= 1 + self.books.closed

    @override
    def teardown(self) -> None:
        try:
            self.end_and_check()
        finally:
            if hasattr(self, "books"):
                websocket_opened.disconnect(self.books.told_opened)
                websocket_closed.disconnect(self.books.told_closed)
            self.loop.close()
            for clock in self.clocks:
                clock.stop()
            logging.getLogger("django_ws").setLevel(logging.NOTSET)

    def end_and_check(self) -> None:
        if not hasattr(self, "peer"):
            return
        self.peer.resume()
        match self.end:
            case "disconnect":
                self.disconnect(1000)
            case "cancel":
                self.cancel()
            case _:
                self.close()
        for _ in range(1000):
            self.books.gate.set()
            self.settle(1)
            if self.task.done():
                break
        self.settle(5)
        assert self.task.done()
        if self.task.cancelled():
            assert self.cancelled
        else:
            assert self.task.result() is None
        assert self.books.opened == self.books.closed == 1
        assert self.books.signals == ["opened", "closed"]
        assert self.books.tasks["begun"] == self.books.tasks["ended"]
        assert asyncio.all_tasks(self.loop) == set()
        assert all(closing.done() and closing.exception() is None for closing in self.extra)
        # Each message was delivered, or its send answered False; some servers take messages for a client that has gone.
        delivered = set(self.outgoing)
        for number, sending in self.books.sends:
            taken = number in delivered
            assert sending.result() is taken or (self.silent and sending.result())


TestMachine = SocketMachine.TestCase
TestMachine.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
