"""topics/engines/memory.py: everything an engine must do, within one process."""

import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured
from typing_extensions import override

from django_ws.interfaces import Broker
from django_ws.testing.brokers import BrokerConformance
from django_ws.topics.engines.memory import MemoryBroker, MemoryLink


class TestConformance(BrokerConformance):
    backend = "django_ws.topics.engines.memory.MemoryBroker"
    processes = False

    @pytest.fixture(autouse=True)
    def one_broker(self) -> None:
        self.broker = MemoryBroker("", {})

    @override
    def make_broker(self) -> Broker:
        return self.broker


def test_there_are_no_options() -> None:
    assert MemoryBroker("anything", {}).max_payload is None
    with pytest.raises(ImproperlyConfigured, match="OPTIONS has 'SIZE'"):
        MemoryBroker("", {"SIZE": 1})


async def test_batches_have_a_bound() -> None:
    broker = MemoryBroker("", {})
    link = await broker.connect()
    await link.subscribe(["c"])
    broker.publish([("c", b"")] * 150)
    assert [len(await link.receive()) for _ in range(2)] == [100, 50]
    await link.close()


def linked_to(broker: MemoryBroker) -> MemoryLink:
    """Give a link of an event loop that has ended without closing it."""

    async def link() -> MemoryLink:
        link = await broker.connect()
        await link.subscribe(["c"])
        return link

    return asyncio.run(link())


def test_links_of_event_loops_that_have_ended_are_forgotten() -> None:
    broker = MemoryBroker("", {})
    link = linked_to(broker)
    assert not link.is_alive
    broker.publish([("other", b"")])
    assert not broker._links
    link = linked_to(broker)
    broker.publish([("c", b"")])
    assert not broker._links


async def test_a_message_that_comes_while_nobody_waits_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    link = await MemoryBroker("", {}).connect()

    class Woken(asyncio.Event):
        @override
        def clear(self) -> None:
            super().clear()
            link._messages.append(("c", b"from another thread, in this moment"))

    monkeypatch.setattr(link, "_wake", Woken())
    assert len(await link.receive()) == 1


async def test_closing_forgets_the_links() -> None:
    broker = MemoryBroker("", {})
    link = await broker.connect()
    await link.subscribe(["c"])
    broker.close()
    await broker.apublish([("c", b"1")])
    assert not link._messages
    await link.close()
