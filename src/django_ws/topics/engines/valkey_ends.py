"""The two connections to a Valkey that a link has: one asks (and so publishes), one hears what it has subscribed to."""

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, final

from redis.exceptions import ResponseError
from typing_extensions import override

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.valkey_config import broken
from django_ws.topics.engines.valkey_wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django_ws.topics.engines.valkey_config import Connection, ValkeyConfig

__all__ = ["Asking", "Hearing"]

_AT_ONCE: Final = 1000
"""Channels in one command."""


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
