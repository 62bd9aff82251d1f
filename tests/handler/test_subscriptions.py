"""A socket as a member of topics: what comes is sent, or asked about, and a fault is never silent."""

import asyncio
import logging
from collections.abc import Awaitable, Generator
from contextvars import Context, copy_context
from typing import Any, ClassVar, Self, cast

import pytest
from typing_extensions import override

from django_ws import Overflow, WebSocket
from django_ws.exceptions import ConnectionClosed, InvalidMessageError, LocalProtocolError
from django_ws.handler.subscriptions import SubscribingSocket
from django_ws.interfaces import Connection, TopicDelivery
from django_ws.testing import FakeCodec, FakeConnection, FakeDelivery, FakeFrame, FakeTopic
from handler.support import Noted, make, turns, until

assert SubscribingSocket in WebSocket.__mro__


class Texts(FakeTopic[str]):
    type_of_events = str


class Hearing(Noted):
    """Subscribes to what its test gives it."""

    topics: ClassVar[list[Texts]] = []

    @override
    async def on_open(self) -> None:
        await super().on_open()
        for topic in self.topics:
            await self.subscribe(topic)


class Run:
    """One socket that hears of one topic."""

    def __init__(self, cls: type[Hearing] = Hearing) -> None:
        self.topic = Texts()
        self.cls = type(cls.__name__, (cls,), {"topics": [self.topic]})
        self.connection = FakeConnection(end=None)
        self.socket: Hearing = make(self.cls, self.connection)
        self.task: asyncio.Future[object] = asyncio.ensure_future(self.socket.run())

    async def __aenter__(self) -> Self:
        await until(lambda: self.topic.members)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.connection.disconnect()
        await asyncio.wait_for(self.task, 5)
        assert self.topic.members == []


async def test_events_are_sent_among_the_messages() -> None:
    async with Run() as run:
        run.topic.tell("one")
        _ = run.socket.send("two")
        run.topic.tell("three")
        assert run.connection.sent == ["one", "two", "three"]
        assert len(run.socket._task_group()) == 0  # nobody asked for a task


async def test_it_is_no_member_after_its_end_and_hears_nothing() -> None:
    async with Run() as run:
        member = run.topic.members[0]
    member.ws_deliver(FakeDelivery("late", run.topic))
    member.ws_gap(run.topic)
    await turns()
    assert run.connection.sent == []
    assert run.socket._pump is None


async def test_to_subscribe_twice_is_to_hear_once_and_to_unsubscribe_is_to_hear_no_more() -> None:
    async with Run() as run:
        await run.socket.subscribe(run.topic)
        run.topic.tell("x")
        assert await run.socket.unsubscribe(run.topic) is True
        run.topic.tell("y")
        assert await run.socket.unsubscribe(run.topic) is False
        assert run.connection.sent == ["x"]
        other = Texts()
        await run.socket.subscribe(run.topic)
        await run.socket.subscribe(other)
        assert await run.socket.unsubscribe(other) is True
        run.topic.tell("z")
        assert run.connection.sent == ["x", "z"]


async def test_events_for_a_client_that_reads_slowly_wait_in_order_and_none_is_lost() -> None:
    async with Run() as run:
        run.connection.stall()
        for text in ("one", "two", "three"):
            run.topic.tell(text)
        await turns()
        assert run.connection.sent == []
        run.connection.resume()
        await until(lambda: len(run.connection.sent) == 3)
        run.topic.tell("four")
        assert run.connection.sent == ["one", "two", "three", "four"]


async def test_an_event_after_the_end_is_for_nobody() -> None:
    async with Run() as run:
        socket = run.socket
        run.connection.disconnect()
        await asyncio.wait_for(run.task, 5)
        socket.ws_deliver(FakeDelivery("late", run.topic))
        assert run.connection.sent == []


