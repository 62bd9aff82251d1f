"""testing/socket.py"""

import asyncio
import logging
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from typing_extensions import override

from django_ws import JSON, CloseCode, WebSocketHandler
from django_ws.testing import FakeCodec, SocketFaultError, SocketStateError, SocketTimeoutError, connect
from serving import Bare, Echo, denying, serving


class Talk(WebSocketHandler):
    """Does what it is told."""

    subprotocols = ("chat.v1",)
    closed: list[int | None] = []

    @override
    async def on_connect(self) -> None:
        self.add_accept_headers([("x-room", "3"), ("set-cookie", "theme=dark; Path=/")])

    @override
    async def on_message(self, data: JSON, /) -> None:
        match data:
            case ["close", int(code), str(reason)]:
                await self.send("farewell")
                await self.close(code, reason)
            case ["fail"]:
                raise ValueError("failed")
            case ["hang"]:
                await asyncio.Event().wait()
            case ["task"]:
                _ = self.start_task("task", self.fail)
            case _:
                await self.send(data)

    async def fail(self) -> None:
        raise KeyError("task")

    @override
    async def on_close(self) -> None:
        Talk.closed.append(self.close_code)


class Binary(WebSocketHandler[bytes, bytes]):
    @override
    async def on_message(self, data: bytes, /) -> None:
        await self.send(data)


class Unending(Echo):
    cleanup_timeout = 0.05

    @override
    async def on_close(self) -> None:
        await asyncio.Event().wait()


class FailingAtTheEnd(Echo):
    @override
    async def on_close(self) -> None:
        raise OSError("at the end")


# --- the handshake ----------------------------------------------------------------------------------


async def test_what_it_was_accepted_with() -> None:
    async with connect(Talk, subprotocols=["chat.v1"]) as ws:
        assert ws.denied is None
        assert ws.accepted_subprotocol == "chat.v1"
        assert ws.accepted_headers["X-Room"] == "3"
        assert ws.client.cookies["theme"].value == "dark"
        assert (ws.close_code, ws.close_reason) == (None, "")
    assert not ws.is_open
    assert ws.close_code == 1000


async def test_a_refusal_raises_nothing_until_it_is_used() -> None:
    answer = JsonResponse({"why": "full"}, status=409, headers={"X-Why": "full"})
    answer.set_cookie("seen", "1")
    async with connect(denying(answer)) as ws:
        assert not ws.is_open
        assert ws.denied is not None
        assert (ws.denied.status, ws.denied.json()) == (409, {"why": "full"})
        assert ws.denied.headers["x-why"] == "full"
        assert ws.client.cookies["seen"].value == "1"
        for use in (ws.send(1), ws.receive(), ws.receive_nothing(), ws.wait_closed(), ws.close()):
            with pytest.raises(SocketStateError, match="the handshake was denied with 409"):
                await use
    assert ws.close_code is None


async def test_a_refusal_by_a_long_body_is_read_whole() -> None:
    async with connect(denying(HttpResponse("x" * 100_000, status=403))) as ws:
        assert ws.denied is not None
        assert len(ws.denied.text) == 100_000


async def test_a_refusal_is_no_fault() -> None:
    async with connect(denying(PermissionDenied())) as ws:
        assert ws.denied is not None
        assert ws.denied.status == 403


async def test_a_fault_before_the_answer_is_raised_as_the_block_is_left() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        async with connect(denying(ZeroDivisionError())) as ws:
            assert ws.denied is not None
            assert ws.denied.status == 500
            await ws.receive()
    assert isinstance(caught.value.__cause__, SocketStateError)
    assert "denied with 500, because of ZeroDivisionError()" in str(caught.value.__cause__)


async def test_an_application_that_does_not_answer_is_told() -> None:
    async def waiting(scope: Any, receive: Any, send: Any, /) -> None:
        await asyncio.Event().wait()

    async def silent(scope: Any, receive: Any, send: Any, /) -> None: ...

    async def failing(scope: Any, receive: Any, send: Any, /) -> None:
        raise ValueError("failed")

    with pytest.raises(SocketTimeoutError, match=r"the handshake was not answered within 0\.01 s"):
        await connect("/", application=waiting, timeout=0.01).__aenter__()
    with pytest.raises(SocketFaultError, match="ended without an answer"):
        await connect("/", application=silent).__aenter__()
    with pytest.raises(ValueError, match="failed"):
        await connect("/", application=failing).__aenter__()


async def test_it_is_used_inside_of_its_block_which_is_entered_once() -> None:
    ws = connect(Talk)
    with pytest.raises(SocketStateError, match="async with connect"):
        await ws.send("x")
    async with ws:
        pass
    with pytest.raises(SocketStateError, match="cannot send: this test has closed it with 1000"):
        await ws.send("x")
    with pytest.raises(RuntimeError, match="entered once"):
        await ws.__aenter__()


# --- messages ---------------------------------------------------------------------------------------


async def test_messages_of_json() -> None:
    async with connect(Talk) as ws:
        await ws.send({"n": 1})
        assert await ws.receive() == {"n": 1}
        await ws.send("text")
        assert await ws.receive_json() == "text"
        await ws.send_json("text")
        assert await ws.receive() == "text"
        await ws.send_json(date(2026, 1, 2))
        assert await ws.receive_text() == '"2026-01-02"'


