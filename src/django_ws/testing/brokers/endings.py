"""Ends: what is cancelled or closed leaves nothing behind, and who is slow holds up nobody else."""

import asyncio
import contextlib
import gc
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from django_ws.exceptions import BrokerError, TopicOverflowError
from django_ws.testing.brokers.base import (
    ConformanceBase,
    channel,
    in_own_loop,
    must,
    take,
    take_until,
    usable_or_broken,
)
from django_ws.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["EndingConformance", "conformance_topic"]

T = TypeVar("T")

_TURNS = range(12)
"""How many turns of the event loop a cancelled call is given, one after another."""


class EndingConformance(ConformanceBase):
    """Tests of cancelling, closing and being slow."""

    async def test_cancelled_subscribe(self) -> None:
        """Cancel subscribe() in every state that it has: the link is of use, or says that it is not."""
        async with self._clients() as clients:
            broker = clients.broker()
            for turns in _TURNS:
                link = await clients.link(channel(), broker=broker)
                _ = await _cancelled(link.subscribe([channel() for _ in range(50)]), turns)
                _ = await usable_or_broken(clients, link, broker)
                await clients.soon(link.close())

    async def test_cancelled_receive(self) -> None:
        """Cancel receive() while it waits, and while messages come."""
        async with self._clients() as clients:
            broker = clients.broker()
            for turns in _TURNS:
                name = channel()
                link = await clients.link(name, broker=broker)
                receiving = asyncio.ensure_future(link.receive())
                await asyncio.sleep(0)
                await clients.soon(broker.apublish([(name, b"1"), (name, b"2")]))
                _ = await _cancelled(receiving, turns)
                _ = await usable_or_broken(clients, link, broker)
                await clients.soon(link.close())

    async def test_cancelled_publish(self) -> None:
        """Cancel publish() in every state that it has: others publish on, and their messages come once."""
        async with self._clients() as clients:
            broker = clients.broker()
            for turns in _TURNS:
                name = channel()
                link = await clients.link(name, broker=broker)
                _ = await _cancelled(link.publish([(channel(), b"x" * 100) for _ in range(50)]), turns)
                if await usable_or_broken(clients, link, broker):
                    await clients.soon(link.publish([(name, b"once"), (name, b"end")]))
                    heard = await take_until(link, (name, b"end"), self.seconds)
                    must(heard == [(name, b"once")], f"there came {heard} instead of one message")
                await clients.soon(link.close())

    async def test_cancelled_connect(self) -> None:
        """Cancel connect() in every state that it has; the next one works."""
        async with self._clients() as clients:
            broker = clients.broker()
            too_late = [await _cancelled(broker.connect(), turns) for turns in _TURNS]
            for connected in filter(None, too_late):
                await clients.soon(connected.close())
            link = await clients.link(broker=broker)
            must(await usable_or_broken(clients, link, broker), "a new link is broken")

    async def test_closing_a_link_twice_and_while_it_is_used(self) -> None:
        """Close a link while receive() waits: close() returns, and so does receive() when it is cancelled."""
        async with self._clients() as clients:
            link = await clients.link(channel())
            receiving = asyncio.ensure_future(link.receive())
            await asyncio.sleep(0)
            await clients.soon(link.close())
            await clients.soon(link.close())
            _ = await _cancelled(receiving, 1)

    async def test_links_end_alone(self) -> None:
        """Close one of two links of a broker: the other hears on."""
        name = channel()
        async with self._clients() as clients:
            broker = clients.broker()
            leaving, staying = await clients.link(name, broker=broker), await clients.link(name, broker=broker)
            await clients.soon(leaving.close())
            await clients.soon(broker.apublish([(name, b"1")]))
            must(await take(staying, 1, self.seconds) == [(name, b"1")], "another message came")

    async def test_a_closed_broker_publishes_again(self) -> None:
        """Close a broker that has published; it opens again what it needs."""
        name = channel()
        async with self._clients() as clients:
            broker = clients.broker()
            await clients.in_thread(lambda: broker.publish([(name, b"to nobody")]))
            broker.close()
            ear = await clients.link(name, broker=broker)
            await clients.in_thread(lambda: broker.publish([(name, b"1")]))
            must(await take(ear, 1, self.seconds) == [(name, b"1")], "another message came")

    async def test_nothing_is_left_behind(self) -> None:
        """Use a broker in an event loop of its own: no task, thread, socket or ResourceWarning stays."""

        async def life() -> "list[str]":
            async with self._clients() as clients:
                broker = clients.broker()
                name = channel()
                link = await clients.link(name, broker=broker)
                await clients.soon(link.publish([(name, b"1")]))
                await clients.soon(broker.apublish([(name, b"2")]))
                await clients.in_thread(lambda: broker.publish([(name, b"3")]))
                _ = await take(link, 3, self.seconds)
                unsubscribed = await clients.link(broker=broker)
                await clients.soon(unsubscribed.close())
            return [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]

        # What libraries make once for the whole process is there after the first time.
        _ = in_own_loop(life)
        gc.collect()
        threads, sockets = set(threading.enumerate()), _sockets()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            tasks = in_own_loop(life)
            gc.collect()
        must(not tasks, f"tasks are left: {tasks}")
        left = [thread for thread in threading.enumerate() if thread not in threads]
        must(not left, f"threads are left: {left}")
        resources = [str(one.message) for one in warned if issubclass(one.category, ResourceWarning)]
        must(not resources, f"ResourceWarning: {resources}")
        must(_sockets() <= sockets, f"sockets are left: {_sockets() - sockets}")

    async def test_a_slow_listener_holds_up_nobody(self) -> None:
        """Listen twice: who takes nothing overflows, the other gets everything."""
        total, bound = 2000, 10
        with self._configured():
            topic = conformance_topic()
            try:
                async with (
                    asyncio.timeout(4 * self.seconds),
                    topic.listen(max_pending=bound) as slow,
                    topic.listen(max_pending=total) as quick,
                ):
                    async with asyncio.TaskGroup() as group:
                        publishing = group.create_task(_publish_numbers(topic, total))
                        for number in range(total):
                            event = await anext(quick)
                            must(event == str(number), f"event {event} came in place {number}")
                        await publishing
                    for number in range(bound):
                        event = await anext(slow)
                        must(event == str(number), f"the slow listener has event {event} in place {number}")
                    event = ""
                    with contextlib.suppress(TopicOverflowError):
                        event = await anext(slow)
                    must(not event, f"the slow listener has event {event!r} instead of a TopicOverflowError")
            finally:
                await self._end_session()


def conformance_topic() -> Topic[str]:
    """Make a topic with a channel that nobody else uses, of a class that goes when it does."""

    class Conformance(Topic[str]):
        pattern = "conformance.topic.{key}"
        key: str

    return Conformance(key=channel())


async def _publish_numbers(topic: Topic[str], total: int) -> None:
    for number in range(total):
        await topic.apublish(str(number))


async def _cancelled(call: "Awaitable[T]", turns: int) -> "T | None":
    """Give a call so many turns of the event loop, then cancel it; give what it gives if it has ended before."""
    task = asyncio.ensure_future(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, BrokerError):
        return await task
    return None


def _sockets() -> set[str]:
    """Give the open sockets of this process, where the system tells them."""
    found: set[str] = set()
    for entry in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # it was that of the listing itself
            target = str(entry.readlink())
            if target.startswith("socket:"):
                found.add(target)
    return found
