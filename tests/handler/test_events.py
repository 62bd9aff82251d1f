"""What waits for on_event: in order, bounded, and in a task only while something waits."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from django_ws.handler.events import EventPump, Gap
from django_ws.handler.outbox import Overflow
from django_ws.interfaces import TopicDelivery
from django_ws.testing import FakeDelivery
from handler.support import turns, until

Item = TopicDelivery | Gap


class Pumped:
    """A pump whose hook waits at a gate."""

    def __init__(self, max_waiting: int = 3, overflow: Overflow = Overflow.CLOSE) -> None:
        self.seen: list[object] = []
        self.overflows = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        handle: Callable[[Item], Awaitable[None]] = self.handle
        self.pump = EventPump(
            max_waiting=max_waiting,
            overflow=overflow,
            start=self.start,
            handle=handle,
            on_overflow=self.overflowed,
        )

    def start(self, run: Callable[[], Coroutine[object, None, None]]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(run())
        self.tasks.append(task)
        return task

    async def handle(self, item: Item) -> None:
        await self.gate.wait()
        self.seen.append("gap" if isinstance(item, Gap) else item.event)

    def overflowed(self) -> None:
        self.overflows += 1

    def put(self, *events: int) -> None:
        for event in events:
            self.pump.put(FakeDelivery(event))


async def test_events_are_looked_at_in_order_by_one_task_that_ends() -> None:
    pumped = Pumped()
    pumped.put(1, 2)
    pumped.pump.put(Gap("a topic"))
    await turns()
    assert pumped.seen == [1, 2, "gap"]
    pumped.put(3)
    await turns()
    assert pumped.seen == [1, 2, "gap", 3]
    assert [task.done() for task in pumped.tasks] == [True, True]


@pytest.mark.parametrize(
    ("overflow", "seen", "overflows"),
    [
        (Overflow.CLOSE, [1, 2, 3], 1),
        (Overflow.DROP_NEWEST, [1, 2, 3], 2),
        (Overflow.DROP_OLDEST, [1, 4, 5], 2),
    ],
)
async def test_past_the_bound_the_policy_acts(overflow: Overflow, seen: list[object], overflows: int) -> None:
    pumped = Pumped(3, overflow)
    pumped.gate.clear()
    pumped.put(1, 2, 3, 4, 5)
    assert len(pumped.pump) == 3
    pumped.gate.set()
    await turns()
    assert pumped.seen == seen
    assert pumped.overflows == overflows


async def test_what_is_at_work_is_not_dropped_for_a_newer_one() -> None:
    pumped = Pumped(1, Overflow.DROP_OLDEST)
    pumped.gate.clear()
    pumped.put(1, 2)
    pumped.gate.set()
    await turns()
    assert (pumped.seen, pumped.overflows) == ([1], 1)


async def test_a_gap_always_finds_room_but_not_in_a_closed_one() -> None:
    pumped = Pumped(1)
    pumped.gate.clear()
    pumped.put(1)
    pumped.pump.put(Gap("a topic"))
    assert len(pumped.pump) == 2
    pumped.put(2)
    pumped.pump.put(Gap("a topic"))
    pumped.put(3)
    assert (len(pumped.pump), pumped.overflows) == (2, 1)
    pumped.gate.set()
    await turns()
    assert pumped.seen == [1, "gap"]


async def test_closed_it_forgets_what_waits() -> None:
    pumped = Pumped()
    pumped.gate.clear()
    pumped.put(1, 2)
    await turns()
    pumped.pump.close()
    pumped.put(3)
    pumped.gate.set()
    await turns()
    assert pumped.seen == [1]


async def test_it_runs_in_the_context_in_which_it_was_made() -> None:
    variable = contextvars.ContextVar("variable", default="nobody's")
    variable.set("the hook's")
    seen: list[str] = []

    async def handle(item: Item) -> None:
        seen.append(variable.get())

    def start(run: Callable[[], Coroutine[object, None, None]]) -> asyncio.Task[None]:
        return asyncio.ensure_future(run())

    pump = EventPump(max_waiting=3, overflow=Overflow.CLOSE, start=start, handle=handle, on_overflow=lambda: None)

    def put() -> None:
        variable.set("the engine's")
        pump.put(FakeDelivery(1))

    contextvars.Context().run(put)
    await until(lambda: seen)
    assert seen == ["the hook's"]
