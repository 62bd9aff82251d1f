"""authorization/control.py"""

import asyncio
import json

import pytest
from django.test import override_settings

from authorization.support import Open, fake_broker, in_thread, order
from django_ws.authorization import control
from django_ws.authorization.control import (
    Control,
    apublish_order,
    make_order,
    publish_order,
    publish_robustly,
    reaches_others,
    read_order,
    write_order,
)
from django_ws.exceptions import BrokerError
from django_ws.handler.orders import Order
from django_ws.handler.runtime import Runtime, runtime
from django_ws.topics.delivery import pack
from handler.support import messages


def test_others_are_reached_by_an_engine_of_more_than_one_process() -> None:
    assert not reaches_others()
    with override_settings(WS_BROKERS={"other": {"BACKEND": "a.B"}}):
        assert not reaches_others()
    with override_settings(WS_BROKERS={"default": {"BACKEND": "a.B"}}):
        assert reaches_others()


def test_each_order_has_an_id_of_its_own() -> None:
    one, other = (make_order("7", None, 4401, "banned") for _ in range(2))
    assert one[1:] == other[1:] == ("7", None, 4401, "banned")
    assert one.id != other.id


@pytest.mark.parametrize("given", [order(), order(None, "digest"), order("7", "digest"), order("ünï")])
def test_an_order_is_read_as_it_was_written(given: Order) -> None:
    assert read_order(write_order(given)) == given
    later = json.dumps({**json.loads(write_order(given)), "of a later version": True})
    assert read_order(later) == given


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", json.dumps({**order()._asdict(), "user": 7}), '{"id": "1", "user": "7"}']
)
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_order(text)


async def test_an_order_is_carried_out_here_without_an_engine() -> None:
    async with Open(7) as alice, Open(8) as bob:
        await in_thread(lambda: publish_order(order()))
        await alice.task
        assert (alice.code, bob.code) == (4401, None)
        await apublish_order(order("8", id_="2"))
        await bob.task
        assert bob.code == 4401


async def test_an_order_is_published_for_the_others() -> None:
    with fake_broker() as broker:
        await in_thread(lambda: publish_order(order()))
        await apublish_order(order(id_="2"))
        expected = [(Control().channel, pack(write_order(order(id_=id_)))) for id_ in "12"]
        assert broker.published == expected


async def test_an_engine_that_is_away_keeps_no_order_from_this_process(caplog: pytest.LogCaptureFixture) -> None:
    with fake_broker() as broker:
        broker.go_down()
        async with Open(7) as alice, Open(8) as bob, Open(9) as carol:
            with pytest.raises(BrokerError):
                await in_thread(lambda: publish_order(order()))
            with pytest.raises(BrokerError):
                await apublish_order(order("8", id_="2"))
            await in_thread(lambda: publish_robustly(order("9", id_="3")))
            for each in (alice, bob, carol):
                await each.task
                assert each.code == 4401
    assert messages(caplog) == ["The sockets of other processes could not be told to close (order 3)"]


async def here() -> Runtime:
    return runtime()


def test_every_event_loop_of_the_process_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[object, Order]] = []
    monkeypatch.setattr(Runtime, "obey", lambda self, given: heard.append((self, given)))
    loops = [asyncio.new_event_loop() for _ in range(2)]
    expected = [(loop.run_until_complete(here()), order()) for loop in loops]
    publish_order(order())
    for loop in loops:
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    assert heard == expected


def test_an_event_loop_that_ends_meanwhile_hears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.new_event_loop()
    other = loop.run_until_complete(here())
    loop.close()
    monkeypatch.setattr(control, "runtimes", lambda: [other])
    publish_order(order())
    assert other.orders is None
