"""The members of a channel: who they are, what each is told, and whose fault is whose."""

import logging

import pytest
from typing_extensions import override

from django_ws.codecs import TextCodec
from django_ws.interfaces import TopicDelivery
from django_ws.testing import FakeConnection, FakeMember, FakeSocketMember
from django_ws.topics.channel import Channel
from topics.support import Room

ROOM = Room(room_id=3)


class Hub:
    """Notes which channels have become empty."""

    def __init__(self) -> None:
        self.empty: list[Channel] = []
        self.channel = Channel("room.3", ROOM, self.empty.append)


def socket() -> tuple[FakeSocketMember, FakeConnection]:
    connection = FakeConnection(is_open=True)
    return FakeSocketMember(ROOM.codec(), connection), connection


def test_members_of_both_kinds_come_once_and_leave_once() -> None:
    hub = Hub()
    channel, member, (other, _) = hub.channel, FakeMember(), socket()
    for each in (member, other, member, other):
        channel.add(each)
    assert len(channel) == 2
    assert channel.members() == (other, member)
    assert repr(channel) == "Channel('room.3', 2 members)"
    channel.leave(member)
    channel.leave(member)
    assert channel.members() == (other,)
    assert hub.empty == []
    channel.leave(other)
    channel.leave(other)
    assert channel.members() == ()
    assert hub.empty == [channel]


def test_one_that_never_was_a_member_can_leave() -> None:
    hub = Hub()
    hub.channel.leave(FakeMember())
    assert hub.empty == []


def test_the_frame_goes_as_it_came_to_those_with_the_topics_codec_and_others_are_told() -> None:
    channel = Hub().channel
    (first, at_once), member = socket(), FakeMember()
    second, third = FakeSocketMember(ROOM.codec()), FakeSocketMember(TextCodec(), FakeConnection(is_open=True))
    for each in (member, first, second, third):
        channel.add(each)
    channel.deliver(b"Thello")
    assert at_once.sent == ["hello"]
    assert [each.events for each in (first, second, third, member)] == [[], ["hello"], ["hello"], ["hello"]]
    assert second.deliveries[0] is third.deliveries[0] is member.deliveries[0]


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"rubbish", "it does not begin with the kind of its frame"),
        (b"", "it does not begin with the kind of its frame"),
        (b"T\xff", "its text is no UTF-8"),
    ],
)
def test_what_is_no_event_is_left_out_with_one_line(
    payload: bytes, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Hub().channel
    (first, connection), member = socket(), FakeMember()
    channel.add(first)
    channel.add(member)
    channel.deliver(payload)
    channel.deliver(b"Tfine")
    assert (connection.sent, member.events) == (["fine"], ["fine"])
    (record,) = caplog.records
    assert record.getMessage() == f"Something that is no event came to Room(room_id=3) and is left out: {fault}"


class Decoding(FakeMember):
    @override
    def ws_deliver(self, delivery: TopicDelivery, /) -> None:
        assert delivery.event
        super().ws_deliver(delivery)


class DecodingSocket(FakeSocketMember, Decoding):
    """A socket with an ``on_event``."""


@pytest.mark.parametrize("member", [Decoding(), DecodingSocket(ROOM.codec())], ids=["member", "socket"])
def test_an_event_that_cannot_be_decoded_is_a_gap_for_all(member: FakeMember, caplog: pytest.LogCaptureFixture) -> None:
    channel, last = Hub().channel, FakeMember()
    channel.add(member)
    channel.add(last)
    channel.deliver(b"B\x00")  # a topic of texts
    assert (member.events, last.events) == ([], [])
    assert member.gaps == last.gaps == [ROOM]
    (record,) = caplog.records
    assert record.getMessage().startswith("An event of Room(room_id=3) cannot be decoded and is lost: ")
    channel.deliver(b"Tfine")
    assert (member.events, last.events) == (["fine"], ["fine"])


def test_a_fault_is_logged_and_no_other_feels_it(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(FakeMember):
        @override
        def ws_deliver(self, delivery: TopicDelivery, /) -> None:
            raise ValueError("a fault")

        @override
        def ws_gap(self, topic: object, /) -> None:
            raise ValueError("another fault")

    channel, (first, connection), last = Hub().channel, socket(), FakeMember()
    for each in (Faulty(), first, last):
        channel.add(each)
    channel.deliver(b"Tx")
    channel.tell_gap()
    assert (connection.sent, last.events) == (["x"], ["x"])
    assert first.gaps == last.gaps == [ROOM]
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a fault", "another fault"]
    assert "x" not in [record.getMessage() for record in caplog.records]


def test_who_comes_or_leaves_while_an_event_is_told_is_so_from_the_next_on() -> None:
    channel = Hub().channel
    (leaver, _), (late, heard_late), last = socket(), socket(), FakeMember()

    class Restless(FakeSocketMember):
        @override
        def ws_deliver(self, delivery: TopicDelivery, /) -> None:
            super().ws_deliver(delivery)
            channel.leave(self)
            channel.leave(leaver)
            channel.add(late)

    restless = Restless(ROOM.codec())
    for each in (restless, leaver, last):
        channel.add(each)
    channel.deliver(b"Tone")
    channel.deliver(b"Ttwo")
    assert restless.events == ["one"]
    assert leaver.ws_outlet is not None
    assert leaver.ws_outlet.sent == ["one"]
    assert heard_late.sent == ["two"]
    assert last.events == ["one", "two"]
