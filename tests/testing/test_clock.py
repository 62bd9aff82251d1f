"""testing/clock.py"""

import asyncio
import threading
import time
from typing import NoReturn

import pytest
from asgiref.sync import sync_to_async
from typing_extensions import override

from django_ws import JSON, Flood, WebSocket, WebSocketHandler
from django_ws.testing import SocketTimeoutError, connect, freeze_clock
from django_ws.testing.clock import frozen_clock, wait_really


class Timed(WebSocketHandler[str, str]):
    ping_interval = 59
    seen: list[float]

    @override
    async def on_message(self, data: str, /) -> None:
        match data.split():
            case ["ping"]:
                _ = self.start_ping()
            case ["loop", seconds]:
                _ = self.start_task(data, self.sleep_loop, self.say, float(seconds), data)
            case ["sleep", seconds]:
                await asyncio.sleep(float(seconds))
                await self.send("slept")
            case _:
                await self.send(data)

    async def say(self, text: str) -> None:
        await self.send(text)


# --- one step after the other -----------------------------------------------------------------------


async def test_time_stands_still_until_it_is_advanced() -> None:
    loop = asyncio.get_running_loop()
    with freeze_clock() as clock:
        before = loop.time()
        assert frozen_clock() is clock
        await asyncio.to_thread(time.sleep, 0.01)
        assert loop.time() == before
        await clock.advance(1.5)
        await clock.rest()
        assert loop.time() == pytest.approx(before + 1.5, abs=1e-5)
        assert clock.elapsed == 1.5


async def test_a_machine_may_have_run_for_years(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "time", lambda: time.monotonic() + 1000 * 86_400)
    with freeze_clock() as clock:
        sleeping = asyncio.ensure_future(asyncio.sleep(1))
        await asyncio.sleep(0)
        await clock.advance(2)
        assert sleeping.done()


async def test_each_timer_gets_its_turn_at_its_own_moment_and_in_order() -> None:
    loop = asyncio.get_running_loop()
    with freeze_clock() as clock:
        start, seen = loop.time(), list[tuple[str, float]]()

        def note(name: str) -> None:
            seen.append((name, round(loop.time() - start, 3)))

        async def chain() -> None:
            for _ in range(3):
                await asyncio.sleep(0.1)
                note("chain")

        task = asyncio.create_task(chain())
        loop.call_later(0.25, note, "later")
        loop.call_later(0.15, note, "cancelled").cancel()
        loop.call_later(0.31, note, "too late")
        await clock.advance(0.3)
        assert seen == [("chain", 0.1), ("chain", 0.2), ("later", 0.25), ("chain", 0.3)]
        assert task.done()


async def test_many_small_steps_are_one_big_one() -> None:
    ended: list[bool] = []
    with freeze_clock() as clock:
        asyncio.get_running_loop().call_later(1, ended.append, True)
        for _ in range(9):
            await clock.advance(0.1)
        assert not ended
        await clock.advance(0.1)
        assert ended


async def test_timeouts_go_by_it() -> None:
    async def waiting() -> None:
        async with asyncio.timeout(10):
            await asyncio.Event().wait()

    with freeze_clock() as clock:
        task = asyncio.create_task(waiting())
        await clock.advance(9.9)
        assert not task.done()
        await clock.advance(0.1)
        with pytest.raises(TimeoutError):
            await task


async def test_what_a_thread_does_is_waited_for_before_the_next_step() -> None:
    done: list[int] = []

    async def work() -> NoReturn:
        while True:
            await asyncio.sleep(10)
            await sync_to_async(time.sleep)(0.01)
            await sync_to_async(done.append)(1)

    with freeze_clock() as clock:
        task = asyncio.create_task(work())
        await clock.advance(30)
        assert len(done) == 3
        task.cancel()


