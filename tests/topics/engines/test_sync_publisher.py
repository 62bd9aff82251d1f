"""topics/engines/sync_publisher.py: one thread, one link, in each process that publishes."""

import asyncio
import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.interfaces import ChannelMessage
from django_ws.topics.engines import sync_publisher
from django_ws.topics.engines.sync_publisher import SyncPublisher

SECONDS = 30.0
"""Bound of every wait; none is meant to last."""
MESSAGES = [("a", b"1")]


class Link:
    """A link that a test can hold up, break, or make fail."""

    def __init__(self) -> None:
        self.is_lost = False
        self.is_closed = False
        self.error: Exception | None = None
        self.threads: list[threading.Thread] = []
        self.published: list[ChannelMessage] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.threads.append(threading.current_thread())
        self.published.extend(messages)

    async def close(self) -> None:
        self.is_closed = True


class Engine:
    """Makes links, and publishers over them."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.publishers: list[SyncPublisher] = []
        self.prepare: Callable[[Link], None] = lambda _: None
        self.is_connecting = threading.Event()
        self.never = False

    async def connect(self) -> Link:
        self.is_connecting.set()
        if self.never:
            await asyncio.Event().wait()
        link = Link()
        self.prepare(link)
        self.links.append(link)
        return link

    def publisher(self, seconds: float = SECONDS) -> SyncPublisher:
        publisher = SyncPublisher("the engine", self.connect, seconds)
        self.publishers.append(publisher)
        return publisher


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    for publisher in engine.publishers:
        publisher.close()
    assert not threads()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "the engine"]


def hold(link: Link) -> None:
    link.gate.clear()


def test_one_thread_and_one_link_serve_all_threads_from_the_first_publishing_on(engine: Engine) -> None:
    publisher = engine.publisher()
    assert not threads()
    others = [threading.Thread(target=publisher.publish, args=(MESSAGES,)) for _ in range(20)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    [link], [thread] = engine.links, threads()
    assert link.published == MESSAGES * 20
    assert set(link.threads) == {thread}
    assert thread.daemon


def test_closing_ends_the_thread_and_the_link_and_publishing_starts_others(engine: Engine) -> None:
    publisher = engine.publisher()
    publisher.close()
    publisher.publish(MESSAGES)
    publisher.close()
    assert engine.links[0].is_closed
    assert not threads()
    publisher.close()
    publisher.publish(MESSAGES)
    assert [link.published for link in engine.links] == [MESSAGES, MESSAGES]


def test_a_lost_link_is_replaced_by_the_next_publishing(engine: Engine) -> None:
    publisher = engine.publisher()
    publisher.publish(MESSAGES)
    engine.links[0].is_lost = True
    publisher.publish(MESSAGES)
    first, second = engine.links
    assert (first.is_closed, second.is_closed, second.published) == (True, False, MESSAGES)


def test_an_error_comes_to_whoever_publishes_and_the_link_is_kept(engine: Engine) -> None:
    publisher = engine.publisher()
    publisher.publish([])
    engine.links[0].error = PayloadTooBigError("too big")
    with pytest.raises(PayloadTooBigError, match="too big"):
        publisher.publish(MESSAGES)
    with pytest.raises(PayloadTooBigError, match="too big"):
        asyncio.run(publisher.apublish(MESSAGES))
    engine.links[0].error = None
    publisher.publish(MESSAGES)
    assert [link.published for link in engine.links] == [MESSAGES]


def test_who_cannot_connect_is_told_and_the_next_one_tries_again(engine: Engine) -> None:
    def fail(_: Link) -> None:
        raise BrokerError("nobody there")

    publisher = engine.publisher()
    engine.prepare = fail
    with pytest.raises(BrokerError, match="nobody there"):
        publisher.publish(MESSAGES)
    engine.prepare = lambda _: None
    publisher.publish(MESSAGES)
    assert engine.links[0].published == MESSAGES


def test_the_wait_has_a_bound(engine: Engine) -> None:
    publisher = engine.publisher(0.01)
    engine.prepare = hold
    with pytest.raises(BrokerError, match=r"the engine: publishing was not done within 0\.01 s"):
        publisher.publish(MESSAGES)
    with pytest.raises(BrokerError, match=r"the engine: publishing was not done within 0\.01 s"):
        asyncio.run(publisher.apublish(MESSAGES))


async def test_it_serves_event_loops_too(engine: Engine) -> None:
    publisher = engine.publisher()
    await asyncio.gather(*[publisher.apublish(MESSAGES) for _ in range(20)])
    assert [link.published for link in engine.links] == [MESSAGES * 20]


def test_who_waits_while_it_is_closed_is_told(engine: Engine) -> None:
    publisher = engine.publisher()
    publisher.publish([])
    running = publisher._running
    assert running is not None
    running.loop.call_soon_threadsafe(hold, engine.links[0])
    told: list[str] = []

    def sync() -> None:
        with pytest.raises(BrokerError) as caught:
            publisher.publish(MESSAGES)
        told.append(str(caught.value))

    def through_a_loop() -> None:
        with pytest.raises(BrokerError) as caught:
            asyncio.run(publisher.apublish(MESSAGES))
        told.append(str(caught.value))

    others = [threading.Thread(target=target) for target in (sync, through_a_loop)]
    for thread in others:
        thread.start()
    wait_until(lambda: len(asyncio.all_tasks(running.loop)) == 3)
    publisher.close()
    for thread in others:
        thread.join(SECONDS)
    assert told == ["the engine: it was closed while something was published"] * 2


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_closing_does_not_wait_for_a_connection_that_is_never_made(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_publisher, "_LAST_TURN", 0.01)
    publisher = engine.publisher()
    engine.never = True
    told: list[str] = []

    def publish() -> None:
        with pytest.raises(BrokerError) as caught:
            publisher.publish(MESSAGES)
        told.append(str(caught.value))

    thread = threading.Thread(target=publish)
    thread.start()
    assert engine.is_connecting.wait(SECONDS)
    publisher.close()
    thread.join(SECONDS)
    assert told == ["the engine: it was closed while something was published"]


def test_no_thread_can_be_started_at_the_end_of_the_interpreter(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    publisher = engine.publisher()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(
            BrokerError, match=r"the engine: no thread can be started to publish \(can't create new thread"
        ):
            publisher.publish(MESSAGES)
    publisher.publish(MESSAGES)


def test_at_the_end_of_the_interpreter_it_is_closed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[Callable[[], None]] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    monkeypatch.setattr(atexit, "unregister", registered.remove)
    publisher = engine.publisher()
    publisher.publish(MESSAGES)
    [close] = registered
    close()
    assert (registered, threads(), engine.links[0].is_closed) == ([], [], True)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_has_a_thread_and_a_link_of_its_own(engine: Engine) -> None:
    publisher, idle = engine.publisher(), engine.publisher()
    publisher.publish(MESSAGES)
    # As another thread would hold them at that moment.
    with publisher._lock, idle._lock:
        child = os.fork()
        if not child:
            _check_and_exit(engine, publisher, idle)
    assert os.waitpid(child, 0)[1] == 0
    publisher.publish(MESSAGES)
    assert [link.published for link in engine.links] == [MESSAGES * 2]


def _check_and_exit(engine: Engine, *publishers: SyncPublisher) -> None:
    status = 1
    try:
        assert not threads()
        for publisher in publishers:
            publisher.publish(MESSAGES)
            publisher.close()
        inherited, first, second = engine.links
        assert (inherited.is_closed, inherited.published) == (False, MESSAGES)
        assert (first.is_closed, first.published) == (second.is_closed, second.published) == (True, MESSAGES)
        status = 0
    finally:
        os._exit(status)


def test_what_a_child_inherits_is_kept_and_not_closed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # In this process, so that it is seen; what it has forgotten is ended by hand.
    kept: list[object] = []
    monkeypatch.setattr(sync_publisher, "_inherited", kept)
    publisher, idle = engine.publisher(), engine.publisher()
    publisher.publish(MESSAGES)
    running = publisher._running
    assert running is not None
    monkeypatch.setattr(sync_publisher, "_publishers", [publisher, idle])
    sync_publisher._forget()
    assert kept == [running]
    publisher.publish(MESSAGES)
    assert [link.published for link in engine.links] == [MESSAGES, MESSAGES]
    running.end()
