"""Who hears of what: joining, leaving, and one member's faults, which are its own."""

import asyncio
import gc
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_ws.exceptions import BrokerError
from django_ws.interfaces import Member
from django_ws.testing import FakeBroker, FakeMember
from django_ws.topics import Topic, brokers
from django_ws.topics import hub as hub_module
from django_ws.topics.channel import Channel
from django_ws.topics.hub import Hub, hub_of
from topics.support import Feed, News, Room, fake_broker


async def joined(topic: Topic[Any], member: Member | None = None) -> tuple[Channel, FakeMember]:
    told = FakeMember()
    return await hub_of("default").join(topic, member or told), told


async def test_a_member_hears_of_what_is_published_from_its_joining_on(broker: FakeBroker) -> None:
    broker.publish([("room.3", b"Tbefore")])
    _, member = await joined(Room(room_id=3))
    await Room(room_id=3).apublish("one")
    await Room(room_id=4).apublish("elsewhere")
    await Room(room_id=3).apublish("two")
    await member.wait(2)
    assert member.events == ["one", "two"]


async def test_members_of_one_topic_share_a_subscription_and_a_delivery(broker: FakeBroker) -> None:
    _, first = await joined(Room(room_id=3))
    _, second = await joined(Room(room_id=3))
    await Room(room_id=3).apublish("x")
    await second.wait(1)
    assert broker.links[0].commands == [("subscribe", ["room.3"])]
    assert first.deliveries[0] is second.deliveries[0]


async def test_who_joins_twice_hears_once(broker: FakeBroker) -> None:
    channel, member = await joined(Room(room_id=3))
    await joined(Room(room_id=3), member)
    assert len(channel) == 1
    await Room(room_id=3).apublish("x")
    await member.wait(1)
    assert member.events == ["x"]


async def test_who_has_left_hears_nothing_and_leaving_twice_is_nothing(broker: FakeBroker) -> None:
    channel, member = await joined(Room(room_id=3))
    _, other = await joined(Room(room_id=3))
    channel.leave(member)
    channel.leave(member)
    await Room(room_id=3).apublish("x")
    await other.wait(1)
    assert member.events == []


async def test_the_last_to_leave_ends_the_subscription(broker: FakeBroker) -> None:
    channel, member = await joined(Room(room_id=3))
    _, other = await joined(Feed(name="x"))
    channel.leave(member)
    await Feed(name="x").apublish(b"y")
    await other.wait(1)
    assert broker.links[0].commands[-1] == ("unsubscribe", ["room.3"])
    assert broker.links[0].channels == {"feed.x"}
    assert len(hub_of("default")) == 1


async def test_two_topics_of_one_name_are_refused_where_they_meet(broker: FakeBroker) -> None:
    class Lobby(Topic[bytes]):
        pattern = "room.{name}"
        name: str

    await joined(Room(room_id=3))
    with pytest.raises(ImproperlyConfigured, match=r"Room\(room_id=3\) have the same channel 'room\.3': give one"):
        await joined(Lobby(name="3"))
    del Lobby
    gc.collect()


async def test_who_is_cancelled_while_joining_is_no_member(broker: FakeBroker) -> None:
    _, other = await joined(News())
    gate = broker.links[0].gate
    gate.clear()
    member = FakeMember()
    joining = asyncio.ensure_future(hub_of("default").join(Room(room_id=3), member))
    staying = asyncio.ensure_future(hub_of("default").join(Room(room_id=3), other))
    await asyncio.sleep(0)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    gate.set()
    channel = await staying
    assert channel.members() == (other,)


