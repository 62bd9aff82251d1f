"""A socket, its application and a strict peer, where time itself or the server's ways are the subject."""

# Much is sent without await, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from django.test import override_settings
from typing_extensions import override

from django_ws import Overflow, WebSocket, WebSocketHandler, get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.handler import ending, runtime
from django_ws.interfaces import ASGIApplication, Endpoint, Next
from django_ws.testing import FakeResolver, Peer
from handler.support import Noted, messages, turns, until


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


def serving(target: object, *middleware: Any) -> WebSocketApplication:
    return get_websocket_application(no_http, resolver=FakeResolver({"/": target}), middleware=middleware)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "TICK", 0.005)
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 0.05)


class Held(Noted):
    """Each message holds its hook until the gate opens."""

    made: "list[Held]"

    def __init__(self, request: Any, connection: Any, /, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, connection, *args, **kwargs)
        self.gate = asyncio.Event()
        self.made.append(self)

    @override
    async def on_message(self, data: str, /) -> None:
        self.start_task("linger", self.linger, "task")
        await self.gate.wait()
        await super().on_message(data)


async def held(**attributes: object) -> tuple[Peer, Held]:
    """A socket in the middle of its first message."""
    made: list[Held] = []
    peer = Peer(serving(type("Held", (Held,), {"made": made, **attributes})))
    peer.start()
    assert await peer.connect()
    peer.text("first")
    await until(lambda: made[0]._tasks)
    return peer, made[0]


# --- the end while a hook runs --------------------------------------------------------------------


async def test_the_clients_end_is_noticed_while_a_hook_waits_and_ends_the_tasks_at_once() -> None:
    peer, socket = await held(disconnect_grace=None)
    peer.text("second")
    peer.disconnect(4321)
    while "task ended" not in socket.journal:
        await asyncio.sleep(0.001)
    socket.gate.set()
    await peer.wait()
    assert socket.journal == ["open", "task ended", "first", "second", "close 4321"]


async def test_a_hook_that_does_not_end_is_cancelled_when_its_grace_is_over(caplog: pytest.LogCaptureFixture) -> None:
    peer, socket = await held(disconnect_grace=0.02)
    peer.text("second")
    peer.disconnect(1001)
    await peer.wait()
    assert socket.journal == ["open", "task ended", "close 1001"]
    (line,) = messages(caplog)
    assert "0.02 s after the end" in line
    assert "1 messages are not handled" in line


async def test_a_client_that_floods_a_slow_hook_is_held_up_and_not_stored() -> None:
    peer, socket = await held(inbox_messages=4)
    for number in range(100):
        peer.text(str(number))
    while socket._inbox is None or len(socket._inbox) < 4:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    assert len(socket._inbox) == 4
    assert peer._incoming.qsize() == 96
    socket.gate.set()
    peer.disconnect()
    await peer.wait()
    handled = [line for line in socket.journal if line.isdecimal()]
    assert handled == [str(number) for number in range(100)]


async def test_a_function_whose_tasks_share_its_socket_ends_with_the_connection() -> None:
    sent: list[bool] = []

    async def write(ws: WebSocket[str, str]) -> None:
        while True:
            await asyncio.sleep(0.001)
            sent.append(await ws.send("tick"))

    async def read(ws: WebSocket[str, str]) -> None:
        async for _ in ws:
            pass

    async def room(ws: WebSocket[str, str]) -> None:
        await asyncio.gather(read(ws), write(ws))

    with override_settings(WS_DISCONNECT_GRACE=0):
        async with Peer(serving(room)) as peer:
            assert await peer.connect()
            assert await peer.receive() == "tick"
    assert sent[0] is True
    assert peer.close_code is None


# --- whose cancellation it was --------------------------------------------------------------------


def timed(told: list[str]) -> Callable[[Next], Callable[[Endpoint], Any]]:
    def factory(next_: Next) -> Callable[[Endpoint], Any]:
        async def middleware(ws: Endpoint) -> object:
            try:
                async with asyncio.timeout(0.02):
                    return await next_(ws)
            except TimeoutError:
                task = asyncio.current_task()
                told.append(f"timed out {task and task.cancelling()}")
                return None

        return middleware

    return factory


async def test_a_time_out_of_a_middleware_ends_the_socket_and_the_middleware_is_told() -> None:
    told: list[str] = []
    made: list[Held] = []
    async with Peer(serving(type("Held", (Held,), {"made": made}), timed(told))) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 1012
    assert told == ["timed out 0"]
    assert made[0].journal == ["open", "close 1012"]


async def test_an_interruption_of_ours_is_no_time_out_of_a_middleware() -> None:
    told: list[str] = []

    class Closing(Noted):
        @override
        async def on_open(self) -> None:
            self.start_task("close", self.close, 4000)

    peer = Peer(serving(Closing, timed(told)), pending_forever=True)
    task = peer.start()
    assert await peer.connect()
    await task
    assert peer.close_code == 4000
    assert told == []
    assert task.cancelling() == 0


# --- the server's send ----------------------------------------------------------------------------

_depth: ContextVar[int] = ContextVar("depth")


