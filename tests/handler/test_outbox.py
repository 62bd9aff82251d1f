"""handler/outbox.py"""

# Much is sent without await, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
import logging
from collections.abc import Awaitable
from contextvars import ContextVar

import pytest
from typing_extensions import override

from django_ws.exceptions import ConnectionClosed
from django_ws.handler.outbox import Outbox, Overflow
from django_ws.interfaces import Data
from django_ws.testing import FakeConnection
from handler.support import turns


class Box:
    """A stalled connection, and an outbox whose head is on its way."""

    def __init__(
        self,
        *,
        messages: int = 100,
        size: int = 1000,
        overflow: Overflow = Overflow.CLOSE,
        rest: Awaitable[None] | None = None,
    ) -> None:
        self.connection = FakeConnection(is_open=True, end=None)
        self.connection.stall()
        self.empty = 0
        self.overflows = 0
        self.outbox = Outbox(
            self.connection,
            max_messages=messages,
            max_bytes=size,
            overflow=overflow,
            on_empty=self.on_empty,
            on_overflow=self.on_overflow,
        )
        self.rest = rest or self.connection.send("head")

    def begin(self) -> Awaitable[bool]:
        assert self.rest is not None
        return self.outbox.begin(self.rest)

    async def begin_and_await(self) -> bool:
        return await self.begin()

    def on_empty(self) -> None:
        self.empty += 1

    def on_overflow(self) -> None:
        self.overflows += 1

    @property
    def sent(self) -> list[Data]:
        return self.connection.sent


async def drained(box: Box) -> None:
    box.connection.resume()
    await turns()


async def test_messages_go_out_in_order_of_call_awaited_or_not() -> None:
    box = Box()
    box.begin()
    second = box.outbox.put("second")
    third = asyncio.create_task(asyncio.wait_for(box.outbox.put("third"), 5))
    fourth = box.outbox.put("fourth")
    assert len(box.outbox) == 3
    await turns()
    assert box.sent == []
    await drained(box)
    assert box.sent == ["head", "second", "third", "fourth"]
    assert [await second, await third, await fourth] == [True, True, True]
    assert box.empty == 1


async def test_an_awaited_head_is_finished_by_the_task_that_awaits_it() -> None:
    ran_in: list[asyncio.Task[object] | None] = []

    async def rest() -> None:
        await asyncio.sleep(0)
        ran_in.append(asyncio.current_task())

    box = Box(rest=rest())
    assert await box.begin() is True
    assert ran_in == [asyncio.current_task()]
    assert box.empty == 1


async def test_a_head_that_nobody_awaits_is_finished_all_the_same() -> None:
    box = Box()
    head = box.begin()
    await drained(box)
    assert box.sent == ["head"]
    assert await head is True
    assert await head is True
    assert box.empty == 1


async def test_a_head_may_be_awaited_after_it_was_adopted() -> None:
    box = Box()
    head = box.begin()
    await turns()
    waiter = asyncio.ensure_future(head)
    await drained(box)
    assert await waiter is True


async def test_a_time_out_around_an_awaited_head_ends_in_its_own_task_and_the_rest_goes_on() -> None:
    box = Box()
    head = box.begin()
    behind = box.outbox.put("behind")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await head
    await drained(box)
    assert box.sent == ["behind"]
    assert await behind is True
    assert await head is False


async def test_a_context_variable_set_and_reset_by_the_servers_send_stays_in_one_context() -> None:
    variable: ContextVar[str] = ContextVar("variable")

    async def wrapped() -> None:
        token = variable.set("sending")
        try:
            await turns(3)
        finally:
            variable.reset(token)

    adopted = Box(rest=wrapped())
    head = adopted.begin()
    await turns()
    assert await head is True
    assert await Box(rest=wrapped()).begin() is True


