"""testing/brokers/base.py: what the parts of the suite share."""

import asyncio
from collections.abc import AsyncIterator
from unittest import SkipTest

import pytest
from typing_extensions import override

from django_ws.exceptions import BrokerError
from django_ws.testing.brokers.base import (
    Clients,
    ConformanceBase,
    channel,
    in_own_loop,
    must,
    payloads_of,
    take,
    take_until,
    usable_or_broken,
)
from django_ws.topics import brokers
from testing.brokers_support import BACKEND, StandInBroker, StandInLink


class Suite(ConformanceBase):
    backend = BACKEND
    location = "there"
    processes = False


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    async with Suite()._clients() as clients:
        yield clients


def test_a_broker_is_made_as_it_is_configured() -> None:
    assert isinstance(Suite().make_broker(), StandInBroker)
    with Suite()._configured():
        assert isinstance(brokers["default"], StandInBroker)


def test_what_an_engine_does_not_have_is_skipped() -> None:
    with pytest.raises(SkipTest, match="kill"):
        Suite()._needs_outages()
    with pytest.raises(SkipTest, match="other processes"):
        Suite()._needs_processes()
    for hook in (Suite().kill, Suite().start):
        with pytest.raises(NotImplementedError):
            hook()


def test_what_an_engine_has_is_not_skipped() -> None:
    class Whole(ConformanceBase):
        backend = BACKEND

        @override
        def kill(self) -> None:
            """It can be."""

    Whole()._needs_outages()
    Whole()._needs_processes()


async def test_the_session_is_ended() -> None:
    with Suite()._configured():
        task = asyncio.create_task(asyncio.Event().wait(), name="django_ws broker default")
        await asyncio.sleep(0)
        await Suite()._end_session()
        assert task.cancelled()


async def test_links_are_closed_at_the_end() -> None:
    async with Suite()._clients() as clients:
        broker = clients.broker()
        await clients.link(channel(), broker=broker)
        await clients.link()
        assert await clients.in_thread(lambda: 3) == 3
        assert len(StandInBroker.links) == 2
    assert not StandInBroker.links


async def test_nothing_lasts_for_ever() -> None:
    clients = Clients(lambda: StandInBroker("", {}), 0.001)
    with pytest.raises(TimeoutError):
        await clients.soon(asyncio.Event().wait())


def test_must() -> None:
    must(True, "no")
    with pytest.raises(AssertionError, match="no"):
        must([], "no")


async def test_take(clients: Clients) -> None:
    name, broker = channel(), clients.broker()
    link = await clients.link(name)
    broker.publish([(name, b"1"), (name, b"2")])
    assert payloads_of(await take(link, 2)) == [b"1", b"2"]
    with pytest.raises(AssertionError, match=r"0 of 1 messages came, and no other in 0\.001 s"):
        await take(link, 1, 0.001)
    broker.publish([(name, b"3"), (name, b"4")])
    with pytest.raises(AssertionError, match="2 messages came instead of 1"):
        await take(link, 1)


async def test_take_until(clients: Clients) -> None:
    name, broker = channel(), clients.broker()
    link = await clients.link(name)
    broker.publish([(name, b"1"), (name, b"end")])
    assert await take_until(link, (name, b"end")) == [(name, b"1")]
    broker.publish([(name, b"end"), (name, b"late")])
    with pytest.raises(AssertionError, match="after the last message there came"):
        await take_until(link, (name, b"end"))


async def test_a_link_is_of_use_or_broken(clients: Clients) -> None:
    broker = clients.broker()
    link = await clients.link(broker=broker)
    assert await usable_or_broken(clients, link, broker)
    assert isinstance(link, StandInLink)
    link.broken.set()
    assert not await usable_or_broken(clients, link, broker)


def test_an_event_loop_of_its_own() -> None:
    async def gives() -> int:
        return 3

    async def raises() -> int:
        raise BrokerError("no")

    assert in_own_loop(gives) == 3
    with pytest.raises(BrokerError, match="no"):
        in_own_loop(raises)