def wrapping(application: WebSocketApplication) -> ASGIApplication:
    """ASGI middleware that keeps a context variable and a time-out around each of the server's sends."""

    async def wrapped(scope: Any, receive: Any, send: Any, /) -> None:
        async def wrapped_send(event: dict[str, Any]) -> None:
            token = _depth.set(1)
            try:
                async with asyncio.timeout(5):
                    await send(event)
            finally:
                _depth.reset(token)

        await application(scope, receive, wrapped_send)

    return wrapped


@pytest.mark.parametrize("awaited", [True, False])
async def test_what_surrounds_the_servers_send_is_left_in_the_task_and_context_it_was_entered_in(
    awaited: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class Sending(Noted):
        @override
        async def on_message(self, data: str, /) -> None:
            for number in range(3):
                sending = self.send(f"{data} {number}")
                if awaited:
                    await sending
            await super().on_message(data)

    async with Peer(wrapping(serving(Sending))) as peer:
        assert await peer.connect()
        peer.text("fast")
        assert [await peer.receive() for _ in range(3)] == [f"fast {number}" for number in range(3)]
        peer.pause()
        peer.text("slow")
        await turns()
        peer.resume()
        assert [await peer.receive() for _ in range(3)] == [f"slow {number}" for number in range(3)]
    assert messages(caplog) == []


@pytest.mark.parametrize("raises", [OSError, RuntimeError, None])
async def test_a_send_that_finds_the_client_gone_answers_false_or_is_swallowed_by_the_server(
    raises: type[Exception] | None,
) -> None:
    answers: list[bool] = []

    class Sending(Noted):
        @override
        async def on_message(self, data: str, /) -> None:
            peer.vanish()
            answers.extend([await self.send("x"), await self.send("y")])

    peer = Peer(serving(Sending), raise_after_end=raises)
    peer.start()
    assert await peer.connect()
    peer.text("go")
    await until(lambda: answers)
    assert answers == [raises is None] * 2
    peer.disconnect(1006)
    await peer.wait()


@pytest.mark.parametrize(("bound", "taken"), [({"outbox_messages": 3}, 3), ({"outbox_bytes": 8}, 4)])
async def test_a_client_that_does_not_read_is_given_up_with_1013_and_one_line(
    bound: dict[str, int], taken: int, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[Held] = []
    peer = Peer(serving(type("Held", (Held,), {"made": made, **bound})))
    task = peer.start()
    assert await peer.connect()
    peer.pause()
    await until(lambda: made[0].journal)
    for _ in range(taken + 1):
        made[0].send("ä")
    assert made[0].dropped_messages == 0
    made[0].send("ä")
    assert made[0].dropped_messages == 1
    peer.resume()
    await task
    assert peer.close_code == 1013
    (line,) = messages(caplog)
    assert "the outbox is full; closed with 1013" in line


async def test_a_feed_may_drop_what_is_old() -> None:
    made: list[Held] = []
    attributes = {"made": made, "outbox_messages": 2, "overflow": Overflow.DROP_OLDEST}
    async with Peer(serving(type("Held", (Held,), attributes))) as peer:
        assert await peer.connect()
        peer.pause()
        for number in range(6):
            made[0].send(str(number))
        peer.resume()
        assert [await peer.receive() for _ in range(3)] == ["0", "4", "5"]
    assert made[0].dropped_messages == 3


async def test_a_fault_while_the_client_does_not_read_ends_the_application_within_its_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("django_ws.denials._SECONDS", 0.02)

    class Failing(Noted):
        cleanup_timeout = 0.02

        @override
        async def on_message(self, data: str, /) -> None:
            peer.pause()
            self.send("never read")
            raise ValueError("no")

    peer = Peer(serving(Failing))
    task = peer.start()
    assert await peer.connect()
    peer.text("go")
    await asyncio.wait_for(task, 5)
    assert [event["type"] for event in peer.events] == ["websocket.accept"]


# --- what else ------------------------------------------------------------------------------------


async def test_a_limit_overridden_in_a_test_holds_for_the_next_connection_of_an_existing_application() -> None:
    application = serving(Noted)
    with override_settings(WS_MAX_MESSAGE_SIZE=3):
        async with Peer(application) as peer:
            assert await peer.connect()
            peer.text("four")
            assert await peer.wait_closed() == 1009
    async with Peer(application) as peer:
        assert await peer.connect()
        peer.text("four")
        await turns()
        assert peer.close_code is None


async def test_a_task_started_in_on_close_never_begins() -> None:
    class Late(Noted):
        @override
        async def on_close(self) -> None:
            self.start_task("late", self.linger, "late")

    before = asyncio.all_tasks()
    async with Peer(serving(Late)) as peer:
        assert await peer.connect()
    await turns(3)
    assert asyncio.all_tasks() == before


async def test_no_payload_is_logged_whatever_is_wrong_with_it(caplog: pytest.LogCaptureFixture) -> None:
    for data in ("hunter2", '{"a": hunter2', b"hunter2", '["hunter2", NaN]', '"hunter2' + " " * 2_000_000):
        async with Peer(serving(WebSocketHandler)) as peer:
            assert await peer.connect()
            if isinstance(data, bytes):
                peer.binary(data)
            else:
                peer.text(data)
            assert await peer.wait_closed() in {1003, 1007, 1009}
    assert len(messages(caplog)) == 5
    assert "hunter2" not in caplog.text
    assert "Traceback" not in caplog.text
