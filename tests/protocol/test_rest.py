"""What is left of a send that did not end at its first step."""

import asyncio
import contextlib
import gc
from collections.abc import Generator
from typing import Any
from weakref import ref

import pytest

from django_ws.exceptions import ConnectionClosed
from protocol.support import GONE, Event, begin, finish, sender


async def test_a_server_that_waits_leaves_a_rest_which_any_task_can_finish() -> None:
    writable = asyncio.get_running_loop().create_future()
    log: list[str] = []

    async def send(event: Event) -> None:
        log.append("begun")
        await writable
        log.append("done")

    rest = begin(await sender(send))
    assert log == ["begun"]
    task = asyncio.ensure_future(finish(rest))
    await asyncio.sleep(0)
    assert log == ["begun"]
    writable.set_result(None)
    await task
    assert log == ["begun", "done"]


async def test_a_rest_is_awaited_once() -> None:
    async def send(event: Event) -> None:
        await asyncio.sleep(0)

    rest = begin(await sender(send))
    await rest
    with pytest.raises(RuntimeError, match="only once"):
        await rest


class Keeping:
    """An awaitable that keeps the error that is thrown into it, as granian's does."""

    def __init__(self) -> None:
        self.kept: list[BaseException] = []

    def __await__(self) -> "Keeping":
        return self

    def __iter__(self) -> "Keeping":
        return self

    def __next__(self) -> None: ...

    def throw(self, error: BaseException) -> None:
        self.kept.append(error)
        del self  # written in Rust, it has no frame
        raise error


async def test_a_send_that_was_cancelled_is_not_kept_by_the_error_that_it_keeps() -> None:
    awaitable = Keeping()
    gone = ref(awaitable)
    sends: list[Any] = [awaitable]
    del awaitable
    task = asyncio.ensure_future(finish(begin(await sender(lambda _: sends.pop()))))
    await asyncio.sleep(0)
    gc.disable()
    try:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        del task
        await asyncio.sleep(0)
        assert gone() is None
    finally:
        gc.enable()


async def test_a_server_that_only_yields_to_the_loop_is_finished_too() -> None:
    log: list[int] = []

    async def send(event: Event) -> None:
        for step in range(3):
            await asyncio.sleep(0)
            log.append(step)

    rest = begin(await sender(send))
    assert log == []
    await rest
    assert log == [0, 1, 2]


async def test_a_server_that_waits_again_and_again_is_followed() -> None:
    lock = asyncio.Lock()
    await lock.acquire()
    log: list[str] = []

    async def send(event: Event) -> None:
        async with lock:
            await asyncio.sleep(0.001)
            log.append("written")
        await asyncio.wait_for(asyncio.sleep(0), 1)
        log.append("drained")

    task = asyncio.ensure_future(finish(begin(await sender(send))))
    await asyncio.sleep(0)
    lock.release()
    await task
    assert log == ["written", "drained"]


async def test_a_future_is_as_good_as_a_coroutine() -> None:
    future = asyncio.get_running_loop().create_future()
    connection = await sender(lambda _: future)
    rest = begin(connection)
    future.set_result(None)
    await rest
    assert connection.send("done before") is None


class Plain:
    """Steps without ``throw``, ``send``, ``close`` or even ``__iter__``: a server in another language makes such."""

    def __init__(self, steps: int, error: Exception | None = None) -> None:
        self.left = steps
        self.error = error

    def __await__(self) -> Generator[Any, None, None]:
        steps: Any = self
        return steps  # type: ignore[no-any-return]

    def __next__(self) -> None:
        if self.left == 0:
            raise StopIteration if self.error is None else self.error
        self.left -= 1


async def test_a_plain_iterator_that_ends_at_once_leaves_nothing_to_await() -> None:
    connection = await sender(lambda _: Plain(0))
    assert connection.send("x") is None


async def test_a_plain_iterator_is_run_to_its_end() -> None:
    plain = Plain(3)
    rest = begin(await sender(lambda _: plain))
    assert plain.left == 2
    await rest
    assert plain.left == 0


async def test_a_plain_iterator_leaves_a_cancellation_to_the_caller() -> None:
    task = asyncio.ensure_future(finish(begin(await sender(lambda _: Plain(1000)))))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_plain_iterator_that_finds_the_client_gone_closes_the_connection() -> None:
    connection = await sender(lambda _: Plain(2, OSError("gone")))
    rest = begin(connection)
    with pytest.raises(ConnectionClosed):
        await rest
    assert not connection.is_open


@pytest.mark.parametrize("error", GONE)
@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_a_send_that_raises_while_it_is_awaited_says_that_the_client_has_gone(
    error: Exception, steps: int
) -> None:
    async def send(event: Event) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        raise error

    connection = await sender(send)
    rest = begin(connection)
    with pytest.raises(ConnectionClosed, match=r"^closed with 1006$") as closed:
        await rest
    assert closed.value.__cause__ is error
    assert not connection.is_open
    with pytest.raises(ConnectionClosed):
        connection.send("y")


@pytest.mark.parametrize("waits", [1, 2])
async def test_a_cancellation_reaches_the_servers_send(waits: int) -> None:
    never = asyncio.get_running_loop().create_future()
    log: list[str] = []

    async def send(event: Event) -> None:
        try:
            for _ in range(waits - 1):
                await asyncio.sleep(0)
            log.append("waits")
            await never
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    connection = await sender(send)
    task = asyncio.ensure_future(finish(begin(connection)))
    for _ in range(waits):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["waits", "cancelled"]
    assert connection.is_open


async def test_a_server_may_wait_while_it_is_being_cancelled_and_be_cancelled_again() -> None:
    loop = asyncio.get_running_loop()
    log: list[str] = []

    async def send(event: Event) -> None:
        for name in ("first", "second"):
            try:
                await loop.create_future()
            except asyncio.CancelledError:
                log.append(name)
        await asyncio.sleep(0)
        log.append("written all the same")

    task = asyncio.ensure_future(finish(begin(await sender(send))))
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    await task
    assert log == ["first", "second", "written all the same"]


async def test_a_server_that_swallows_the_cancellation_has_sent() -> None:
    async def send(event: Event) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()

    task = asyncio.ensure_future(finish(begin(await sender(send))))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def test_a_server_that_answers_a_cancellation_with_an_oserror_has_lost_the_client() -> None:
    async def send(event: Event) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise ConnectionResetError from None

    connection = await sender(send)
    task = asyncio.ensure_future(finish(begin(connection)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(ConnectionClosed):
        await task
    assert not connection.is_open


async def test_a_rest_that_is_dropped_ends_the_servers_send() -> None:
    log: list[str] = []

    async def send(event: Event) -> None:
        try:
            await asyncio.sleep(0)
        finally:
            log.append("closed")

    waiting = finish(begin(await sender(send)))
    waiting.send(None)
    waiting.close()
    assert log == ["closed"]
