"""The life of a link: made, mended with a word to everybody, given up."""

import asyncio
import contextvars
import logging
import random
from collections.abc import Collection, Iterable, Iterator

import pytest
from typing_extensions import override

from django_ws.exceptions import BrokerError
from django_ws.interfaces import ChannelMessage, TopicDelivery
from django_ws.signals import broker_lost, broker_restored
from django_ws.testing import FakeBroker, FakeLink, FakeMember
from django_ws.topics import session
from django_ws.topics.channel import Channel
from django_ws.topics.hub import hub_of
from django_ws.topics.session import Session
from topics.support import Feed, News, Room

HEAR_NOTHING = "The members of 2 topics hear nothing until it is back"


async def join(*topics: Room | News | Feed) -> tuple[list[Channel], FakeMember]:
    member = FakeMember()
    hub = hub_of("default")
    return list(await asyncio.gather(*[hub.join(topic, member) for topic in topics])), member


async def settle(broker: FakeBroker, links: int) -> None:
    async with asyncio.timeout(5):
        while len(broker.links) != links:
            await asyncio.sleep(0)


async def test_many_that_join_at_once_are_one_command(broker: FakeBroker) -> None:
    rooms = [Room(room_id=number) for number in range(100)]
    await join(*rooms)
    assert broker.links[0].commands == [("subscribe", sorted(room.channel for room in rooms))]
    more = [Room(room_id=number) for number in range(100, 200)]
    await join(*more, *rooms)
    assert broker.links[0].commands[1:] == [("subscribe", sorted(room.channel for room in more))]