async def test_who_joins_twice_at_once_and_gives_one_up_is_a_member(broker: FakeBroker) -> None:
    broker.go_down()
    hub, member = hub_of("default"), FakeMember()
    first, second = (asyncio.ensure_future(hub.join(Room(room_id=3), member)) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    broker.come_back()
    channel = await first
    assert len(channel) == 1
    await Room(room_id=3).apublish("heard")
    await member.wait(1)
    assert member.events == ["heard"]


async def test_who_cannot_be_taken_in_leaves_no_channel(broker: FakeBroker) -> None:
    class Unhashable(FakeMember):
        __hash__ = None  # type: ignore[assignment]

    hub = hub_of("default")
    with pytest.raises(TypeError, match="unhashable"):
        await hub.join(Room(room_id=3), Unhashable())
    assert len(hub) == 0


async def test_a_join_that_nobody_waits_for_any_more_leaves_no_subscription(broker: FakeBroker) -> None:
    _, other = await joined(News())
    link = broker.links[0]
    link.gate.clear()
    joining = asyncio.ensure_future(hub_of("default").join(Room(room_id=3), FakeMember()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    link.gate.set()
    await joined(Feed(name="x"), other)
    assert link.channels == {"news", "feed.x"}


async def test_an_engine_that_is_away_is_waited_for_within_a_bound() -> None:
    with fake_broker(timeout=0.05) as broker:
        broker.go_down()
        with pytest.raises(BrokerError) as caught:
            await joined(Room(room_id=3))
        assert str(caught.value) == (
            "Room(room_id=3) cannot be subscribed to: the broker 'default' is not there (the fake broker is down)"
        )
        assert len(hub_of("default")) == 0


async def test_an_engine_that_does_not_answer_is_told_apart() -> None:
    with fake_broker(timeout=0.05) as broker:
        await joined(News())
        broker.links[0].gate.clear()
        with pytest.raises(BrokerError, match=r"is not there \(it does not answer\)"):
            await joined(Room(room_id=3))


async def test_it_publishes_over_the_link_and_without_one_as_the_engine_does(broker: FakeBroker) -> None:
    await Room(room_id=3).apublish("without")
    assert broker.published == [("room.3", b"Twithout")]
    await joined(Room(room_id=3))
    broker.links[0].fail()
    with pytest.raises(BrokerError, match="the fake link is broken"):
        await Room(room_id=3).apublish("with")


async def test_a_hub_is_of_one_loop_and_one_engine(broker: FakeBroker) -> None:
    hub = hub_of("default")
    assert hub_of("default") is hub

    async def another() -> Hub:
        return hub_of("default")

    assert await asyncio.to_thread(asyncio.run, another()) is not hub
    with override_settings(WS_BROKERS={"default": {"BACKEND": "django_ws.testing.FakeBroker"}}):
        assert hub_of("default").broker is brokers["default"] is not broker
    # That of a loop that has been closed is not kept.
    assert not [loop for loop, _ in hub_module._hubs if loop.is_closed()]


async def test_a_gap_is_told_to_those_who_had_joined(broker: FakeBroker) -> None:
    _, member = await joined(Room(room_id=3))
    waiting = FakeMember()
    broker.links[0].gate.clear()
    joining = asyncio.ensure_future(joined(News(), waiting))
    await asyncio.sleep(0)
    broker.links[0].fail()
    await joining
    await member.wait(gaps=1)
    assert member.gaps == [Room(room_id=3)]
    assert waiting.gaps == []


async def test_what_comes_for_a_channel_without_members_is_left_out(broker: FakeBroker) -> None:
    _, member = await joined(Room(room_id=3))
    broker.links[0].put([("room.4", b"Tx"), ("room.3", b"Ty")])
    await member.wait(1)
    assert member.events == ["y"]


async def test_a_channel_that_is_forgotten_does_not_take_its_successor_with_it(broker: FakeBroker) -> None:
    channel, member = await joined(Room(room_id=3))
    channel.leave(member)
    await joined(Room(room_id=3))
    channel.add(member)
    channel.leave(member)
    assert len(hub_of("default")) == 1


async def test_it_shows_what_it_is(broker: FakeBroker) -> None:
    channel, _ = await joined(Room(room_id=3))
    assert repr(channel) == "Channel('room.3', 1 members)"
    assert channel.topic == Room(room_id=3)
