"""testing/exchange.py"""

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.testing import SocketStateError, SocketTimeoutError, freeze_clock, websocket_scope
from django_ws.testing.exchange import Exchange
from serving import Echo, denying, serving


def exchange_with(application: Any, timeout: float = 1.0) -> Exchange:
    return Exchange(application, websocket_scope(), timeout)


async def opened(target: object, timeout: float = 1.0) -> Exchange:
    exchange = exchange_with(serving(target), timeout)
    exchange.start()
    await exchange.wait_for(lambda: exchange.accepted, "no accept")
    return exchange


async def test_what_is_known_at_each_moment() -> None:
    exchange = exchange_with(serving(Echo))
    assert exchange.is_done
    await exchange.finish()
    exchange.start()
    assert (exchange.is_done, exchange.is_idle, exchange.close_code) == (False, False, None)
    await exchange.wait_for(lambda: exchange.accepted, "no accept")
    assert isinstance(exchange.socket, Echo)
    await exchange.settle()
    exchange.put("text")
    assert not exchange.is_idle
    await exchange.settle()
    assert list(exchange.messages) == ["text"]
    assert exchange.close_reason == ""
    exchange.disconnect(4000, "why")
    exchange.disconnect(4001, "too late")
    await exchange.finish()
    assert (exchange.close_code, exchange.is_done, exchange.is_idle) == (4000, True, True)
    assert exchange.close_reason == "why"
    assert await exchange.next() == "text"
    with pytest.raises(SocketStateError, match="this test has closed it with 4000"):
        await exchange.next()
    assert exchange.end == "this test has closed it with 4000"
    assert exchange.socket is None


async def test_a_hook_in_a_thread_is_waited_for() -> None:
    may = threading.Event()

    class Slow(Echo):
        @override
        async def on_message(self, data: str, /) -> None:
            await sync_to_async(may.wait)()
            await self.send(data)

    exchange = await opened(Slow)
    exchange.put("text")
    asyncio.get_running_loop().call_later(0.05, may.set)
    await exchange.settle()
    assert list(exchange.messages) == ["text"]
    exchange.disconnect(1000, "")
    await exchange.finish()


async def test_a_hook_that_does_not_end_is_told() -> None:
    class Hanging(Echo):
        disconnect_grace = 0

        @override
        async def on_message(self, data: str, /) -> None:
            await asyncio.Event().wait()

    exchange = await opened(Hanging, 0.02)
    exchange.put("text")
    with pytest.raises(SocketTimeoutError, match=r"not come to rest(.|\n)*Hanging.on_message"):
        await exchange.settle()
    with pytest.raises(SocketTimeoutError, match=r"has not ended within 0\.02 s"):
        await exchange.finish()


async def test_a_denial_is_whole_only_with_its_last_part() -> None:
    sent: list[bool] = []
    exchange: Exchange

    async def application(scope: Any, receive: Any, send: Any, /) -> None:
        await send({"type": "websocket.http.response.start", "status": 418, "headers": []})
        sent.append(exchange.is_denied)
        await send({"type": "websocket.http.response.body", "body": b"a", "more_body": True})
        sent.append(exchange.is_denied)
        await send({"type": "websocket.http.response.body", "body": b"b"})
        sent.append(exchange.is_denied)

    exchange = exchange_with(application)
    assert not exchange.is_denied
    exchange.start()
    await exchange.finish()
    assert sent == [False, False, True]
    assert exchange.end == "the handshake was denied with 418"


async def test_a_plain_close_is_a_denial() -> None:
    async def application(scope: Any, receive: Any, send: Any, /) -> None:
        await send({"type": "websocket.close"})

    exchange = exchange_with(application)
    exchange.start()
    await exchange.finish()
    assert exchange.is_denied


async def test_an_application_that_leaves_without_a_close() -> None:
    async def application(scope: Any, receive: Any, send: Any, /) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": b"x" * 100})
        raise ValueError("failed")

    exchange = exchange_with(application)
    exchange.start()
    await exchange.finish()
    assert (exchange.close_code, list(exchange.messages)) == (1006, [b"x" * 100])
    assert list(map(repr, exchange.faults)) == ["ValueError('failed')"]
    text = str(exchange.fail("why", 1))
    assert text.startswith("why within 1 s.\nCame so far: accept, b'xxxx")
    assert text.endswith("x….\nRunning: nothing: the application has ended.")


async def test_what_came_is_told_in_brief() -> None:
    exchange = exchange_with(serving(denying(ValueError())))
    assert "Came so far: nothing." in str(exchange.fail("why", 1))
    exchange.start()
    await exchange.finish()
    assert "Came so far: denial 500, http.response.body." in str(exchange.fail("why", 1))

    class Closing(WebSocketHandler):
        @override
        async def on_open(self) -> None:
            await self.close(4000)

    exchange = await opened(Closing)
    await exchange.finish()
    assert exchange.close_code == 4000
    assert exchange.end == "it was closed with 4000"
    assert "Came so far: accept, close 4000." in str(exchange.fail("why", 1))


async def test_what_comes_after_the_end_of_this_side_is_dropped() -> None:
    class Late(Echo):
        @override
        async def on_message(self, data: str, /) -> None:
            await asyncio.sleep(0)
            await self.send(data)

    exchange = exchange_with(serving(Late))
    exchange.peer._raise_after_end = None
    exchange.start()
    await exchange.wait_for(lambda: exchange.accepted, "no accept")
    exchange.put("late")
    exchange.disconnect(1000, "")
    await exchange.finish()
    assert list(exchange.messages) == []


async def test_a_binary_frame() -> None:
    class Binary(WebSocketHandler[bytes, bytes]):
        @override
        async def on_message(self, data: bytes, /) -> None:
            await self.send(data)

    exchange = await opened(Binary)
    exchange.put(b"bytes")
    await exchange.settle()
    assert list(exchange.messages) == [b"bytes"]
    exchange.disconnect(1000, "")
    await exchange.finish()


async def test_a_socket_that_waits_runs_no_hook() -> None:
    exchange = await opened(Echo, 0.01)
    with pytest.raises(SocketTimeoutError, match="Running: no hook"):
        await exchange.wait_for(lambda: False, "nothing")
    exchange.disconnect(1000, "")
    await exchange.finish()


async def test_under_a_frozen_clock_rest_and_the_end_need_no_time_of_their_own() -> None:
    class Sleeping(Echo):
        disconnect_grace = 20

        @override
        async def on_message(self, data: str, /) -> None:
            await asyncio.sleep(1000)

    with freeze_clock() as clock:
        exchange = await opened(Sleeping)
        exchange.put("text")
        await exchange.settle()
        assert clock.elapsed == 0
        assert "The clock is frozen" in str(exchange.fail("nothing came", 1))
        exchange.disconnect(1000, "")
        await exchange.finish()
        assert 20 <= clock.elapsed < 25  # a hook is noticed by a tick