async def test_after_a_loss_all_is_subscribed_to_again_and_then_everybody_is_told(
    broker: FakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_ws.topics")
    _, member = await join(Room(room_id=3), News())
    broker.go_down()
    await settle(broker, 0)
    broker.come_back()
    await member.wait(gaps=2)
    assert sorted(map(str, member.gaps)) == ["News()", "Room(room_id=3)"]
    assert broker.links[0].channels == {"room.3", "news"}
    await Room(room_id=3).apublish("after")
    await member.wait(1)
    assert member.events == ["after"]
    assert [record.getMessage() for record in caplog.records] == [
        f"The broker 'default' is not there: the fake link is broken. {HEAR_NOTHING}",
        "The broker 'default' is back",
    ]


async def test_a_gap_is_told_after_the_subscription_so_that_no_event_is_missed_between(broker: FakeBroker) -> None:
    class Reading(FakeMember):
        @override
        def ws_gap(self, topic: object, /) -> None:
            broker.publish([("room.3", b"Tat the gap")])
            super().ws_gap(topic)

    member = Reading()
    await hub_of("default").join(Room(room_id=3), member)
    broker.links[0].fail()
    await member.wait(1, 1)
    assert member.events == ["at the gap"]


async def test_who_waits_to_join_during_a_loss_has_missed_nothing(broker: FakeBroker) -> None:
    await join(News())
    broker.go_down()
    await settle(broker, 0)
    member = FakeMember()
    joining = asyncio.ensure_future(hub_of("default").join(Room(room_id=3), member))
    await asyncio.sleep(0)
    broker.come_back()
    await joining
    assert member.gaps == []


async def test_the_pauses_grow_up_to_a_bound(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def uniform(low: float, high: float) -> float:
        assert low == 0
        pauses.append(high)
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    _, member = await join(Room(room_id=3))
    broker.go_down()
    async with asyncio.timeout(5):
        while len(pauses) < 10:
            await asyncio.sleep(0)
    broker.come_back()
    await member.wait(gaps=1)
    assert pauses[:10] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10]
    # Once it has been back, the next loss begins anew.
    del pauses[:]
    broker.links[0].fail()
    await member.wait(gaps=2)
    assert pauses == [0.1]


async def test_an_engine_that_stays_away_is_one_line_a_minute(
    broker: FakeBroker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    def uniform(low: float, high: float) -> float:
        nonlocal tries
        tries += 1
        if tries == 5:
            monkeypatch.setattr(session, "_LOG_EVERY", 0.0)
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    _, member = await join(Room(room_id=3))
    broker.go_down()
    async with asyncio.timeout(5):
        while tries < 6:
            await asyncio.sleep(0)
    broker.come_back()
    await member.wait(gaps=1)
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(lines) >= 2
    assert len(lines) <= tries - 4


class Outages:
    """What receivers of both signals hear."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.slow: asyncio.Event | None = None

    async def lost(self, sender: object, alias: str, topics: int, error: BrokerError, **_: object) -> None:
        assert sender is FakeBroker
        if self.slow is not None:
            await self.slow.wait()
        self.heard.append(f"lost {alias} for {topics}: {error}")

    async def restored(self, sender: object, alias: str, topics: int, duration: float, **_: object) -> None:
        assert sender is FakeBroker
        assert duration >= 0
        self.heard.append(f"restored {alias} for {topics}")

    async def wait(self, count: int) -> list[str]:
        async with asyncio.timeout(5):
            while len(self.heard) < count:
                await asyncio.sleep(0)
        return self.heard


@pytest.fixture
def outages() -> Iterator[Outages]:
    outages = Outages()
    broker_lost.connect(outages.lost)
    broker_restored.connect(outages.restored)
    yield outages
    broker_lost.disconnect(outages.lost)
    broker_restored.disconnect(outages.restored)


async def test_an_outage_is_told_of_once_and_its_end(broker: FakeBroker, outages: Outages) -> None:
    _, member = await join(Room(room_id=3), News())
    assert outages.heard == []
    for outage in (1, 2):
        broker.go_down()
        await settle(broker, 0)
        broker.come_back()
        await member.wait(gaps=2 * outage)
        lost, restored = (await outages.wait(2 * outage))[-2:]
        assert lost == "lost default for 2: the fake link is broken"
        assert restored == "restored default for 2"


async def test_whoever_listens_holds_up_no_engine_and_hears_all_in_order(broker: FakeBroker, outages: Outages) -> None:
    outages.slow = asyncio.Event()
    _, member = await join(News())
    broker.links[0].fail()
    await member.wait(gaps=1)
    await News().apublish(1)
    await member.wait(1, 1)
    assert outages.heard == []
    outages.slow.set()
    assert [line.split()[0] for line in await outages.wait(2)] == ["lost", "restored"]


async def test_an_outage_that_nobody_waits_for_any_more_is_over(broker: FakeBroker, outages: Outages) -> None:
    (channel,), member = await join(News())
    broker.go_down()
    await outages.wait(1)
    channel.leave(member)
    assert await outages.wait(2) == ["lost default for 1: the fake link is broken", "restored default for 0"]


async def test_a_link_without_channels_is_kept_for_a_while(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    [channel], member = await join(Room(room_id=3))
    link = broker.links[0]
    channel.leave(member)
    async with asyncio.timeout(5):
        while link.channels:
            await asyncio.sleep(0)
    await join(News())
    assert broker.links == [link]
    assert link.channels == {"news"}


async def test_a_link_that_nobody_needs_is_given_up_and_the_task_ends(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_LINGER", 0.0)
    [channel], member = await join(Room(room_id=3))
    channel.leave(member)
    await settle(broker, 0)
    async with asyncio.timeout(5):
        while any("django_ws broker" in task.get_name() for task in asyncio.all_tasks()):
            await asyncio.sleep(0)
    await join(Room(room_id=4))
    assert broker.links[0].channels == {"room.4"}


async def test_one_that_left_and_came_back_at_once_keeps_its_subscription(broker: FakeBroker) -> None:
    [channel], member = await join(Room(room_id=3))
    channel.leave(member)
    again = await hub_of("default").join(Room(room_id=3), member)
    assert again is not channel
    assert broker.links[0].commands == [("subscribe", ["room.3"])]
    await Room(room_id=3).apublish("x")
    await member.wait(1)


async def test_without_members_an_engine_that_is_away_is_not_asked_for_ever(broker: FakeBroker) -> None:
    [channel], member = await join(Room(room_id=3))
    broker.go_down()
    await settle(broker, 0)
    channel.leave(member)
    async with asyncio.timeout(5):
        while any("django_ws broker" in task.get_name() for task in asyncio.all_tasks()):
            await asyncio.sleep(0.01)


async def test_it_takes_nothing_of_the_context_of_whoever_was_first(broker: FakeBroker) -> None:
    variable = contextvars.ContextVar("variable", default="nobody's")
    seen: list[str] = []

    class Looking(FakeMember):
        @override
        def ws_deliver(self, delivery: TopicDelivery, /) -> None:
            seen.append(variable.get())

    variable.set("the first one's")
    member = Looking()
    await hub_of("default").join(Room(room_id=3), member)
    await Room(room_id=3).apublish("x")
    async with asyncio.timeout(5):
        while not seen:
            await asyncio.sleep(0)
    assert seen == ["nobody's"]


async def test_a_fault_of_an_engine_is_a_loss_that_is_told_with_its_traceback(
    broker: FakeBroker, caplog: pytest.LogCaptureFixture, outages: Outages
) -> None:
    _, member = await join(News())

    async def faulty() -> None:
        raise ZeroDivisionError("a fault")

    broker.links[0].receive = faulty  # type: ignore[assignment,method-assign]
    broker.links[0].put([("news", b"T1")])
    await member.wait(1, 1)
    await News().apublish(2)
    await member.wait(2, 1)
    assert member.events == [1, 2]
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    reason = "its engine failed with ZeroDivisionError('a fault')"
    assert record.getMessage().startswith(f"The broker 'default' is not there: {reason}. ")
    assert (await outages.wait(2))[0] == f"lost default for 1: {reason}"


async def test_a_link_that_nobody_needs_is_kept_until_what_goes_over_it_is_published(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_LINGER", 0.01)
    [channel], member = await join(Room(room_id=3))
    link, go, taken = broker.links[0], asyncio.Event(), asyncio.Event()

    async def publish(_: Collection[ChannelMessage]) -> None:
        taken.set()
        await go.wait()
        assert broker.links == [link]

    link.publish = publish  # type: ignore[method-assign]
    monkeypatch.setattr(session, "_FAREWELL", 5.0)
    publishing = [asyncio.ensure_future(Room(room_id=4).apublish("x")) for _ in range(2)]
    await taken.wait()
    channel.leave(member)
    async with asyncio.timeout(5):
        while hub_of("default")._session.link is not None:
            await asyncio.sleep(0)
    await Room(room_id=4).apublish("goes without it")
    assert broker.links == [link]
    go.set()
    await asyncio.gather(*publishing)
    await settle(broker, 0)


async def test_what_is_never_published_is_not_waited_for_without_end(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_LINGER", 0.0)
    monkeypatch.setattr(session, "_FAREWELL", 0.01)
    [channel], member = await join(Room(room_id=3))

    async def publish(_: Collection[ChannelMessage]) -> None:
        await asyncio.Event().wait()

    broker.links[0].publish = publish  # type: ignore[method-assign]
    publishing = asyncio.ensure_future(Room(room_id=4).apublish("x"))
    await asyncio.sleep(0)
    channel.leave(member)
    await settle(broker, 0)
    publishing.cancel()


async def test_a_large_batch_for_many_members_leaves_others_their_turn(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_TURN", 4)
    first, _ = await join(News())
    second, hearing = await join(News())
    assert first == second
    seen: list[int] = []

    async def look() -> None:
        while len(hearing.events) < 10:
            seen.append(len(hearing.events))
            await asyncio.sleep(0)

    looking = asyncio.ensure_future(look())
    broker.links[0].put([("news", b"T%d" % number) for number in range(10)])
    await asyncio.wait_for(looking, 5)
    # Each event is two deliveries.
    assert {2, 4, 6, 8} <= set(seen)
    assert hearing.events == list(range(10))


class Bare:
    """Channels, as a hub has them."""

    def __init__(self, *names: str) -> None:
        self.there = set(names)
        self.confirmed_names: set[str] = set()

    def __len__(self) -> int:
        return len(self.there)

    def wants(self, name: str, /) -> bool:
        return name in self.there

    def names(self) -> Collection[str]:
        return self.there

    def confirmed(self, names: Iterable[str], /) -> None:
        self.confirmed_names.update(names)

    def deliver(self, message: ChannelMessage, /) -> int:
        raise NotImplementedError

    def tell_gap(self, names: Iterable[str], /) -> None:
        """Nobody is there."""


async def test_what_is_left_while_the_link_is_made_is_not_subscribed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_LINGER", 0.0)
    channels = Bare("a")

    class Slow(FakeBroker):
        @override
        async def connect(self) -> FakeLink:
            channels.there.clear()
            return await super().connect()

    broker = Slow()
    Session("default", broker, channels).change("a")
    [task] = [task for task in asyncio.all_tasks() if "django_ws broker" in task.get_name()]
    await asyncio.wait_for(task, 5)
    assert channels.confirmed_names == set()
    assert broker.links == []


def test_why_an_engine_is_not_there() -> None:
    error = Session("default", FakeBroker(), Bare()).unavailable("Room() cannot be subscribed to")
    assert str(error) == "Room() cannot be subscribed to: the broker 'default' is not there (it does not answer)"
