"""One asynchronous connection to a Valkey: read, written and watched by tasks of its own, and never mended.

What waits for a reply can so be cancelled at any time without harm to the connection, commands of many tasks go out
together, and everything that the server has sent already is read in one go.
"""

import asyncio
import contextvars
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.valkey_config import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from django_ws.topics.engines.valkey_config import Connection, ValkeyConfig

__all__ = ["Wire", "opened"]


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
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            async with asyncio.timeout(self._patience):
                await self._connection.disconnect()
        except Exception:  # noqa: BLE001 - it is broken already
            return
        except asyncio.CancelledError:
            await self._connection.disconnect(nowait=True)
            raise

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