async def test_a_socket_may_have_very_many_topics_and_leave_each() -> None:
    async with Run() as run:
        others = [Texts() for _ in range(20)]
        for topic in others:
            await run.socket.subscribe(topic)
            await run.socket.subscribe(topic)
        for topic in others[:19]:
            assert await run.socket.unsubscribe(topic) is True
            assert await run.socket.unsubscribe(topic) is False
            assert topic.members == []
        others[19].tell("one")
        run.topic.tell("two")
        assert run.connection.sent == ["one", "two"]
    assert others[19].members == []


async def test_one_that_has_never_subscribed_can_unsubscribe() -> None:
    assert await make(Noted).unsubscribe(Texts()) is False


async def test_it_must_be_open() -> None:
    class Early(Noted):
        @override
        async def on_connect(self) -> None:
            with pytest.raises(LocalProtocolError, match="call it in on_open"):
                await self.subscribe(Texts())

        @override
        async def on_close(self) -> None:
            with pytest.raises(ConnectionClosed):
                await self.subscribe(Texts())
            await super().on_close()

    socket = make(Early)
    await socket.run()
    assert socket.journal == ["open", "close 1000"]


async def test_one_whose_end_comes_while_it_joins_is_no_member() -> None:
    class Slow(Texts):
        gate = asyncio.Event()

        @override
        async def join(self, member: Any, /) -> Any:
            await super().join(member)
            await self.gate.wait()
            return self

    topic = Slow()
    ended: list[BaseException] = []

    class Stubborn(Noted):
        @override
        async def on_open(self) -> None:
            await super().on_open()

            async def joining() -> None:
                try:
                    await self.subscribe(topic)
                except ConnectionClosed as error:
                    ended.append(error)

            self.joining = asyncio.ensure_future(joining())

    connection = FakeConnection(end=None)
    socket = make(Stubborn, connection)
    task = asyncio.ensure_future(socket.run())
    await until(lambda: topic.members)
    connection.disconnect(4000)
    await asyncio.wait_for(task, 5)
    topic.gate.set()
    await asyncio.wait_for(socket.joining, 5)
    assert topic.members == []
    assert [str(error) for error in ended] == ["closed with 4000"]


async def test_a_topic_whose_events_it_does_not_send_is_refused() -> None:
    class Numbers(FakeTopic[bytes]):
        type_of_events = bytes

    async with Run() as run:
        with pytest.raises(TypeError, match=r"its events are bytes, but the socket sends str$"):
            await run.socket.subscribe(Numbers())  # type: ignore[arg-type]


# --- on_event -----------------------------------------------------------------------------------


class Choosing(Hearing):
    """Sends some events changed, some as they are, some not at all."""

    @override
    async def on_event(self, topic: Any, event: str, /) -> str | None:
        self.journal.append(event)
        if event == "wait":
            await asyncio.sleep(0)
        if event == "fault":
            raise ValueError("on_event is broken")
        if event == "end":
            await self.close(4000)
            raise ConnectionClosed(4000)
        return None if event == "nothing" else event.upper() if event.islower() else event


async def test_on_event_may_change_an_event_or_keep_it() -> None:
    async with Run(Choosing) as run:
        for event in ("one", "nothing", "wait", "THREE"):
            run.topic.tell(event)
        await until(lambda: len(run.connection.sent) == 3)
        assert run.connection.sent == ["ONE", "WAIT", "THREE"]
        await until(lambda: len(run.socket._task_group()) == 0)


async def test_a_fault_in_on_event_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    class Told(Choosing):
        @override
        async def on_task_error(self, error: Exception) -> None:
            self.errors.append(error)

    run = Run(Told)
    async with run:
        run.topic.tell("fault")
        run.topic.tell("never")
        await asyncio.wait_for(asyncio.shield(run.task), 5)
    assert run.connection.close_code == 1011
    assert run.socket.journal == ["open", "fault", "close 1011"]
    assert [str(error) for error in run.socket.errors] == ["on_event is broken"]
    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert line.endswith("Told: a background task failed")


