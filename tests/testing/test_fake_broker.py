"""testing/fake_broker.py"""

import asyncio

import pytest

from django_ws import BrokerError, PayloadTooBigError
from django_ws.testing import FakeBroker, FakeLink


async def test_a_link_gets_what_it_has_subscribed_to() -> None:
    broker = FakeBroker()
    one, other = await broker.connect(), await broker.connect()
    await one.subscribe(["b", "a"])
    await other.subscribe(["c"])
    broker.publish([("a", b"1"), ("c", b"2")])
    await broker.apublish([("b", b"3")])
    await other.publish([("a", b"4")])
    assert await one.receive() == [("a", b"1"), ("b", b"3"), ("a", b"4")]
    assert await other.receive() == [("c", b"2")]
    assert [payload for _, payload in broker.published] == [b"1", b"2", b"3", b"4"]
    await one.unsubscribe(["a"])
    assert one.channels == {"b"}
    assert one.commands == [("subscribe", ["a", "b"]), ("unsubscribe", ["a"])]


async def test_receive_waits() -> None:
    link = await FakeBroker().connect()
    waiting = asyncio.create_task(link.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    link.put([])  # is nothing
    await asyncio.sleep(0)
    assert not waiting.done()
    link.put([("a", b"1")])
    assert await waiting == [("a", b"1")]


def test_it_keeps_what_it_is_made_with() -> None:
    broker = FakeBroker("somewhere", {"PREFIX": "x"}, max_payload=2)
    assert (broker.location, broker.options, broker.max_payload) == ("somewhere", {"PREFIX": "x"}, 2)
    assert (FakeBroker().options, FakeBroker().max_payload) == ({}, None)
    assert not broker.is_closed
    broker.close()
    assert broker.is_closed


def test_a_payload_may_be_too_big() -> None:
    broker = FakeBroker(max_payload=2)
    broker.publish([("a", b"12")])
    with pytest.raises(PayloadTooBigError, match="3 bytes, more than 2"):
        broker.publish([("a", b"123")])
    assert broker.published == [("a", b"12")]


async def test_it_goes_down_and_comes_back() -> None:
    broker = FakeBroker()
    link = await broker.connect()
    waiting = asyncio.create_task(link.receive())
    await asyncio.sleep(0)
    broker.go_down()
    with pytest.raises(BrokerError, match="link is broken"):
        await waiting
    for call in (link.subscribe(["a"]), link.unsubscribe(["a"]), link.publish([("a", b"1")])):
        with pytest.raises(BrokerError, match="link is broken"):
            await call
    with pytest.raises(BrokerError, match="broker is down"):
        await broker.connect()
    with pytest.raises(BrokerError, match="broker is down"):
        await broker.apublish([])
    broker.come_back()
    assert isinstance(await broker.connect(), FakeLink)


async def test_a_link_that_is_closed_gets_nothing_more() -> None:
    broker = FakeBroker()
    link = await broker.connect()
    await link.close()
    await link.close()
    assert broker.links == []


async def test_a_closed_gate_holds_up_what_is_subscribed_to() -> None:
    link = await FakeBroker().connect()
    link.gate.clear()
    waiting = asyncio.create_task(link.subscribe(["a"]))
    await asyncio.sleep(0)
    assert link.commands == [("subscribe", ["a"])]
    assert link.channels == set()
    link.gate.set()
    await waiting
    assert link.channels == {"a"}


async def test_who_waits_at_the_gate_hears_that_the_link_breaks() -> None:
    link = await FakeBroker().connect()
    link.gate.clear()
    waiting = asyncio.create_task(link.subscribe(["a"]))
    await asyncio.sleep(0)
    link.fail()
    with pytest.raises(BrokerError):
        await waiting