async def test_cancelling_a_queued_send_does_not_take_the_message_back() -> None:
    box = Box()
    box.begin()
    future = box.outbox.put("queued")
    future.cancel()
    await drained(box)
    assert box.sent == ["head", "queued"]


async def test_cancelling_the_awaiter_of_an_adopted_head_does_not_take_it_back() -> None:
    box = Box()
    head = box.begin()
    await turns()
    waiter = asyncio.ensure_future(head)
    await turns()
    waiter.cancel()
    await drained(box)
    assert box.sent == ["head"]


@pytest.mark.parametrize(
    ("data", "size"), [("abc", 3), ("grüße", 7), ("\U0001f600", 4), (b"\xff\xff", 2), ("", 0), (b"", 0)]
)
async def test_what_waits_is_counted_in_bytes_of_utf_8(data: Data, size: int) -> None:
    box = Box()
    box.begin()
    box.outbox.put(data)
    assert box.outbox.waiting_bytes == size
    await drained(box)
    assert box.outbox.waiting_bytes == 0


async def test_past_the_count_the_client_is_given_up() -> None:
    box = Box(messages=2)
    head = box.begin()
    waiting = [box.outbox.put(text) for text in ("a", "b", "c", "d")]
    assert box.overflows == 1
    assert [await future for future in waiting] == [False] * 4
    await drained(box)
    assert box.sent == ["head"]
    assert await head is True
    assert box.empty == 0


async def test_past_the_bytes_the_client_is_given_up() -> None:
    box = Box(size=5)
    box.begin()
    first, second = box.outbox.put("ääx"), box.outbox.put("y")
    assert (await first, await second) == (False, False)
    assert box.overflows == 1
    await drained(box)


async def test_one_message_alone_may_be_larger_than_the_bound() -> None:
    box = Box(size=5)
    box.begin()
    future = box.outbox.put("x" * 100)
    await drained(box)
    assert await future is True


async def test_the_oldest_can_be_dropped_as_many_as_it_takes() -> None:
    box = Box(size=4, overflow=Overflow.DROP_OLDEST)
    box.begin()
    waiting = [box.outbox.put(text) for text in ("a", "b", "c", "ddd")]
    await drained(box)
    assert [await future for future in waiting] == [False, False, True, True]
    assert box.sent == ["head", "c", "ddd"]
    assert box.overflows == 2
    assert box.empty == 1


async def test_the_newest_can_be_dropped() -> None:
    box = Box(messages=1, overflow=Overflow.DROP_NEWEST)
    box.begin()
    waiting = [box.outbox.put(text) for text in ("a", "b", "c")]
    await drained(box)
    assert [await future for future in waiting] == [True, False, False]
    assert box.overflows == 2


async def test_the_end_during_the_head_answers_false_to_all() -> None:
    box = Box()
    head = box.begin()
    behind = box.outbox.put("behind")
    box.connection.disconnect()
    await drained(box)
    assert (await head, await behind) == (False, False)
    assert box.sent == []


async def test_the_end_during_an_awaited_head_answers_false() -> None:
    box = Box()
    waiter = asyncio.create_task(box.begin_and_await())
    await turns()
    behind = box.outbox.put("behind")
    box.connection.disconnect()
    await drained(box)
    assert (await waiter, await behind) == (False, False)


async def test_the_end_between_two_messages_answers_false_to_those_behind() -> None:
    box = Box()
    box.begin()
    first, second = box.outbox.put("first"), box.outbox.put("second")
    sent = box.connection.sent

    class Ending(list[Data]):
        @override
        def append(self, data: Data) -> None:
            sent.append(data)
            box.connection.disconnect()

    box.connection.sent = Ending()
    await drained(box)
    assert sent == ["head"]
    assert (await first, await second) == (False, False)


async def test_a_send_behind_the_head_may_have_to_wait_too() -> None:
    box = Box()
    box.begin()
    behind = box.outbox.put("behind")
    box.connection.resume()
    box.connection.stall()
    await turns()
    assert box.sent == ["head"]
    await drained(box)
    assert await behind is True


