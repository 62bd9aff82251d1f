"""Events as an async iterator: none missing without a word."""

import asyncio

import pytest

from django_ws.exceptions import TopicGapError, TopicOverflowError
from django_ws.testing import FakeBroker
from django_ws.topics.hub import hub_of
from topics.support import News, Room


async def test_it_gives_the_events_in_order(broker: FakeBroker) -> None:
    room = Room(room_id=3)
    async with room.listen() as events:
        for number in range(5):
            await room.apublish(str(number))
        assert [await anext(events) for _ in range(5)] == ["0", "1", "2", "3", "4"]


async def test_it_waits_for_the_next_one(broker: FakeBroker) -> None:
    room = Room(room_id=3)
    async with room.listen() as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await room.apublish("x")
        assert await asyncio.wait_for(waiting, 5) == "x"
        await room.apublish("y")
        async for event in events:
            assert event == "y"
            break


async def test_leaving_the_block_leaves_the_topic(broker: FakeBroker) -> None:
    async with News().listen() as events:
        assert len(hub_of("default")) == 1
    assert len(hub_of("default")) == 0
    with pytest.raises(RuntimeError, match="within «async with"):
        await anext(events)
    await events.__aexit__(None, None, None)


async def test_leaving_the_block_lets_go_who_waits_in_another_task(broker: FakeBroker) -> None:
    async with Room(room_id=3).listen() as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="within «async with"):
        await asyncio.wait_for(waiting, 5)


async def test_more_than_may_wait_is_told_in_its_place(broker: FakeBroker) -> None:
    room = Room(room_id=3)
    async with room.listen(max_pending=2) as events, room.listen() as other:
        for number in range(5):
            await room.apublish(str(number))
        for _ in range(5):
            await anext(other)
        assert [await anext(events), await anext(events)] == ["0", "1"]
        with pytest.raises(TopicOverflowError) as caught:
            await anext(events)
        assert str(caught.value) == "more than 2 events of Room(room_id=3) wait"
        await room.apublish("later")
        assert await anext(events) == "later"


async def test_a_gap_is_told_in_its_place(broker: FakeBroker) -> None:
    room = Room(room_id=3)
    async with room.listen() as events:
        await room.apublish("before")
        assert await anext(events) == "before"
        broker.links[0].fail()
        with pytest.raises(TopicGapError) as caught:
            await anext(events)
        assert str(caught.value) == "events of Room(room_id=3) may have been lost"
        await room.apublish("after")
        assert await anext(events) == "after"


async def test_a_wait_that_is_cancelled_takes_no_event_with_it(broker: FakeBroker) -> None:
    room = Room(room_id=3)
    async with room.listen() as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await room.apublish("x")
        assert await anext(events) == "x"


async def test_one_listener_is_for_one_task(broker: FakeBroker) -> None:
    async with Room(room_id=3).listen() as events:
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="two tasks take events from one listener"):
            await anext(events)
        first.cancel()


def test_it_must_have_room() -> None:
    with pytest.raises(ValueError, match="max_pending is 0, but must be over 0"):
        Room(room_id=3).listen(max_pending=0)