async def test_a_frame_as_it_is() -> None:
    async with connect(Talk) as ws:
        await ws.send_text("no JSON")
        assert await ws.wait_closed() == 1007
        with pytest.raises(SocketStateError, match=r"closed with 1007$"):
            await ws.receive()
    async with connect(Echo) as text:
        await text.send_text('{"n": 1}')
        assert await text.receive() == '{"n": 1}'
        await text.send_bytes(b"\x00")
        assert await text.wait_closed() == 1003


async def test_messages_of_text_and_of_bytes() -> None:
    async with connect(Echo) as text, connect(Binary) as binary:
        await text.send("1")
        assert await text.receive() == "1"
        await binary.send(b"1")
        assert await binary.receive() == b"1"
        await text.send("x")
        with pytest.raises(AssertionError, match="expected a binary frame, but a text frame came: 'x'"):
            await text.receive_bytes()
        await binary.send(b"x")
        with pytest.raises(AssertionError, match="expected a text frame, but a binary frame came: b'x'"):
            await binary.receive_text()
        await binary.send(b"y")
        assert await binary.receive_bytes() == b"y"
        await text.send("x")
        with pytest.raises(AssertionError, match="expected JSON, but this text came: 'x'"):
            await text.receive_json()


async def test_a_codec_in_place_of_the_rules() -> None:
    codec = FakeCodec()
    async with connect(Echo, codec=codec) as ws:
        await ws.send("1")
        assert await ws.receive() == "1"
    assert (codec.encoded, codec.decoded) == (["1"], ["1"])


async def test_an_endpoint_of_somebody_elses() -> None:
    async with connect("/", application=serving(Bare)) as ws:
        assert await ws.wait_closed() == 1000


async def test_a_wait_in_vain_tells_what_came_and_what_runs() -> None:
    with pytest.raises(SocketTimeoutError) as caught:
        async with connect(Talk, timeout=0.05) as ws:
            await ws.send({"n": 1})
            await ws.send(["hang"])
            assert await ws.receive() == {"n": 1}
            await ws.receive(timeout=0.01)
    waited, came, runs = str(caught.value).splitlines()
    assert waited == "no message came within 0.01 s."
    assert came == """Came so far: accept, '{"n":1}'."""
    assert runs.startswith("Running: Talk.on_message at test_socket.py:")


async def test_nothing_comes() -> None:
    async with connect(Talk) as ws:
        await ws.receive_nothing()
        await ws.receive_nothing(seconds=0.01)
        await ws.send([1])
        with pytest.raises(AssertionError, match=r"expected no message, but this came: '\[1\]'"):
            await ws.receive_nothing()
        with pytest.raises(AssertionError, match="expected no message"):
            await ws.receive_nothing()
        assert await ws.receive() == [1]


# --- the end ----------------------------------------------------------------------------------------


async def test_the_socket_closes() -> None:
    async with connect(Talk) as ws:
        await ws.send(["close", 4001, "enough"])
        assert await ws.wait_closed() == 4001
        assert (ws.close_code, ws.close_reason, ws.is_open) == (4001, "enough", False)
        assert await ws.receive() == "farewell"
        with pytest.raises(SocketStateError, match=r"cannot receive: it was closed with 4001 \(enough\)$"):
            await ws.receive()
        with pytest.raises(SocketStateError, match="cannot send: it was closed with 4001"):
            await ws.send([1])


async def test_this_side_closes_and_the_clean_up_is_done() -> None:
    Talk.closed.clear()
    async with connect(Talk) as ws:
        await ws.close(4002, "mine")
        assert Talk.closed == [4002]
        assert (ws.close_code, ws.close_reason) == (4002, "mine")
    async with connect(Talk):
        pass
    assert Talk.closed == [4002, 1000]
    async with connect(Talk) as ws:
        with pytest.raises(ValueError, match="1006"):
            await ws.close(CloseCode.ABNORMAL_CLOSURE)


async def test_a_fault_is_raised_itself_and_what_left_the_block_is_its_cause() -> None:
    with pytest.raises(ValueError, match="failed") as caught:
        async with connect(Talk) as ws:
            await ws.send(["fail"])
            await ws.receive()
    assert isinstance(caught.value.__cause__, SocketStateError)
    assert "closed with 1011, because of ValueError('failed')" in str(caught.value.__cause__)
    with pytest.raises(ValueError, match="failed") as caught:
        async with connect(Talk) as ws:
            await ws.send(["fail"])
            assert await ws.wait_closed() == 1011
    assert caught.value.__cause__ is None


async def test_faults_of_a_task_and_of_on_close_are_raised_too() -> None:
    with pytest.raises(KeyError, match="task"):
        async with connect(Talk) as ws:
            await ws.send(["task"])
            await ws.receive_nothing()
    with pytest.raises(OSError, match="at the end"):
        async with connect(FailingAtTheEnd):
            pass


async def test_a_fault_is_left_to_the_log_where_that_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    async with connect(Talk, raise_faults=False) as ws:
        await ws.send(["fail"])
        assert await ws.wait_closed() == 1011
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_clean_up_without_an_end_is_cut_short() -> None:
    with pytest.raises(SocketTimeoutError, match=r"the socket has not ended within 0.02 s(.|\n)*Unending.on_close"):
        async with connect(Unending, timeout=0.02):
            pass
    with pytest.raises(LookupError, match="of the test"):
        async with connect(Unending, timeout=0.02):
            raise LookupError("of the test")


async def test_a_cancellation_of_the_test_is_not_replaced() -> None:
    async def body() -> None:
        async with connect(Talk) as ws:
            await ws.send(["fail"])
            await ws.wait_closed()
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await body()
