"""The way out: encoded where it is published, given to the engine or to a test."""

import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test import override_settings

from django_ws.exceptions import BrokerError
from django_ws.testing import FakeBroker, FakeMember
from django_ws.topics import Topic, brokers
from django_ws.topics.hub import hub_of
from django_ws.topics.publishing import Published, apublish, captured, publish, publish_on_commit
from topics.support import Feed, News, Room


class Elsewhere(Topic[str]):
    pattern = "elsewhere"
    broker = "other"


EVENTS: list[tuple[Topic[str] | Topic[bytes], str | bytes]] = [
    (Room(room_id=3), "a"),
    (Feed(name="x"), b"\xff"),
    (Room(room_id=3), "b"),
]
MESSAGES = [("room.3", b"Ta"), ("feed.x", b"B\xff"), ("room.3", b"Tb")]


def test_sync(broker: FakeBroker) -> None:
    publish(EVENTS)
    assert broker.published == MESSAGES
    publish([])
    assert broker.published == MESSAGES


async def test_async_without_a_link(broker: FakeBroker) -> None:
    await apublish(EVENTS)
    assert broker.published == MESSAGES


async def test_async_over_the_link(broker: FakeBroker) -> None:
    member = FakeMember()
    await hub_of("default").join(Room(room_id=3), member)
    await apublish(EVENTS)
    await member.wait(2)
    assert member.events == ["a", "b"]


async def test_each_broker_gets_its_own() -> None:
    fake = {"BACKEND": "django_ws.testing.FakeBroker"}
    with override_settings(WS_BROKERS={"default": fake, "other": fake}):
        events = [(Elsewhere(), "1"), (Room(room_id=3), "2"), (Elsewhere(), "3")]
        await apublish(events)
        await sync_to_async(publish)(events)
        default, other = brokers["default"], brokers["other"]
        assert isinstance(default, FakeBroker)
        assert isinstance(other, FakeBroker)
        assert other.published == [("elsewhere", b"T1"), ("elsewhere", b"T3")] * 2
        assert default.published == [("room.3", b"T2")] * 2


async def test_one_that_cannot_be_encoded_holds_all_back(broker: FakeBroker) -> None:
    for wrong in ((Room(room_id=3), 3), (News(), {"a": object()}), (Room(room_id=3), "\ud800")):
        with pytest.raises((TypeError, ValueError)):
            await apublish([*EVENTS, wrong])
        with pytest.raises((TypeError, ValueError)):
            await sync_to_async(publish)([*EVENTS, wrong])
    assert broker.published == []


def test_the_engines_error_is_the_publishers(broker: FakeBroker) -> None:
    broker.go_down()
    with pytest.raises(BrokerError, match="down"):
        publish(EVENTS)


# --- on commit ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
def test_on_commit(broker: FakeBroker) -> None:
    with transaction.atomic():
        publish_on_commit(EVENTS, using=None, robust=False)
        assert broker.published == []
    assert broker.published == MESSAGES
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish_on_commit(EVENTS, using=None, robust=False)
        raise ZeroDivisionError
    assert broker.published == MESSAGES


@pytest.mark.usefixtures("database")
def test_on_commit_without_a_transaction_is_now(broker: FakeBroker) -> None:
    publish_on_commit(EVENTS, using="default", robust=False)
    assert broker.published == MESSAGES


@pytest.mark.usefixtures("database")
def test_on_commit_a_mistake_raises_where_it_is(broker: FakeBroker) -> None:
    with transaction.atomic(), pytest.raises(TypeError, match="Room takes events of type str, not int"):
        publish_on_commit([(Room(room_id=3), 3)], using=None, robust=False)
    assert broker.published == []


@pytest.mark.usefixtures("database")
def test_on_commit_an_event_is_what_it_was(broker: FakeBroker) -> None:
    event = {"a": 1}
    with transaction.atomic():
        publish_on_commit([(News(), event)], using=None, robust=False)
        event["a"] = 2
    assert broker.published == [("news", b'T{"a":1}')]


@pytest.mark.usefixtures("database")
def test_on_commit_robust(broker: FakeBroker, caplog: pytest.LogCaptureFixture) -> None:
    broker.go_down()
    with transaction.atomic():
        publish_on_commit(EVENTS, using=None, robust=True)
    assert "the fake broker is down" in caplog.text
    with pytest.raises(BrokerError), transaction.atomic():
        publish_on_commit(EVENTS, using=None, robust=False)
    assert not connection.in_atomic_block


# --- captured -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
async def test_captured(broker: FakeBroker) -> None:
    with captured(deliver=False) as published:
        await apublish(EVENTS)
        thread = threading.Thread(target=publish, args=[[(News(), {"a": 1})]])
        thread.start()
        thread.join()
        with pytest.raises(TypeError):
            await apublish([(Room(room_id=3), 3)])
    assert published == [*(Published(*event) for event in EVENTS), (News(), {"a": 1})]
    assert broker.published == []
    await apublish(EVENTS)
    assert len(published) == 4
    assert broker.published == MESSAGES


@pytest.mark.usefixtures("database")
def test_captured_on_commit(broker: FakeBroker) -> None:
    with captured(deliver=False) as published:
        with transaction.atomic():
            publish_on_commit(EVENTS, using=None, robust=False)
            assert published == []
        assert [event for _, event in published] == ["a", b"\xff", "b"]
    assert broker.published == []


def test_captures_within_each_other(broker: FakeBroker) -> None:
    with captured(deliver=True) as outer:
        # Both hold the same then: each ends its own.
        with captured(deliver=True) as inner:
            publish(EVENTS)
        assert outer == inner
        assert broker.published == MESSAGES
        with captured(deliver=False) as inner:
            publish(EVENTS)
        assert broker.published == MESSAGES
        publish(EVENTS)
    assert len(outer) == 9
    assert len(inner) == 3
    assert broker.published == MESSAGES * 2