async def test_the_end_in_on_event_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with Run(Choosing) as run:
        run.topic.tell("end")
        await asyncio.wait_for(asyncio.shield(run.task), 5)
    assert run.connection.close_code == 4000
    assert [record for record in caplog.records if record.levelno == logging.ERROR] == []


async def test_a_slow_on_event_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    class Slow(Choosing):
        outbox_messages = 2
        gate = asyncio.Event()

        @override
        async def on_event(self, topic: Any, event: str, /) -> str | None:
            await self.gate.wait()
            return event

    run = Run(Slow)
    async with run:
        for _ in range(5):
            run.topic.tell("x")
        await asyncio.wait_for(asyncio.shield(run.task), 5)
    assert run.connection.close_code == 1013
    assert run.socket.dropped_messages == 1
    [line] = [record.getMessage() for record in caplog.records]
    assert line.endswith("on_event is too slow, 2 events wait; closed with 1013. See overflow")


async def test_a_slow_on_event_may_drop_what_is_too_much(caplog: pytest.LogCaptureFixture) -> None:
    class Dropping(Choosing):
        outbox_messages = 2
        overflow = Overflow.DROP_OLDEST

    async with Run(Dropping) as run:
        for event in ("A", "B", "C"):
            run.topic.tell(event)
        await until(lambda: len(run.connection.sent) == 2)
        assert run.connection.sent == ["A", "C"]
        assert run.socket.dropped_messages == 1
    assert "on_event is too slow, 2 events wait; events are dropped (drop_oldest). See overflow" in caplog.text


# --- frames as they came ------------------------------------------------------------------------


def loop_over(run: Run, data: str) -> tuple[object, Generator[object, None, None], Context]:
    """Begin what a topic does, of which this socket is the last; give what it waits for."""

    async def send() -> None:
        assert run.socket.ws_outlet is not None
        await run.socket.ws_outlet.begin_send(FakeFrame(data))

    context = copy_context()
    steps = send().__await__()
    return context.run(next, steps, None), steps, context


async def test_frames_go_out_at_once_while_nothing_waits() -> None:
    run = Run()
    assert run.socket.ws_outlet is None
    async with run:
        socket, connection = run.socket, run.connection
        outlets = [socket.ws_outlet]
        assert socket.ws_encoder is socket._options.encoder
        connection.stall()
        sending = asyncio.ensure_future(wait_for(socket.send("one")))
        outlets.append(socket.ws_outlet)
        connection.resume()
        assert await sending is True
        outlets.append(socket.ws_outlet)
    assert [*outlets, run.socket.ws_outlet] == [connection, None, connection, None]
    assert connection.sent == ["one"]


async def wait_for(sending: Awaitable[bool]) -> bool:
    return await sending


async def test_a_frame_that_waits_for_its_server_is_followed_by_what_comes_after_it() -> None:
    async with Run() as run:
        run.connection.stall()
        run.socket.ws_wait(*loop_over(run, "one"))
        _ = run.socket.send("two")
        run.topic.tell("three")
        await turns()
        assert run.connection.sent == []
        run.connection.resume()
        await until(lambda: run.socket.ws_outlet)
        loop_over(run, "four")
        assert run.connection.sent == ["one", "two", "three", "four"]


async def test_a_frame_that_waits_as_the_connection_ends_is_nobodys_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with Run() as run:
        run.connection.stall()
        run.socket.ws_wait(*loop_over(run, "one"))
        run.connection.disconnect(1001)
        run.connection.resume()
        await asyncio.wait_for(asyncio.shield(run.task), 5)
    assert run.connection.sent == []
    assert caplog.records == []