async def test_a_thread_that_takes_too_long_is_not_waited_for_any_more() -> None:
    may = threading.Event()
    ended: list[bool] = []
    with freeze_clock(patience=0.01) as clock:
        work = asyncio.create_task(asyncio.to_thread(may.wait))
        asyncio.get_running_loop().call_later(1, ended.append, True)
        await clock.advance(1)
        assert ended
        assert not work.done()
        may.set()
        assert await work


async def test_what_runs_without_a_pause_is_told() -> None:
    async def busy() -> NoReturn:
        while True:
            await asyncio.sleep(0)

    with freeze_clock(patience=0.01) as clock:
        task = asyncio.create_task(busy())
        with pytest.raises(SocketTimeoutError, match=r"did not come to rest within 0\.01 s .* runs on and on"):
            await clock.advance(1)
        task.cancel()


# --- what cannot be ---------------------------------------------------------------------------------


async def test_it_goes_forward_only_and_inside_of_its_block() -> None:
    clock = freeze_clock()
    with pytest.raises(RuntimeError, match="not frozen"):
        await clock.advance(1)
    with clock:
        for seconds in (-1.0, float("nan")):
            with pytest.raises(ValueError, match="time only goes forward"):
                await clock.advance(seconds)
        with pytest.raises(RuntimeError, match="frozen already"), freeze_clock():
            pass
    with pytest.raises(RuntimeError, match="not frozen"):
        await clock.advance(1)
    assert frozen_clock() is None


async def test_one_advance_at_a_time() -> None:
    with freeze_clock() as clock:
        first = asyncio.create_task(clock.advance(1))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one advance"):
            await clock.advance(1)
        await first


def test_there_must_be_a_loop() -> None:
    with pytest.raises(RuntimeError, match="needs a running asyncio event loop"):
        freeze_clock()


def test_a_loop_with_a_time_of_its_own_is_told() -> None:
    async def freeze() -> None:
        freeze_clock()

    uvloop = pytest.importorskip("uvloop")
    loop = uvloop.new_event_loop()
    with pytest.raises(RuntimeError, match=r"cannot freeze the clock of uvloop\.Loop"):
        loop.run_until_complete(freeze())
    loop.close()


# --- after it ---------------------------------------------------------------------------------------


async def test_after_the_block_it_goes_on_from_where_it_was() -> None:
    loop = asyncio.get_running_loop()
    with freeze_clock() as clock:
        soon = asyncio.create_task(asyncio.sleep(60.001))
        await clock.advance(60)
        last = loop.time()
    assert loop.time() >= last
    await asyncio.wait_for(soon, 5)
    with freeze_clock() as again:
        assert loop.time() >= last
        await again.advance(1)
    assert "run_in_executor" not in vars(loop)


# --- waits in real time -----------------------------------------------------------------------------


async def test_a_wait_in_real_time() -> None:
    loop = asyncio.get_running_loop()
    never, done = loop.create_future(), loop.create_future()
    done.set_result(None)
    assert not await wait_really([never], 0.01)
    assert await wait_really([never, done], 1)
    with freeze_clock():
        assert not await wait_really([never], 0.01)
        assert not await wait_really([never], -1)
        assert await wait_really([never, done], 1)


async def test_the_alarm_of_a_loop_that_was_closed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(threading.Timer):
        rung: "list[Late]" = []

        @override
        def cancel(self) -> None:
            super().cancel()
            self.rung.append(self)

    monkeypatch.setattr(threading, "Timer", Late)

    async def wait() -> None:
        with freeze_clock():
            assert await wait_really([asyncio.ensure_future(asyncio.sleep(0))], 1)

    await asyncio.to_thread(asyncio.run, wait())
    (alarm,) = Late.rung
    # As if it had rung before it was cancelled.
    alarm.function()


# --- with the client --------------------------------------------------------------------------------