class Failing:
    """A connection whose server raises what no server should."""

    def __init__(self, connection: FakeConnection) -> None:
        self.real_send = connection.send
        self.connection = connection

    def send(self, data: Data, /) -> Awaitable[None] | None:
        if data == "bad":
            raise ZeroDivisionError
        return self.real_send(data)


async def test_a_server_that_fails_on_a_queued_message_loses_that_one_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box()
    monkeypatch.setattr(box.connection, "send", Failing(box.connection).send)
    box.begin()
    waiting = [box.outbox.put(text) for text in ("a", "bad", "b")]
    with caplog.at_level(logging.ERROR, "django_ws"):
        await drained(box)
    assert [await future for future in waiting] == [True, False, True]
    assert [record.getMessage() for record in caplog.records] == ["The server's send failed; a queued message is lost"]


async def test_a_server_that_fails_on_the_head_is_logged_if_nobody_awaits_it(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    box = Box(rest=fail())
    head = box.begin()
    behind = box.outbox.put("behind")
    with caplog.at_level(logging.ERROR, "django_ws"):
        await drained(box)
    assert await head is False
    assert await behind is True
    assert [record.getMessage() for record in caplog.records] == ["The server's send failed; a message is lost"]


async def test_a_server_that_fails_on_an_awaited_head_raises_there() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    box = Box(rest=fail())
    with pytest.raises(ZeroDivisionError):
        await box.begin()
    assert box.empty == 1


async def test_a_flush_waits_for_all_and_takes_no_more() -> None:
    box = Box()
    box.begin()
    behind = box.outbox.put("behind")
    flush = asyncio.create_task(box.outbox.flush(10))
    await turns()
    assert not flush.done()
    late = box.outbox.put("late")
    await drained(box)
    await flush
    assert (await behind, await late) == (True, False)
    assert box.sent == ["head", "behind"]
    assert box.empty == 0


@pytest.mark.parametrize("adopted", [True, False])
async def test_a_flush_gives_up_at_its_bound_and_leaves_no_task(adopted: bool) -> None:
    box = Box()
    if adopted:
        box.begin()
    else:
        box.begin()
        waiter = asyncio.ensure_future(box.outbox.put("first"))
        box.connection.resume()
        box.connection.stall()
        await turns(3)
        assert not waiter.done()
    await turns()
    before = asyncio.all_tasks()
    behind = box.outbox.put("behind")
    await box.outbox.flush(0.001)
    assert await behind is False
    assert box.outbox._task is None
    assert len(asyncio.all_tasks()) == len(before) - 1
    await box.outbox.flush(10)


async def test_a_flush_in_the_middle_of_a_foreign_send_leaves_that_to_its_own_task() -> None:
    box = Box()
    waiter = asyncio.create_task(box.begin_and_await())
    await turns()
    await box.outbox.flush(0.001)
    assert not waiter.done()
    await drained(box)
    assert await waiter is True


async def test_what_waits_can_be_given_up() -> None:
    box = Box()
    head = box.begin()
    waiting = [box.outbox.put("a"), box.outbox.put("b")]
    box.outbox.drop()
    assert [await future for future in waiting] == [False, False]
    assert await box.outbox.put("c") is False
    await drained(box)
    assert await head is True


async def test_the_end_is_no_fault_of_the_one_who_sends() -> None:
    async def gone() -> None:
        raise ConnectionClosed

    assert await Box(rest=gone()).begin() is False


async def test_a_sealed_outbox_takes_nothing_and_is_flushed_at_once() -> None:
    outbox = Outbox(
        FakeConnection(is_open=True),
        max_messages=1,
        max_bytes=1,
        overflow=Overflow.CLOSE,
        on_empty=lambda: None,
        on_overflow=lambda: None,
    )
    outbox.seal()
    assert await outbox.put("late") is False
    await outbox.flush(60)
