"""What a topic is, what it takes, and the ways in and out."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Generic, Literal
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import transaction
from django.test import override_settings
from typing_extensions import TypeVar

from django_ws import JSON
from django_ws.codecs.choice import TextCodec
from django_ws.exceptions import BrokerError
from django_ws.testing import FakeBroker, FakeMember
from django_ws.topics import Topic
from django_ws.topics.hub import hub_of
from django_ws.topics.topic import topic_classes
from topics.support import Feed, News, Room

EventT = TypeVar("EventT", default=str)


class Of(Topic[EventT], Generic[EventT]):
    """A base of topics: no pattern, no channel."""

    def say_hello(self) -> str:
        return f"hello, {self.channel}"


class Mixed(Of[str]):
    pattern = "mixed.{number}.{name}.{maybe}.{flag}.{key}"
    number: int
    name: str
    maybe: int | None = None
    flag: bool = False
    key: UUID | Literal["all"] = "all"


# --- what it is -----------------------------------------------------------------------------------


def test_it_is_a_frozen_dataclass() -> None:
    room = Room(room_id=3)
    assert room == Room(room_id=3) != Room(room_id=4)
    assert {room: 1}[Room(room_id=3)] == 1
    assert repr(room) == "Room(room_id=3)"
    assert pickle.loads(pickle.dumps(room)) == room
    with pytest.raises(dataclasses.FrozenInstanceError):
        room.room_id = 4  # type: ignore[misc] # what is tested
    with pytest.raises(TypeError, match="positional"):
        Room(3)  # type: ignore[call-arg] # what is tested


def test_the_channel() -> None:
    assert News().channel == "news"
    assert Room(room_id=3).channel == "room.3"
    mixed = Mixed(number=1, name="a.b c")
    assert mixed.channel == "mixed.1.a%2Eb%20c.None.False.all"
    assert mixed.say_hello() == f"hello, {mixed.channel}"
    with pytest.raises(ValueError, match="only 200 are taken"):
        _ = Feed(name="x" * 200).channel


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"number": "1"}, "Mixed.number is '1', but must be of type int"),
        ({"number": True}, "Mixed.number is True, but must be of type int"),
        ({"name": 1}, "Mixed.name is 1, but must be of type str"),
        ({"maybe": "x"}, "Mixed.maybe is 'x', but must be of type int or NoneType"),
        ({"flag": 1}, "Mixed.flag is 1, but must be of type bool"),
    ],
)
def test_fields_are_held_to_their_types(wrong: dict[str, object], said: str) -> None:
    # A call that no type checker has seen.
    given: dict[str, object] = {"number": 1, "name": "x", **wrong}
    with pytest.raises(TypeError, match=f"^{said}$"):
        Mixed(**given)  # type: ignore[arg-type] # what is tested


def test_fields_that_fit() -> None:
    assert Mixed(number=1, name="", maybe=2, flag=True).channel == "mixed.1.%.2.True.all"
    # An annotation that is more than classes is the type checker's affair.
    assert Mixed(number=1, name="x", key=UUID(int=1)).channel.endswith(str(UUID(int=1)))


def test_the_events() -> None:
    assert Room.event_type() is str
    assert Mixed.event_type() is str
    assert isinstance(Mixed.codec(), TextCodec)


def test_a_pattern_that_does_not_fit_the_fields() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Absent.pattern is 'absent.\{a\}', but its fields are none: each"):

        class Absent(Topic[str]):
            pattern = "absent.{a}"

    with pytest.raises(ImproperlyConfigured, match=r"Unnamed.pattern is 'unnamed', but its fields are a, b: each"):

        class Unnamed(Topic[str]):
            pattern = "unnamed"
            b: int
            a: int

    with pytest.raises(ImproperlyConfigured, match=r"Broken.pattern: the pattern 'a..b' has the token ''"):

        class Broken(Topic[str]):
            pattern = "a..b"

    with pytest.raises(ImproperlyConfigured, match=r"Number.pattern: "):

        class Number(Topic[str]):
            pattern = 3  # type: ignore[assignment] # what is tested

    assert not {"Absent", "Unnamed", "Broken", "Number"} & {cls.__name__ for cls in topic_classes()}


def test_a_topic_of_a_topic() -> None:
    class Below(Room):
        pattern = "below.{room_id}.{seat}"
        seat: int

    assert Below(room_id=1, seat=2).channel == "below.1.2"
    assert Below.event_type() is str
    assert Below(room_id=1, seat=2) != Room(room_id=1)


def test_all_classes_are_known() -> None:
    known = topic_classes()
    assert {Room, News, Feed, Mixed} <= set(known)
    assert Of not in known
    assert [cls.pattern for cls in known] == sorted(cls.pattern for cls in known)


# --- publish --------------------------------------------------------------------------------------


def test_publish(broker: FakeBroker) -> None:
    Room(room_id=3).publish("a")
    Room.publish_many((Room(room_id=number), "b") for number in (1, 2))
    assert broker.published == [("room.3", b"Ta"), ("room.1", b"Tb"), ("room.2", b"Tb")]


async def test_apublish(broker: FakeBroker) -> None:
    await Room(room_id=3).apublish("a")
    await Room.apublish_many((Room(room_id=number), "b") for number in (1, 2))
    assert broker.published == [("room.3", b"Ta"), ("room.1", b"Tb"), ("room.2", b"Tb")]


async def test_publish_does_not_hold_an_event_loop_up(broker: FakeBroker) -> None:
    with pytest.raises(SynchronousOnlyOperation, match=r"use «await topic.apublish\(event\)»"):
        Room(room_id=3).publish("a")
    with pytest.raises(SynchronousOnlyOperation, match=r"use «await Topic.apublish_many\(\)»"):
        Room.publish_many([])
    assert broker.published == []
    await sync_to_async(Room(room_id=3).publish)("a")
    assert broker.published == [("room.3", b"Ta")]


@pytest.mark.usefixtures("database")
def test_publish_on_commit(broker: FakeBroker, caplog: pytest.LogCaptureFixture) -> None:
    with transaction.atomic():
        Room(room_id=3).publish_on_commit("a")
        assert broker.published == []
    assert broker.published == [("room.3", b"Ta")]
    broker.go_down()
    with transaction.atomic():
        Room(room_id=3).publish_on_commit("a", using="default", robust=True)
    assert "the fake broker is down" in caplog.text


async def test_what_is_no_event_is_refused(broker: FakeBroker) -> None:
    with pytest.raises(TypeError, match=r"^Room takes events of type str, not int$"):
        await Room(room_id=3).apublish(3)  # type: ignore[arg-type] # what is tested
    assert broker.published == []


# --- hear -----------------------------------------------------------------------------------------


async def test_join(broker: FakeBroker) -> None:
    member = FakeMember()
    membership = await Room(room_id=3).join(member)
    assert membership.topic == Room(room_id=3)
    await Room(room_id=3).apublish("a")
    await Room(room_id=4).apublish("b")
    await member.wait(1)
    assert member.events == ["a"]
    membership.leave(member)
    assert len(hub_of("default")) == 0


async def test_join_without_an_engine(broker: FakeBroker) -> None:
    broker.go_down()
    with override_settings(WS_BROKER_TIMEOUT=0.01), pytest.raises(BrokerError, match="cannot be subscribed to"):
        await Room(room_id=3).join(FakeMember())


async def test_listen(broker: FakeBroker) -> None:
    async with News().listen(max_pending=1) as events:
        event: JSON = {"a": 1}
        await News().apublish(event)
        assert await anext(events) == event
    with pytest.raises(ValueError, match="max_pending is 0"):
        News().listen(max_pending=0)