async def test_pings() -> None:
    with freeze_clock() as clock:
        async with connect(Timed) as ws:
            await ws.send("ping")
            await clock.advance(58.8)
            await ws.receive_nothing()
            await clock.advance(0.2)
            assert "ping" in await ws.receive_json()
            await clock.advance(59 * 10)
            for _ in range(10):
                assert "ping" in await ws.receive_json()
            await ws.receive_nothing()


async def test_loops_of_several_sockets() -> None:
    async with connect(Timed) as one, connect(Timed) as other:
        await one.send("loop 10")
        await one.receive_nothing()
        with freeze_clock() as clock:
            await one.send("loop 15")
            await other.send("loop 10")
            await clock.advance(30)
            assert [await one.receive() for _ in range(5)] == ["loop 10", "loop 15", "loop 10", "loop 10", "loop 15"]
            assert [await other.receive() for _ in range(3)] == ["loop 10"] * 3


async def test_a_hook_that_sleeps_and_a_wait_meanwhile() -> None:
    with freeze_clock() as clock:
        async with connect(Timed) as ws:
            await ws.send("sleep 100")
            with pytest.raises(
                SocketTimeoutError, match=r"within 0\.01 s(.|\n)*Timed\.on_message(.|\n)*clock is frozen"
            ):
                await ws.receive(timeout=0.01)
            _, slept = await asyncio.gather(clock.advance(100), ws.receive())
            assert slept == "slept"


class Idle(Timed):
    idle_timeout = 40


async def test_an_idle_timeout() -> None:
    with freeze_clock() as clock:
        async with connect(Idle) as ws:
            await clock.advance(39)
            assert ws.is_open
            await ws.send("still here")
            await clock.advance(39)
            assert ws.is_open
            await clock.advance(10)
            assert not ws.is_open


class Slow(Timed):
    messages_per_second = 1
    messages_burst = 2


class Strict(Slow):
    flood = Flood.CLOSE


async def test_a_rate() -> None:
    with freeze_clock() as clock:
        async with connect(Slow) as ws, connect(Strict) as strict:
            for number in range(4):
                await ws.send(str(number))
            for number in (0, 1):
                await strict.send(str(number))
            await clock.rest()
            assert [await ws.receive() for _ in range(2)] == ["0", "1"]
            with pytest.raises(AssertionError):
                await ws.receive(timeout=0.01)
            await clock.advance(2)
            assert [await ws.receive() for _ in range(2)] == ["2", "3"]
            await strict.send("2")
            await strict.send("3")
            assert [await strict.receive() for _ in range(4)] == ["0", "1", "2", "3"]
            await strict.send("4")
            assert await strict.wait_closed() == 1008


async def countdown(ws: WebSocket[str, str]) -> None:
    for number in "321":
        await ws.send(number)
        await asyncio.sleep(1)


async def test_nothing_comes_of_a_function_that_sleeps() -> None:
    with freeze_clock() as clock:
        async with connect(countdown) as ws:
            assert await ws.receive() == "3"
            await ws.receive_nothing()
            await clock.advance(2)
            assert [await ws.receive(), await ws.receive()] == ["2", "1"]


async def test_the_end_of_a_socket_takes_what_time_it_needs() -> None:
    class Tidying(WebSocketHandler[str, str]):
        cleanup_timeout = 100

        @override
        async def on_close(self) -> None:
            await asyncio.sleep(50)
            ended.append(True)

    ended: list[bool] = []
    with freeze_clock() as clock:
        async with connect(Tidying) as ws:
            await ws.close()
            assert ended
            assert 50 <= clock.elapsed < 51
            await clock.advance(10)
            assert 60 <= clock.elapsed < 61


async def test_a_fault_of_a_loop() -> None:
    class Failing(WebSocketHandler[JSON, JSON]):
        @override
        async def on_open(self) -> None:
            _ = self.start_task("fail", self.sleep_loop, self.fail, 5)

        async def fail(self) -> None:
            raise ValueError("failed")

    with freeze_clock() as clock, pytest.raises(ValueError, match="failed"):
        async with connect(Failing):
            await clock.advance(5)
