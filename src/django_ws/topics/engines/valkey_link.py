"""The link of an event loop to a Valkey or a cluster of them: what it hears, and what it publishes."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, final

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.valkey_config import Slots, broken, by_node, is_moved, refusals
from django_ws.topics.engines.valkey_ends import Asking, Hearing
from django_ws.topics.engines.valkey_wire import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.exceptions import ResponseError

    from django_ws.interfaces import ChannelMessage
    from django_ws.topics.engines.valkey_config import Address, Command, Connection, ValkeyConfig

__all__ = ["ValkeyLink", "find_slots"]

_BATCH: Final = 100
"""Messages that are given at once."""
_MOST: Final = 1000
"""Messages that may wait; what is more waits in the sockets, then in the server until its bound."""


async def find_slots(config: "ValkeyConfig", known: "Sequence[Address]") -> Slots:
    """Ask the first node of a cluster that answers, of ``LOCATION`` and of those known, who has which slots.

    Raises:
        BrokerError: None answers.
    """
    last: BrokerError | None = None
    for address in (*range(len(config.loops)), *known):
        connection = config.connection(address)
        try:
            connection = await opened(connection, config.timeout)
            try:
                async with asyncio.timeout(config.timeout):
                    await connection.send_packed_command(connection.pack_commands([("CLUSTER", "SLOTS")]))
                    rows = await connection.read_response(disable_decoding=True)
            finally:
                await connection.disconnect()
            return Slots(rows, config.host_of(address))
        except BrokerError as error:
            last = error
        except Exception as error:  # noqa: BLE001 - redis-py's, the system's, or a reply that is no list of slots
            last = broken("Valkey gives no slots", error)
    raise BrokerError(str(last))


@final
class ValkeyLink:
    """A link; made by :meth:`open`.

    Args:
        config: Where the Valkey is.
        slots: Which node has what, for a cluster.
    """

    def __init__(self, config: "ValkeyConfig", slots: Slots | None) -> None:
        self._config: ValkeyConfig = config
        self._slots: Slots | None = slots
        self._is_stale: bool = False
        self._skip: int = len(config.prefix.encode())
        self._ears: dict[Address | int, Hearing] = {}
        self._mouths: dict[Address | int, Asking] = {}
        self._opening: asyncio.Lock = asyncio.Lock()
        self._messages: deque[ChannelMessage] = deque()
        self._wake: asyncio.Event = asyncio.Event()
        self._room: asyncio.Event = asyncio.Event()
        self._room.set()
        self._subscribing: int = 0
        self._unreached: dict[Address | int, BrokerError] = {}
        self._closing: list[asyncio.Task[None]] = []
        self._error: BrokerError | None = None

    @classmethod
    async def open(cls, config: "ValkeyConfig", known: "Sequence[Address]") -> "ValkeyLink":
        """Connect.

        Args:
            config: Where the Valkey is.
            known: Nodes of the cluster that were seen before, for when those of ``LOCATION`` do not answer.

        Raises:
            BrokerError: It cannot be reached.
        """
        if config.cluster:
            return cls(config, await find_slots(config, known))
        link = cls(config, None)
        link._hear(0, await link._open(0))
        return link

    @property
    def nodes(self) -> "list[Address]":
        """The nodes of the cluster."""
        return [] if self._slots is None else self._slots.addresses()

    async def subscribe(self, channels: "Sequence[str]", /) -> None:
        """Take the messages of these channels; return when the server has confirmed it."""
        self._check()
        self._subscribing += 1
        # The confirmations come behind the messages that wait.
        self._room.set()
        try:
            for address, groups in self._grouped(channels).items():
                ear = self._ears.get(address)
                if ear is None:
                    ear = self._hear(address, await self._open(address))
                await ear.subscribe(groups)
        except BrokerError as error:
            self._fail(error)
            raise
        finally:
            self._subscribing -= 1

    async def unsubscribe(self, channels: "Sequence[str]", /) -> None:
        """Take them no more."""
        self._check()
        for address, groups in self._grouped(channels).items():
            ear = self._ears.get(address)
            if ear is not None:
                ear.unsubscribe(groups)

    async def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish, over a connection that is made for it when it is first needed, and anew after it broke."""
        commands = self._config.commands(messages)
        self._check()
        if self._is_stale:
            await self._refresh()
        try:
            refused = await self._ask(commands)
            if refused and self._slots is not None and all(is_moved(error) for _, error in refused):
                await self._refresh()
                refused = await self._ask([command for command, _ in refused])
        except BrokerError:
            self._is_stale = self._slots is not None
            raise
        if refused:
            raise broken("Valkey refuses", refused[0][1])

    async def receive(self) -> "Sequence[ChannelMessage]":
        """Wait for messages; what came before the connection broke is given before the error."""
        waiting = self._messages
        while not waiting:
            self._check()
            self._wake.clear()
            await self._wake.wait()
        if len(waiting) <= _BATCH:
            batch = list(waiting)
            waiting.clear()
        else:
            batch = [waiting.popleft() for _ in range(_BATCH)]
        self._room.set()
        return batch

    async def close(self) -> None:
        """Disconnect."""
        self._fail(BrokerError("the link has been closed"))
        wires = [*self._ears.values(), *self._mouths.values()]
        self._ears.clear()
        self._mouths.clear()
        # In tasks of their own: where this is cancelled, each of them disconnects all the same.
        self._closing += [asyncio.get_running_loop().create_task(wire.close()) for wire in wires]
        if self._closing:
            await asyncio.wait(self._closing)

    # --- inside ------------------------------------------------------------------------------------

    async def _open(self, address: "Address | int") -> "Connection":
        connection = await opened(self._config.connection(address), self._config.timeout)
        if self._error is not None:  # it has been closed meanwhile
            await connection.disconnect()
            self._check()
        return connection

    def _hear(self, address: "Address | int", connection: "Connection") -> Hearing:
        ear = Hearing(connection, self._config, self._fail, self._room, self._put)
        self._ears[address] = ear
        return ear

    def _put(self, name: bytes, payload: bytes) -> None:
        self._messages.append((name[self._skip :].decode(), payload))
        self._wake.set()
        if len(self._messages) >= _MOST and not self._subscribing:
            self._room.clear()

    def _fail(self, error: BrokerError) -> None:
        if self._error is None:
            self._error = error
            self._wake.set()
            self._room.set()

    def _check(self) -> None:
        if self._error is not None:
            raise BrokerError(str(self._error))

    async def _refresh(self) -> None:
        self._slots = await find_slots(self._config, self.nodes)
        self._is_stale = False

    def _grouped(self, channels: "Sequence[str]") -> "dict[Address | int, list[list[str]]]":
        """Give the names as the server has them, by node, and there by slot."""
        names = [self._config.prefix + channel for channel in channels]
        if self._slots is None:
            return {0: [names]}
        by_slot: dict[int, list[str]] = {}
        for name in names:
            by_slot.setdefault(Slots.slot_of(name), []).append(name)
        grouped: dict[Address | int, list[list[str]]] = {}
        for group in by_slot.values():
            grouped.setdefault(self._slots.address_of(group[0]), []).append(group)
        return grouped

    async def _ask(self, commands: "Sequence[Command]") -> "list[tuple[Command, ResponseError]]":
        """Publish; give what was refused.

        Raises:
            BrokerError: A connection broke.
        """
        refused: list[tuple[Command, ResponseError]] = []
        for address, asked in by_node(self._slots, commands).items():
            mouth = self._mouths.get(address)
            if mouth is None or mouth.error is not None:
                mouth = await self._open_mouth(address)
            replies = await mouth.ask(asked)
            refused += refusals(asked, replies)
        return refused

    async def _open_mouth(self, address: "Address | int") -> Asking:
        before = self._unreached.get(address)
        async with self._opening:
            self._check()
            mouth = self._mouths.get(address)
            if mouth is None or mouth.error is not None:
                error = self._unreached.get(address)
                if error is not None and error is not before:
                    # Tried while this one waited for its turn: not everybody need wait as long, one after the other.
                    raise BrokerError(str(error))
                if mouth is not None:
                    await mouth.close()
                try:
                    mouth = self._mouths[address] = Asking(await self._open(address), self._config, _ignore)
                except BrokerError as failed:
                    self._unreached[address] = BrokerError(str(failed))
                    raise
            return mouth


def _ignore(_: BrokerError) -> None:
    """Let those who wait for replies be told: what is heard has no gap."""
