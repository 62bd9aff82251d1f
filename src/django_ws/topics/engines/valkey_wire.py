"""One asynchronous connection to a Valkey: read, written and watched by tasks of its own, and never mended.

What waits for a reply can so be cancelled at any time without harm to the connection, commands of many tasks go out
together, and everything that the server has sent already is read in one go.
"""

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, final

from redis.exceptions import ResponseError
from typing_extensions import override

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.valkey_config import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from django_ws.topics.engines.valkey_config import Connection, ValkeyConfig

__all__ = ["Asking", "Hearing", "Wire", "opened"]

_AT_ONCE: Final = 1000
"""Channels in one command."""


async def opened(connection: "Connection", seconds: float, /) -> "Connection":
    """Connect.

    Raises:
        BrokerError: It cannot be reached, or does not let us in.
    """
    try:
        async with asyncio.timeout(seconds):
            await connection.connect()
    except BaseException as error:
        await connection.disconnect(nowait=True)
        if isinstance(error, Exception):
            raise broken("Valkey cannot be reached", error) from error
        raise
    return connection


class Wire(ABC):
    """A connection in use.

    Args:
        connection: It, connected.
        config: How it is watched.
        on_error: Called once when it breaks.
        room: While it is not set nothing is read, so that the rest waits in the server, which has a bound for it.
    """

    def __init__(
        self,
        connection: "Connection",
        config: "ValkeyConfig",
        on_error: "Callable[[BrokerError], None]",
        room: asyncio.Event,
    ) -> None:
        self.error: BrokerError | None = None
        """Why it is of no use any more."""
        self._connection: Connection = connection
        self._interval: float = config.health_interval
        self._patience: float = config.timeout
        self._on_error: Callable[[BrokerError], None] = on_error
        self._room: asyncio.Event = room
        self._out: list[bytes] = []
        self._has_out: asyncio.Event = asyncio.Event()
        self._has_heard: bool = False
        # In a context of their own: they outlive the socket that happened to be the first to need them.
        self._tasks: list[asyncio.Task[None]] = [
            asyncio.get_running_loop().create_task(self._guard(run), name=name, context=contextvars.Context())
            for run, name in (
                (self._read, "django_ws valkey read"),
                (self._write, "django_ws valkey write"),
                (self._watch, "django_ws valkey watch"),
            )
        ]

    async def close(self) -> None:
        """Disconnect."""
        self._fail(BrokerError("the link has been closed"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(self._patience):
                await self._connection.disconnect()
        except Exception:  # noqa: BLE001 - it is broken already
            return

    def send(self, commands: "Sequence[Sequence[str | bytes]]", /) -> None:
        """Let commands go out, in order, with whatever else is sent in this turn of the event loop.

        Raises:
            BrokerError: It is broken.
        """
        if self.error is not None:
            raise BrokerError(str(self.error))
        self._out += self._connection.pack_commands(commands)
        self._has_out.set()

    # A reply may be anything.
    @abstractmethod
    def hear(self, reply: Any, /) -> None:
        """Take a reply, or an error that the server replied with."""

    @abstractmethod
    def ping(self) -> None:
        """Ask for a sign of life."""

    @abstractmethod
    def give_up(self, error: BrokerError, /) -> None:
        """Let those go who wait for replies that will not come."""

    async def _guard(self, run: "Callable[[], Coroutine[object, object, None]]") -> None:
        try:
            await run()
        except BrokerError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody reads here any more
            self._fail(broken("the connection to Valkey broke", error))

    def _fail(self, error: BrokerError) -> None:
        if self.error is None:
            self.error = error
            self.give_up(error)
            self._on_error(error)

    def _is_silent(self) -> bool:
        return self._room.is_set() and not self._has_heard

    async def _read(self) -> None:
        read = self._connection.read_response
        while True:
            try:
                reply = await read(disable_decoding=True, disconnect_on_error=False)
            except ResponseError as error:
                reply = error
            self._has_heard = True
            self.hear(reply)
            if not self._room.is_set():
                await self._room.wait()
                self._has_heard = True

    async def _write(self) -> None:
        while True:
            await self._has_out.wait()
            self._has_out.clear()
            out, self._out = self._out, []
            await self._connection.send_packed_command(out, check_health=False)

    async def _watch(self) -> None:
        """Notice a peer that went without a word: TCP alone takes many minutes."""
        while True:
            self._has_heard = False
            await asyncio.sleep(self._interval)
            if self._is_silent():
                self.ping()
                await asyncio.sleep(self._patience)
                if self._is_silent():
                    raise BrokerError(f"Valkey has not answered for {self._interval + self._patience:g} s")


@final
class Asking(Wire):
    """A connection that publishes."""

    def __init__(
        self, connection: "Connection", config: "ValkeyConfig", on_error: "Callable[[BrokerError], None]"
    ) -> None:
        self._asked: deque[tuple[int, asyncio.Future[list[object]] | None]] = deque()
        self._replies: list[object] = []
        room = asyncio.Event()
        room.set()
        super().__init__(connection, config, on_error, room)

    async def ask(self, commands: "Sequence[Sequence[str | bytes]]", /) -> "list[object]":
        """Give the replies to commands; those that are errors, too.

        Raises:
            BrokerError: It broke; what has been carried out is not known.
        """
        self.send(commands)
        future: asyncio.Future[list[object]] = asyncio.get_running_loop().create_future()
        self._asked.append((len(commands), future))
        return await future

    @override
    def ping(self) -> None:
        """See :meth:`Wire.ping`."""
        self.send([("PING",)])
        self._asked.append((1, None))

    # See Wire.hear.
    @override
    def hear(self, reply: Any, /) -> None:
        """See :meth:`Wire.hear`."""
        self._replies.append(reply)
        number, future = self._asked[0]
        if len(self._replies) == number:
            self._asked.popleft()
            replies, self._replies = self._replies, []
            if future is not None and not future.done():
                future.set_result(replies)

    @override
    def give_up(self, error: BrokerError, /) -> None:
        """See :meth:`Wire.give_up`."""
        for _, future in self._asked:
            if future is not None and not future.done():
                future.set_exception(BrokerError(str(error)))


@final
class Hearing(Wire):
    """A connection that has subscribed.

    Args:
        connection: It, connected.
        config: How it is watched, and whether it is one to a node of a cluster.
        on_error: Called once when it breaks, and when the server has dropped a subscription.
        room: See :class:`Wire`.
        on_message: Called with every message: the channel's name as the server has it, and the payload.
    """

    def __init__(
        self,
        connection: "Connection",
        config: "ValkeyConfig",
        on_error: "Callable[[BrokerError], None]",
        room: asyncio.Event,
        on_message: "Callable[[bytes, bytes], None]",
    ) -> None:
        self._on_message: Callable[[bytes, bytes], None] = on_message
        sharded = "S" if config.cluster else ""
        self._subscribe: str = f"{sharded}SUBSCRIBE"
        self._unsubscribe: str = f"{sharded}UNSUBSCRIBE"
        self._joining: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._joined: int = 0
        self._leaving: Counter[bytes] = Counter()
        super().__init__(connection, config, on_error, room)

    async def subscribe(self, groups: "Sequence[Sequence[str]]", /) -> None:
        """Subscribe to the channels of each group, which are in one slot; return when all are confirmed.

        Raises:
            BrokerError: It broke.
        """
        self.send([(self._subscribe, *part) for group in groups for part in _parts(group)])
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joining.append((sum(map(len, groups)), future))
        await future

    def unsubscribe(self, groups: "Sequence[Sequence[str]]", /) -> None:
        """Unsubscribe from the channels of each group, which are in one slot.

        Raises:
            BrokerError: It is broken.
        """
        self._leaving.update(name.encode() for group in groups for name in group)
        self.send([(self._unsubscribe, *part) for group in groups for part in _parts(group)])

    @override
    def ping(self) -> None:
        """See :meth:`Wire.ping`."""
        self.send([("PING",)])

    # See Wire.hear.
    @override
    def hear(self, reply: Any, /) -> None:
        """See :meth:`Wire.hear`."""
        if isinstance(reply, ResponseError):
            raise broken("Valkey refuses", reply)
        match reply:
            case [b"message" | b"smessage", name, payload]:
                self._on_message(name, payload)
            case [b"subscribe" | b"ssubscribe", *_]:
                self._confirm()
            case [b"unsubscribe" | b"sunsubscribe", name, _]:
                self._left(name)
            case _:  # the answer to a ping
                pass

    @override
    def give_up(self, error: BrokerError, /) -> None:
        """See :meth:`Wire.give_up`."""
        for _, future in self._joining:
            if not future.done():
                future.set_exception(BrokerError(str(error)))

    def _confirm(self) -> None:
        self._joined += 1
        number, future = self._joining[0]
        if self._joined == number:
            self._joined = 0
            self._joining.popleft()
            if not future.done():
                future.set_result(None)

    def _left(self, name: bytes) -> None:
        if not self._leaving[name]:
            raise BrokerError("a node of the Valkey cluster has given a slot away to another")
        self._leaving[name] -= 1
        if not self._leaving[name]:
            del self._leaving[name]


def _parts(names: "Sequence[str]") -> "list[Sequence[str]]":
    return [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
