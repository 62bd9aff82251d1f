"""What is published arrives: in order, once, unchanged, everywhere where it was subscribed to and nowhere else."""

import asyncio
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from django_ws.exceptions import PayloadTooBigError
from django_ws.testing.brokers.base import (
    ConformanceBase,
    channel,
    in_own_loop,
    must,
    payloads_of,
    take,
    take_until,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_ws.interfaces import Broker, ChannelMessage, Link
    from django_ws.testing.brokers.base import Clients

__all__ = ["DeliveryConformance"]

_MEBIBYTE = 1024 * 1024
_LARGEST_TRIED = 16 * _MEBIBYTE
"""Bytes; a bound of payloads over that is not tried out."""


class DeliveryConformance(ConformanceBase):
    """Tests of what arrives."""

    async def test_one_publisher_by_every_way_is_heard_in_order(self) -> None:
        """Publish by turns from a thread, over a link, and from an event loop without one."""
        name = channel()
        async with self._clients() as clients:
            ear = await clients.link(name)
            broker = clients.broker()
            link = await clients.link(broker=broker)
            sent: list[ChannelMessage] = []
            for turn in range(0, 120, 4):
                four = [(name, f"{number}".encode()) for number in range(turn, turn + 4)]
                await clients.in_thread(partial(broker.publish, four[:1]))
                await clients.soon(link.publish(four[1:3]))
                await clients.soon(broker.apublish(four[3:]))
                sent += four
            _same(await take(ear, len(sent), self.seconds), sent)

    async def test_nothing_is_lost_and_each_publisher_is_heard_in_its_order(self) -> None:
        """Publish a lot, from tasks that share a link and from threads, to several channels; two links hear it."""
        names = [channel() for _ in range(5)]
        async with self._clients() as clients:
            ears = [await clients.link(*names) for _ in range(2)]
            broker = clients.broker()
            mouth = await clients.link(broker=broker)
            publishers = [_messages_of(number, names, self.messages) for number in range(6)]
            async with asyncio.TaskGroup() as group:
                heard = [group.create_task(take(ear, 6 * self.messages, self.seconds)) for ear in ears]
                for batches in publishers[:3]:
                    group.create_task(_publish_by_link(mouth, batches))
                for batches in publishers[3:]:
                    group.create_task(asyncio.to_thread(_publish_by_thread, broker, batches))
            for task in heard:
                by_publisher: dict[bytes, list[ChannelMessage]] = defaultdict(list)
                for message in task.result():
                    by_publisher[message[1].split(b" ")[0]].append(message)
                for number, batches in enumerate(publishers):
                    _same(by_publisher[b"%d" % number], [message for batch in batches for message in batch])

    async def test_every_link_that_subscribed_hears_and_no_other(self) -> None:
        """Publish to two channels: of three links each hears what it has subscribed to, two of them of one broker."""
        first, second, end = channel(), channel(), channel()
        async with self._clients() as clients:
            broker = clients.broker()
            one = await clients.link(first, end, broker=broker)
            both = await clients.link(first, second, end, broker=broker)
            other = await clients.link(second, end)
            sent = [(first, b"1"), (second, b"2"), (first, b"3"), (end, b"end")]
            await clients.in_thread(partial(clients.broker().publish, sent))
            for link, expected in ((one, [b"1", b"3"]), (both, [b"1", b"2", b"3"]), (other, [b"2"])):
                heard = payloads_of(await take_until(link, sent[-1], self.seconds))
                must(heard == expected, f"a link has heard {heard} instead of {expected}")

    async def test_a_publisher_hears_itself(self) -> None:
        """Publish over the link that has subscribed."""
        name = channel()
        async with self._clients() as clients:
            link = await clients.link(name)
            await clients.soon(link.publish([(name, b"own")]))
            _same(await take(link, 1, self.seconds), [(name, b"own")])

    async def test_once_subscribed_nothing_passes_by(self) -> None:
        """Publish from another client in the moment in which subscribe() returns, many times."""
        async with self._clients() as clients:
            ear = await clients.link()
            broker = clients.broker()
            mouth = await clients.link(broker=broker)
            for turn in range(50):
                name = channel()
                await clients.soon(ear.subscribe([name]))
                if turn % 5:
                    await clients.soon(mouth.publish([(name, b"now")]))
                else:
                    await clients.in_thread(partial(broker.publish, [(name, b"now")]))
                _same(await take(ear, 1, self.seconds), [(name, b"now")])

    async def test_subscribing_while_messages_come(self) -> None:
        """Subscribe to more and more while one channel is busy: it loses nothing, and the others hear."""
        busy, end = channel(), channel()
        async with self._clients() as clients:
            ear = await clients.link(busy)
            mouth = await clients.link()
            expected = [(busy, f"{number}".encode()) for number in range(500)]
            async with asyncio.TaskGroup() as group:
                heard = group.create_task(take_until(ear, (end, b"end"), self.seconds))
                publishing = group.create_task(_publish_by_link(mouth, [[message] for message in expected]))
                for turn in range(20):
                    await clients.soon(ear.subscribe([channel(), end] if turn else [channel()]))
                await publishing
                await clients.soon(mouth.publish([(end, b"end")]))
            _same(heard.result(), expected)

    async def test_after_unsubscribing_there_is_silence(self) -> None:
        """Unsubscribe from one of two channels, and subscribe again."""
        name, end = channel(), channel()
        async with self._clients() as clients:
            ear = await clients.link(name, end)
            mouth = await clients.link()
            await clients.soon(ear.unsubscribe([name]))
            # Whether the engine has taken note is to be seen only by asking it for something else.
            await clients.soon(ear.subscribe([channel()]))
            await clients.soon(mouth.publish([(name, b"to nobody"), (end, b"1")]))
            _same(await take_until(ear, (end, b"1"), self.seconds), [])
            await clients.soon(ear.subscribe([name]))
            await clients.soon(mouth.publish([(name, b"again"), (end, b"2")]))
            _same(await take_until(ear, (end, b"2"), self.seconds), [(name, b"again")])

    async def test_every_byte_and_no_byte(self) -> None:
        """Publish every byte, what looks like the end of a line or a string, nothing, and not UTF-8."""
        name = channel()
        payloads = [
            bytes(range(256)),
            bytes(reversed(range(256))),
            b"\r\n",
            b"\0" * 9,
            b"'\\x27\\000;",
            b"\xff",
            b"",
            b".",
        ]
        async with self._clients() as clients:
            ear = await clients.link(name)
            broker = clients.broker()
            sent = [(name, payload) for payload in payloads]
            await clients.in_thread(partial(broker.publish, sent))
            await clients.soon((await clients.link()).publish(sent))
            _same(await take(ear, 2 * len(sent), self.seconds), sent * 2)

    async def test_names_of_channels(self) -> None:
        """Use every letter that a channel's name may have, and as many as it may have."""
        start = channel(".")
        names = [
            start + "room.%C3%A9%20%2E%.%.x_~-",
            start + "A",
            start + "a",
            start + "a.b",
            start + "_-~09AZaz",
            (start + "%F0%9F%98%80" * 17)[:200],
            start.ljust(200, "x"),
            start.ljust(199, "x") + "y",
        ]
        async with self._clients() as clients:
            ear = await clients.link(*names)
            sent = [(name, f"{number}".encode()) for number, name in enumerate(names)]
            await clients.soon((await clients.link()).publish(sent))
            _same(await take(ear, len(sent), self.seconds), sent)

    async def test_a_mebibyte_or_a_clear_error(self) -> None:
        """Publish a payload of 1 MiB; where that is too big, nothing of its batch arrives."""
        name = channel()
        async with self._clients() as clients:
            ear = await clients.link(name)
            broker = clients.broker()
            bound = broker.max_payload
            at_bound = [] if bound is None or bound > _LARGEST_TRIED else [bound, bound + 1]
            for size in (_MEBIBYTE, *at_bound):
                await self._try_payload(clients, broker, (name, ear), size)

    async def _try_payload(self, clients: "Clients", broker: "Broker", heard: "tuple[str, Link]", size: int) -> None:
        name, ear = heard
        link = await clients.link(broker=broker)
        big = (bytes(range(251)) * (size // 251 + 1))[:size]
        batch = [(name, b"before"), (name, big), (name, b"after")]
        fits = broker.max_payload is None or size <= broker.max_payload
        refused = 0
        try:
            await clients.in_thread(partial(broker.publish, batch))
        except PayloadTooBigError:
            refused += 1
        for publish in (link.publish, broker.apublish):
            try:
                await clients.soon(publish(batch))
            except PayloadTooBigError:
                refused += 1
        must(
            refused == (0 if fits else 3),
            f"{refused} of 3 ways refuse {size} bytes; max_payload is {broker.max_payload}",
        )
        await clients.soon(link.publish([(name, b"end")]))
        _same(await take_until(ear, (name, b"end"), self.seconds), batch * (3 - refused))

    async def test_many_threads_publish_by_one_broker(self) -> None:
        """Publish from 20 threads at once."""
        name = channel()
        async with self._clients() as clients:
            ear = await clients.link(name)
            broker = clients.broker()
            publishers = [_messages_of(number, [name], 50) for number in range(20)]
            async with asyncio.TaskGroup() as group:
                heard = group.create_task(take(ear, 20 * 50, self.seconds))
                for batches in publishers:
                    group.create_task(asyncio.to_thread(_publish_by_thread, broker, batches))
            for number, batches in enumerate(publishers):
                own = [one for one in heard.result() if one[1].startswith(b"%d " % number)]
                _same(own, [message for batch in batches for message in batch])

    async def test_event_loops_of_several_threads_share_a_broker(self) -> None:
        """Connect and publish in another event loop, by the same broker."""
        name = channel()
        async with self._clients() as clients:
            broker = clients.broker()
            ear = await clients.link(name, broker=broker)

            async def elsewhere() -> "Sequence[ChannelMessage]":
                link = await broker.connect()
                try:
                    await link.subscribe([name])
                    await link.publish([(name, b"from the link")])
                    await broker.apublish([(name, b"without it")])
                    return await take(link, 2, self.seconds)
                finally:
                    await link.close()

            sent = [(name, b"from the link"), (name, b"without it")]
            _same(await clients.in_thread(partial(in_own_loop, elsewhere)), sent)
            _same(await take(ear, 2, self.seconds), sent)

    async def test_many_channels(self) -> None:
        """Subscribe to 10,000 channels at once, hear of each, and unsubscribe from all but one."""
        names = [channel() for _ in range(self.channels)]
        async with self._clients() as clients:
            ear = await clients.link(*names)
            mouth = await clients.link()
            sent = [(name, name.encode()) for name in names]
            async with asyncio.TaskGroup() as group:
                heard = group.create_task(take(ear, len(sent), self.seconds))
                await _publish_by_link(mouth, [sent[start : start + 500] for start in range(0, len(sent), 500)])
            _same(heard.result(), sent)
            await clients.soon(ear.unsubscribe(names[1:]))
            await clients.soon(ear.subscribe([channel()]))
            await clients.soon(mouth.publish([sent[-1], sent[1], sent[0]]))
            _same(await take_until(ear, sent[0], self.seconds), [])


def _messages_of(publisher: int, names: "Sequence[str]", number: int) -> "list[list[ChannelMessage]]":
    """Make the messages of one publisher, in batches of one, two and three."""
    messages = [(names[turn % len(names)], b"%d %d" % (publisher, turn)) for turn in range(number)]
    batches: list[list[ChannelMessage]] = []
    while messages:
        size = len(batches) % 3 + 1
        batches.append(messages[:size])
        messages = messages[size:]
    return batches


async def _publish_by_link(link: "Link", batches: "Sequence[Sequence[ChannelMessage]]") -> None:
    for batch in batches:
        await link.publish(batch)


def _publish_by_thread(broker: "Broker", batches: "Sequence[Sequence[ChannelMessage]]") -> None:
    for batch in batches:
        broker.publish(batch)


def _same(heard: "Sequence[ChannelMessage]", sent: "Sequence[ChannelMessage]") -> None:
    """Hold what was heard to what was sent; say where they part."""
    for place, (one, another) in enumerate(zip(heard, sent, strict=False)):
        must(one == another, f"in place {place} there came {one!r:.200} instead of {another!r:.200}")
    must(len(heard) == len(sent), f"{len(heard)} messages came instead of {len(sent)}")
