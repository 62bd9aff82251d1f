"""One frame to many sockets: in order, past those that must wait, past the faults of any."""

import asyncio
import logging
from contextvars import ContextVar
from typing import Any
from weakref import ref

import pytest
from typing_extensions import override

from django_ws.codecs import JSONCodec
from django_ws.exceptions import ConnectionClosed, InvalidMessageError
from django_ws.interfaces import Frame, TopicDelivery
from django_ws.testing import FakeConnection, FakeDelivery, FakeSocketMember, FakeTopic
from django_ws.topics.fan_out import FanOut

CODEC = JSONCodec()
TOPIC: FakeTopic[Any] = FakeTopic()


def sockets(count: int) -> tuple[FakeSocketMember, ...]:
    return tuple(FakeSocketMember(CODEC, FakeConnection(is_open=True)) for _ in range(count))


def connection_of(socket: FakeSocketMember) -> FakeConnection:
    assert socket.ws_outlet is not None
    return socket.ws_outlet


def send(members: tuple[FakeSocketMember, ...], text: str = "x") -> None:
    FanOut(members, FakeDelivery(text, TOPIC), text).run()


def test_each_is_sent_the_frame_in_order_without_a_loop_or_a_task() -> None:
    members = sockets(3)
    order: list[int] = []

    class Noting(FakeSocketMember):
        def __init__(self, number: int) -> None:
            super().__init__(CODEC)
            self.number = number

        @override
        def ws_deliver(self, delivery: TopicDelivery, /) -> None:
            order.append(self.number)

    send((members[0], Noting(1), members[1], Noting(2), members[2]))
    assert [connection_of(member).sent for member in members] == [["x"]] * 3
    assert order == [1, 2]
    assert [member.deliveries for member in members] == [[]] * 3


async def test_those_that_wait_hold_up_no_other_and_each_has_its_own_rest() -> None:
    members = sockets(5)
    connections = [connection_of(member) for member in members]
    slow = connections[1], connections[2], connections[4]
    for connection in slow:
        connection.stall()
    send(members)
    assert [connection.sent for connection in connections] == [["x"], [], [], ["x"], []]
    assert [len(member.rests) for member in members] == [0, 1, 1, 0, 1]
    assert [member.ws_outlet is None for member in members] == [False, True, True, False, True]
    send(members, "y")  # told to those that have others waiting
    assert [member.events for member in members] == [[], ["y"], ["y"], [], ["y"]]
    connections[2].resume()
    await members[2].rests[0]
    assert [connection.sent for connection in connections] == [["x", "y"], [], ["x"], ["x", "y"], []]
    for connection, member in ((connections[4], members[4]), (connections[1], members[1])):
        connection.resume()
        await member.rests[0]
        assert connection.sent == ["x"]


async def test_a_rest_that_is_cancelled_or_fails_is_its_sockets_own() -> None:
    members = sockets(3)
    connections = [connection_of(member) for member in members]
    connections[0].stall()
    connections[1].stall()
    send(members)
    waiting = [asyncio.ensure_future(finish(member)) for member in members[:2]]
    await asyncio.sleep(0)
    waiting[0].cancel()
    connections[1].disconnect(1001)
    connections[1].resume()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    with pytest.raises(ConnectionClosed, match="1001"):
        await waiting[1]
    assert [connection.sent for connection in connections] == [[], [], ["x"]]
    assert [member.errors for member in members] == [[], [], []]


async def finish(member: FakeSocketMember) -> None:
    (rest,) = member.rests
    await rest


async def test_one_that_waits_keeps_no_other_alive() -> None:
    first, last = sockets(2)
    connection_of(first).stall()
    gone = ref(last)
    FanOut((first, last), FakeDelivery("x", TOPIC), "x").run()
    del last
    assert first.rests
    assert gone() is None


def test_a_fault_is_told_to_its_socket_alone() -> None:
    members = sockets(3)
    error = ValueError("a fault")

    class Faulty(FakeSocketMember):
        @override
        def ws_deliver(self, delivery: TopicDelivery, /) -> None:
            raise error

    faulty = Faulty(CODEC)
    connection_of(members[1]).disconnect(4001)
    send((members[0], faulty, *members[1:]))
    assert faulty.errors == [error]
    (closed,) = members[1].errors
    assert isinstance(closed, ConnectionClosed)
    assert connection_of(members[0]).sent == connection_of(members[2]).sent == ["x"]


def test_what_cannot_be_decoded_is_told_to_none_behind() -> None:
    members = sockets(2)

    class Decoding(FakeSocketMember):
        @override
        def ws_deliver(self, delivery: TopicDelivery, /) -> None:
            raise InvalidMessageError("of another version")

    with pytest.raises(InvalidMessageError):
        send((members[0], Decoding(CODEC), members[1]))
    assert (connection_of(members[0]).sent, connection_of(members[1]).sent) == (["x"], [])


async def test_what_middleware_sets_around_a_send_is_reset_where_it_was_set() -> None:
    """Also where the send waits, and a task that has another context ends it."""
    step: ContextVar[str] = ContextVar("step", default="outside")
    found: list[str] = []

    class Setting:
        """An outlet behind middleware that sets a context variable."""

        def __init__(self, inner: FakeConnection) -> None:
            self.inner = inner

        async def begin_send(self, frame: Frame, /) -> None:
            token = step.set("inside")
            await self.inner.begin_send(frame)
            found.append(step.get())
            step.reset(token)

    members = sockets(3)
    connections = [connection_of(member) for member in members]
    connections[1].stall()
    for member in members:
        inner: Any = Setting(connection_of(member))
        inner.rest_of_send = connection_of(member).rest_of_send
        member.ws_outlet = inner
    send(members)
    assert (found, step.get()) == (["inside"] * 2, "outside")
    connections[1].resume()
    await asyncio.ensure_future(finish(members[1]))
    assert (found, step.get()) == (["inside"] * 3, "outside")


def test_those_that_are_told_at_once_share_what_is_made_of_the_frame() -> None:
    frames: list[Frame] = []

    class Noting:
        def __init__(self, inner: FakeConnection) -> None:
            self.begin_send = self.note(inner)
            self.rest_of_send = inner.rest_of_send

        def note(self, inner: FakeConnection) -> Any:
            def begin_send(frame: Frame) -> Any:
                frames.append(frame)
                return inner.begin_send(frame)

            return begin_send

    members = sockets(5)
    for member in members:
        connection = connection_of(member)
        if member is members[2]:
            connection.stall()
        noting: Any = Noting(connection)
        member.ws_outlet = noting
    send(members)
    # The one that waits keeps what was made for it and for those before it.
    assert [frame is frames[0] for frame in frames] == [True, True, True, False, False]
    assert frames[3] is frames[4]
    assert {frame.data for frame in frames} == {"x"}


def test_nothing_is_logged_here(caplog: pytest.LogCaptureFixture) -> None:
    """A socket knows best what its fault means."""
    members = sockets(1)
    connection_of(members[0]).disconnect()
    with caplog.at_level(logging.DEBUG, "django_ws"):
        send(members)
    assert caplog.records == []