@pytest.mark.parametrize("error", [ConnectionClosed(1001), OSError("gone")])
async def test_a_frame_for_a_client_that_has_gone_is_nobodys_fault(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with Run() as run:
        run.socket.ws_failed(error)
        await turns()
    assert run.socket.errors == []
    assert caplog.records == []


async def test_a_frame_that_the_server_fails_to_send_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    run, error = Run(), ValueError("a fault")
    async with run:
        run.socket.ws_failed(error)
        await asyncio.wait_for(asyncio.shield(run.task), 5)
    assert run.connection.close_code == 1011
    assert run.socket.errors == [error]
    assert "a background task failed" in caplog.text


async def test_one_that_looks_at_each_event_is_told_of_it() -> None:
    async with Run(Choosing) as run:
        assert run.socket.ws_outlet is None


async def test_a_gap_is_looked_at_before_later_frames_go_out() -> None:
    class Asking(Hearing):
        @override
        async def on_gap(self, topic: object, /) -> None:
            self.journal.append("gap")

    async with Run(Asking) as run:
        run.topic.tell_gap()
        assert run.socket.ws_outlet is None
        await until(lambda: "gap" in run.socket.journal)
        await until(lambda: run.socket.ws_outlet is run.connection)


async def test_a_connection_that_is_no_outlet_is_sent_to() -> None:
    class Plain:
        """The joint alone."""

        def __init__(self, inner: FakeConnection) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            if name in {"begin_send", "send_failed", "rest_of_send"}:
                raise AttributeError(name)
            return getattr(self.inner, name)

    run = Run()
    run.socket._connection = cast("Connection", Plain(run.connection))
    async with run:
        assert run.socket.ws_outlet is None
        run.topic.tell("x")
        run.socket.ws_failed(ConnectionClosed(1001))
        assert run.connection.sent == ["x"]


# --- what cannot be sent ------------------------------------------------------------------------


async def test_an_event_that_cannot_be_encoded_ends_this_socket_alone(caplog: pytest.LogCaptureFixture) -> None:
    run = Run()
    async with run:
        run.topic.tell(3)  # type: ignore[arg-type]
        run.topic.tell("never")
        await asyncio.wait_for(asyncio.shield(run.task), 5)
    assert run.connection.close_code == 1011
    assert run.connection.sent == []
    assert "a background task failed" in caplog.text


@pytest.mark.parametrize("cls", [Hearing, Choosing])
async def test_an_event_that_nobody_can_have_is_the_hubs_affair(cls: type[Hearing]) -> None:
    class Undecodable:
        topic = None

        @property
        def event(self) -> Any:
            raise InvalidMessageError("of another version")

        def encoded(self, codec: object, /) -> Any:
            return self.event

    delivery: TopicDelivery = Undecodable()
    async with Run(cls) as run:
        with pytest.raises(InvalidMessageError):
            run.topic.members[0].ws_deliver(delivery)


async def test_with_a_codec_of_its_own_nobody_knows_what_it_sends() -> None:
    class Coded(Hearing):
        codec = FakeCodec()

    class Numbers(FakeTopic[Any]):
        type_of_events = int

    async with Run(Coded) as run:
        await run.socket.subscribe(Numbers())


# --- on_gap -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [Hearing, Choosing])
async def test_a_gap_closes_with_1012(cls: type[Hearing]) -> None:
    run = Run(cls)
    async with run:
        run.topic.tell_gap()
        run.topic.tell_gap()
        await asyncio.wait_for(asyncio.shield(run.task), 5)
    assert (run.connection.close_code, run.connection.close_reason) == (1012, "events may have been lost")


async def test_on_gap_may_keep_the_connection_and_comes_before_later_events() -> None:
    class Patient(Hearing):
        @override
        async def on_gap(self, topic: Any, /) -> None:
            assert topic is self.topics[0]
            await asyncio.sleep(0)
            await self.send("a fresh state")

    async with Run(Patient) as run:
        run.topic.tell("before")
        run.topic.tell_gap()
        run.topic.tell("after")
        await until(lambda: len(run.connection.sent) == 3)
        assert run.connection.sent == ["before", "a fresh state", "after"]
        run.topic.tell_gap()
        await until(lambda: len(run.connection.sent) == 4)
        # Nothing waits any more, so the next event needs no task.
        await turns()
        run.topic.tell("directly")
        assert run.connection.sent[-1] == "directly"
