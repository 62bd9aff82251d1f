"""The engine goes away and comes back: whoever uses it is told in bounded time, and then everything works again."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from django_ws.exceptions import BrokerError, TopicGapError
from django_ws.testing.brokers.base import ConformanceBase, channel, must, take, take_until
from django_ws.testing.brokers.endings import conformance_topic

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["OutageConformance"]


class OutageConformance(ConformanceBase):
    """Tests that kill the engine."""

    async def test_the_engine_is_killed_and_comes_back(self) -> None:
        """Kill it under links that wait: they break, nobody gets in, and after the start all is as before."""
        self._needs_outages()
        name = channel()
        async with self._clients() as clients:
            broker = clients.broker()
            waiting, idle = await clients.link(name, broker=broker), await clients.link(broker=broker)
            # Every way has been used: what it keeps open is broken by what comes now.
            await clients.in_thread(lambda: broker.publish([(name, b"1")]))
            await clients.soon(broker.apublish([(name, b"2")]))
            await clients.soon(idle.publish([(name, b"3")]))
            _ = await take(waiting, 3, self.seconds)
            receiving = asyncio.ensure_future(waiting.receive())
            await asyncio.sleep(0)
            await clients.in_thread(self.kill)
            try:
                await self._must_break("receive()", receiving)
                await self._must_break("receive() again", waiting.receive())
                await self._must_break("subscribe()", idle.subscribe([channel()]))
                await self._must_break("publish() of a link", idle.publish([(name, b"lost")]))
                await self._must_break("connect()", broker.connect())
                await self._must_break("apublish()", broker.apublish([(name, b"lost")]))
                await self._must_break("publish()", asyncio.to_thread(broker.publish, [(name, b"lost")]))
                await self._must_break("publish() of a new broker", asyncio.to_thread(self._publish_anew, name))
                await clients.soon(waiting.close())
                await clients.soon(idle.close())
            finally:
                await clients.in_thread(self.start)
            link = await clients.link(name, broker=broker)
            await clients.in_thread(lambda: broker.publish([(name, b"4")]))
            await clients.soon(broker.apublish([(name, b"5")]))
            await clients.soon(link.publish([(name, b"6")]))
            heard = await take_until(link, (name, b"6"), self.seconds)
            must(heard == [(name, b"4"), (name, b"5")], f"after the outage there came {heard}")

    async def test_listeners_are_told_of_the_gap(self) -> None:
        """Kill it under listeners: each gets a TopicGapError, then every later event."""
        self._needs_outages()
        with self._configured():
            topic = conformance_topic()
            try:
                async with asyncio.timeout(4 * self.seconds), topic.listen() as one, topic.listen() as another:
                    await topic.apublish("before")
                    for events in (one, another):
                        must(await anext(events) == "before", "another event came")
                    await asyncio.to_thread(self.kill)
                    try:
                        # The link may not know yet, so that this is lost, or be gone: that is an error of its own.
                        _ = await self._error_of(topic.apublish("lost"))
                    finally:
                        await asyncio.to_thread(self.start)
                    for events in (one, another):
                        event = ""
                        with contextlib.suppress(TopicGapError):
                            event = await anext(events)
                        must(not event, f"the event {event!r} came, and no word of a gap")
                    await topic.apublish("after")
                    await asyncio.to_thread(topic.publish, "and after")
                    for events in (one, another):
                        heard = [await anext(events), await anext(events)]
                        must(heard == ["after", "and after"], f"after the gap there came {heard}")
            finally:
                await self._end_session()

    def _publish_anew(self, name: str) -> None:
        broker = self.make_broker()
        try:
            broker.publish([(name, b"lost")])
        finally:
            broker.close()

    async def _must_break(self, what: str, call: "Awaitable[object]") -> None:
        error = await self._error_of(call)
        must(isinstance(error, BrokerError), f"{what} gives {error!r} and no BrokerError though the engine is away")
        must(str(error), f"the BrokerError of {what} has no message")

    async def _error_of(self, call: "Awaitable[object]") -> "BaseException | None":
        async def run() -> None:
            async with asyncio.timeout(self.seconds):
                await call

        (outcome,) = await asyncio.gather(run(), return_exceptions=True)
        return outcome
