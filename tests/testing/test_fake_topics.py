"""testing/fake_topics.py"""

import asyncio
from contextvars import copy_context

import pytest

from django_ws.codecs import JSONCodec
from django_ws.testing import FakeConnection, FakeDelivery, FakeFrame, FakeMember, FakeSocketMember, FakeTopic


async def test_a_member_keeps_what_it_is_told() -> None:
    topic: FakeTopic[str] = FakeTopic()
    member = FakeMember()
    membership = await topic.join(member)
    assert await topic.join(member) is membership
    assert topic.members == [member]
    assert membership.topic is topic
    waiting = asyncio.create_task(member.wait(events=1, gaps=1))
    await asyncio.sleep(0)
    topic.tell("one")
    await asyncio.sleep(0)
    assert not waiting.done()
    topic.tell_gap()
    await waiting
    assert (member.events, member.gaps) == (["one"], [topic])
    assert member.deliveries[0].topic is topic
    topic.leave(member)
    topic.leave(member)
    topic.tell("two")
    assert member.events == ["one"]


async def test_a_member_does_not_wait_for_ever() -> None:
    with pytest.raises(TimeoutError):
        await FakeMember().wait(events=1, seconds=0)


async def test_a_socket_member_keeps_what_it_has_to_wait_for_and_why_it_failed() -> None:
    connection = FakeConnection(is_open=True)
    member = FakeSocketMember(JSONCodec(), connection)
    connection.stall()
    context = copy_context()
    steps = connection.begin_send(FakeFrame("x")).__await__()
    first = context.run(next, steps)
    member.ws_wait(first, steps, context)
    assert member.ws_outlet is None  # as a socket's that has an outbox
    member.ws_wait(first, steps, context)
    (rest,) = member.rests
    connection.resume()
    await rest
    assert connection.sent == ["x"]
    error = ValueError("a fault")
    member.ws_failed(error)
    assert member.errors == [error]


def test_a_topic_has_the_type_of_its_events() -> None:
    class Numbers(FakeTopic[int]):
        type_of_events = int

    assert Numbers.event_type() is int


def test_a_delivery_is_encoded_by_whoever_takes_it() -> None:
    delivery = FakeDelivery({"n": 1})
    assert delivery.topic is None
    assert delivery.encoded(JSONCodec()) == '{"n":1}'


async def test_a_topic_can_be_listened_to() -> None:
    topic: FakeTopic[int] = FakeTopic()
    async with topic.listen(max_pending=1) as events:
        topic.tell(1)
        topic.tell(2)
        heard = [await anext(events), await anext(events)]
        assert [heard, len(topic.members)] == [[1, 2], 1]
        assert aiter(events) is events
    assert topic.members == []
