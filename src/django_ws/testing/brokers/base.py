"""What the parts of the suite share: where the engine is, its clients, and waits with an end."""

import asyncio
import threading
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar, cast
from unittest import SkipTest
from uuid import uuid4

from django.test import override_settings
from django.utils.module_loading import import_string

from django_ws.exceptions import BrokerError
from django_ws.topics.hub import hub_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable, Mapping, Sequence

    from django_ws.interfaces import Broker, ChannelMessage, Link

__all__ = [
    "Clients",
    "ConformanceBase",
    "channel",
    "in_own_loop",
    "must",
    "payloads_of",
    "take",
    "take_until",
    "usable_or_broken",
]

T = TypeVar("T")

_numbers: Final = count()


class ConformanceBase:
    """What an engine's own subclass of the suite overrides."""

    backend: str
    """The dotted path of the engine's class, as in ``WS_BROKERS``."""
    location: str = ""
    """``LOCATION``; set it in a fixture or in ``setUp`` where it is known late."""
    options: "Mapping[str, object]" = MappingProxyType({})
    """``OPTIONS``."""
    processes: bool = True
    """Whether it reaches other processes; where not, those tests are skipped."""
    forks: bool = True
    """Whether a broker that has published can do so after ``os.fork()``, on systems that have it."""
    seconds: float = 30.0
    """The bound of every wait, in seconds: also of noticing that the engine is away."""
    messages: int = 1000
    """How many messages each of several publishers publishes where it is about many."""
    channels: int = 10_000
    """How many channels one link subscribes to where it is about many."""

    def make_broker(self) -> "Broker":
        """Make another client of the engine. All that it gives must reach each other."""
        make = cast("Callable[[str, Mapping[str, object]], Broker]", import_string(self.backend))
        return make(self.location, dict(self.options))

    def kill(self) -> None:
        """Kill the engine at once, without letting it say good-bye; it runs in a thread.

        Where it is not overridden, the tests of outages are skipped.

        Raises:
            NotImplementedError: It is not overridden.
        """
        raise NotImplementedError

    def start(self) -> None:
        """Start the engine that was killed at the same location; return when it can be connected to.

        Raises:
            NotImplementedError: It is not overridden.
        """
        raise NotImplementedError

    # --- what the tests use -----------------------------------------------------------------------

    @asynccontextmanager
    async def _clients(self) -> "AsyncGenerator[Clients]":
        """Give brokers and links that are closed at the end."""
        clients = Clients(self.make_broker, self.seconds)
        try:
            async with asyncio.timeout(4 * self.seconds):
                yield clients
        finally:
            await clients.close()

    @contextmanager
    def _configured(self) -> "Generator[None]":
        """Let the engine be the default one of topics."""
        broker = {"BACKEND": self.backend, "LOCATION": self.location, "OPTIONS": dict(self.options)}
        with override_settings(WS_BROKERS={"default": broker}, WS_BROKER_TIMEOUT=self.seconds):
            yield

    async def _end_session(self) -> None:
        """End the task that keeps the link of this event loop, without waiting for it to linger."""
        mine = [task for task in asyncio.all_tasks() if task.get_name() == "django_ws broker default"]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        hub_of("default").broker.close()

    def _needs_outages(self) -> None:
        if type(self).kill is ConformanceBase.kill:
            raise SkipTest("this engine cannot be killed: kill() is not overridden")

    def _needs_processes(self) -> None:
        if not self.processes:
            raise SkipTest("this engine does not reach other processes")


class Clients:
    """The brokers and links of one test.

    Args:
        make_broker: Makes a broker.
        seconds: The bound of every wait.
    """

    def __init__(self, make_broker: "Callable[[], Broker]", seconds: float) -> None:
        self._make_broker: Callable[[], Broker] = make_broker
        self._seconds: float = seconds
        self._brokers: list[Broker] = []
        self._links: list[Link] = []

    def broker(self) -> "Broker":
        """Make a broker."""
        broker = self._make_broker()
        self._brokers.append(broker)
        return broker

    async def link(self, *channels: str, broker: "Broker | None" = None) -> "Link":
        """Make a link, of a broker of its own unless one is given, and subscribe."""
        link = await self.soon((broker or self.broker()).connect())
        self._links.append(link)
        if channels:
            await self.soon(link.subscribe(channels))
        return link

    async def soon(self, awaitable: "Awaitable[T]", /) -> T:
        """Await something that must not last.

        Raises:
            TimeoutError: It lasts.
        """
        async with asyncio.timeout(self._seconds):
            return await awaitable

    async def in_thread(self, function: "Callable[[], T]", /) -> T:
        """Call something in a thread without an event loop, and wait for it."""
        return await self.soon(asyncio.to_thread(function))

    async def close(self) -> None:
        """Close everything."""
        for link in self._links:
            await self.soon(link.close())
        for broker in self._brokers:
            broker.close()


def must(fact: object, otherwise: str, /) -> None:
    """Hold the engine to something.

    Raises:
        AssertionError: It is not so.
    """
    if not fact:
        raise AssertionError(otherwise)


async def take(link: "Link", number: int, /, seconds: float = 30.0) -> "list[ChannelMessage]":
    """Receive so many messages.

    Raises:
        AssertionError: Not so many came in time, or more did.
    """
    taken: list[ChannelMessage] = []
    try:
        while len(taken) < number:
            async with asyncio.timeout(seconds):
                batch = await link.receive()
            must(batch, "receive() gave an empty batch")
            taken.extend(batch)
    except TimeoutError as error:
        raise AssertionError(f"{len(taken)} of {number} messages came, and no other in {seconds} s") from error
    must(len(taken) == number, f"{len(taken)} messages came instead of {number}: {taken[number : number + 3]}")
    return taken


async def take_until(link: "Link", last: "ChannelMessage", /, seconds: float = 30.0) -> "list[ChannelMessage]":
    """Receive until a certain message has come; give those before it."""
    taken: list[ChannelMessage] = []
    async with asyncio.timeout(seconds):
        while last not in taken:
            taken.extend(await link.receive())
    must(taken[-1] == last, f"after the last message there came {taken[-1]!r:.200}")
    return taken[:-1]


async def usable_or_broken(clients: Clients, link: "Link", broker: "Broker", /) -> bool:
    """Hold a link to being of use, or to saying that it is not.

    Returns:
        Whether it is of use.

    Raises:
        AssertionError: It is neither.
    """
    name = channel()
    try:
        await clients.soon(link.subscribe([name]))
        await clients.soon(link.publish([(name, b"still here")]))
        await take_until(link, (name, b"still here"))
    except BrokerError:
        await clients.soon(link.close())
        another = await clients.link(name, broker=broker)
        await clients.soon(another.publish([(name, b"anew")]))
        await take_until(another, (name, b"anew"))
        return False
    return True


def channel(suffix: str = "", /) -> str:
    """Make up the name of a channel that nobody else uses."""
    return f"conformance.{uuid4().hex[:12]}.{next(_numbers)}{suffix}"


def in_own_loop(main: "Callable[[], Coroutine[object, object, T]]", /) -> T:
    """Run something in an event loop of a thread of its own, and wait for it without letting this one run."""
    outcome: list[T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(main()))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            outcome.append(error)

    thread = threading.Thread(target=run, name="django_ws conformance")
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def payloads_of(messages: "Iterable[ChannelMessage]", /) -> "Sequence[bytes]":
    """Give the payloads."""
    return [payload for _, payload in messages]
