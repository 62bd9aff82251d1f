"""One event loop's connections to PostgreSQL."""

import asyncio
import random
from collections import deque
from typing import TYPE_CHECKING, Any, Final, final

from psycopg import sql

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.postgres.connection import deadline, is_over, missing_table, open_connection, sever
from django_ws.topics.engines.postgres.outbox import FETCH, PUBLISH, TABLE_ID, TEND, read, waking_channel, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection
    from psycopg.rows import TupleRow

    from django_ws.interfaces import ChannelMessage
    from django_ws.topics.engines.postgres.outbox import Note

__all__ = ["PostgresLink"]

_BATCH: Final = 100
"""Messages that are given at once."""
_ROWS: Final = 10
"""Those of them that may be fetched: each may be large."""
_TEND_EVERY: Final = 15.0
"""Seconds between two looks whether the server is still there, and which rows have had their time."""
_PRUNED_AT_ONCE: Final = 1000
_NO_TRANSACTION: Final = "0"


@final
class PostgresLink:
    """Hears of events over one connection, publishes over another, which is opened by the first ``publish()``.

    Every link is notified of every event of the database and leaves out what nobody here has subscribed to. So a
    subscription needs no word to the server, and what is committed after it is never missed.

    Args:
        hearing: Arguments of the connection that hears.
        publishing: Arguments of the one that publishes.
        role: What both take on, if it is not empty.
        retention: Seconds for which a committed row is kept.
        timeout: Seconds within which the server must answer.
    """

    # The arguments of psycopg.connect() have any type.
    def __init__(
        self, hearing: dict[str, Any], publishing: dict[str, Any], *, role: str, retention: float, timeout: float
    ) -> None:
        self._hearing: dict[str, Any] = hearing
        self._publishing: dict[str, Any] = publishing
        self._role: str = role
        self._retention: float = retention
        self._timeout: float = timeout
        self._listener: AsyncConnection[TupleRow] | None = None
        self._publisher: AsyncConnection[TupleRow] | None = None
        self._turn: asyncio.Lock = asyncio.Lock()
        self._receiving: asyncio.Lock = asyncio.Lock()
        self._is_closed: bool = False
        self._channels: set[str] = set()
        self._notes: deque[Note] = deque()
        self._table: int = 0
        # Not all processes at once, where they have been started together.
        self._tend_at: float = self._now() + random.uniform(0, _TEND_EVERY)  # noqa: S311
        self._over: str = _NO_TRANSACTION
        self._over_since: float = 0.0

    async def open(self) -> None:
        """Connect, and hear of everything that is committed from now on.

        Raises:
            BrokerError: The server cannot be reached, or has no table of the engine.
        """
        listener = await open_connection(self._hearing, self._role)
        try:
            with deadline(listener, self._timeout):
                row = await (await listener.execute(TABLE_ID)).fetchone()
                self._table = _identity(row)
                await listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(waking_channel(self._table))))
        except BaseException:
            await listener.close()
            raise
        self._listener = listener

    async def subscribe(self, channels: "Sequence[str]", /) -> None:
        """Take the messages of these channels from now on.

        Raises:
            BrokerError: The connection broke.
        """
        self._channels.update(channels)
        # Who receives notices a loss; where nobody does, it must be asked for.
        if not self._receiving.locked():
            async with self._receiving:
                listener = self._open_listener()
                with deadline(listener, self._timeout):
                    await listener.execute("SELECT 1")

    async def unsubscribe(self, channels: "Sequence[str]", /) -> None:
        """Take them no more."""
        self._channels.difference_update(channels)

    async def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish, as a transaction of its own.

        Raises:
            PayloadTooBigError: One is too big; none was published.
            BrokerError: The connection broke; whether they were published is not known.
        """
        parameters = write(messages)
        async with self._turn:
            # What broke here was heard of by nobody, so another connection hides no loss.
            if self._publisher is not None and is_over(self._publisher):
                await self._publisher.close()
                self._publisher = None
            if self._publisher is None:
                self._check_open()
                self._publisher = await open_connection(self._publishing, self._role)
            self._check_open()
            with deadline(self._publisher, self._timeout):
                await self._publisher.execute(PUBLISH, parameters, binary=True)

    async def receive(self) -> "Sequence[ChannelMessage]":
        """Wait for messages.

        Raises:
            BrokerError: The connection broke, or a message was deleted before it could be fetched.
        """
        async with self._receiving:
            return await self._receive(self._open_listener())

    async def _receive(self, listener: "AsyncConnection[TupleRow]") -> "list[ChannelMessage]":
        while True:
            pause = self._tend_at - self._now()
            if pause <= 0:
                await self._tend(listener)
            elif self._notes:
                return await self._take(listener)
            else:
                # The server need not say anything for so long, but must then answer _tend().
                with deadline(listener, pause + self._timeout):
                    async for notification in listener.notifies(timeout=pause, stop_after=1):
                        note = read(notification.payload)
                        if note.channel in self._channels:
                            self._notes.append(note)

    async def close(self) -> None:
        """Close the connections."""
        self._is_closed = True
        for connection in (self._listener, self._publisher):
            if connection is not None:
                # Whoever uses it right now wakes up by that, and closing waits for no server.
                sever(connection)
        async with self._receiving, self._turn:
            listener, self._listener = self._listener, None
            publisher, self._publisher = self._publisher, None
        for connection in (listener, publisher):
            if connection is not None:
                await connection.close()

    async def _take(self, listener: "AsyncConnection[TupleRow]") -> "list[ChannelMessage]":
        """Take the first notes, and fetch what they say is stored."""
        notes: list[Note] = []
        keys: list[str] = []
        while self._notes and len(notes) < _BATCH and len(keys) < _ROWS:
            note = self._notes.popleft()
            notes.append(note)
            if note.key:
                keys.append(note.key)
        stored: dict[str, bytes] = {}
        if keys:
            try:
                with deadline(listener, self._timeout):
                    stored = dict(await (await listener.execute(FETCH, [keys], binary=True)).fetchall())
            except BaseException:
                # Cancelled, perhaps: whoever receives next is to have them.
                self._notes.extendleft(reversed(notes))
                raise
            if len(stored) < len(keys):
                raise BrokerError(
                    f"{len(keys) - len(stored)} of {len(keys)} messages had been deleted before they were fetched: "
                    f"this process was behind by more than RETENTION, {self._retention} seconds"
                )
        return [(note.channel, stored[note.key] if note.key else note.payload) for note in notes]

    async def _tend(self, listener: "AsyncConnection[TupleRow]") -> None:
        """Look whether all is as it was, and delete the rows that have had their time."""
        now = self._now()
        is_due = now - self._over_since >= self._retention
        with deadline(listener, self._timeout):
            over = self._over if is_due else _NO_TRANSACTION
            row = await (await listener.execute(TEND, [over, _PRUNED_AT_ONCE])).fetchone()
        table, over_now, pruned = row or (None, _NO_TRANSACTION, 0)
        if table != self._table:
            raise BrokerError("the table django_ws_postgres_message was made anew")
        if pruned >= _PRUNED_AT_ONCE:
            return  # there is more of it
        if is_due:
            # The moment after the answer, so that RETENTION is kept to the full.
            self._over, self._over_since = over_now, self._now()
        self._tend_at = now + _TEND_EVERY

    def _open_listener(self) -> "AsyncConnection[TupleRow]":
        if self._listener is None:
            raise BrokerError("the link is closed")
        return self._listener

    def _check_open(self) -> None:
        if self._is_closed:
            raise BrokerError("the link is closed")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _identity(row: "TupleRow | None") -> int:
    """Give the answer to TABLE_ID.

    Raises:
        BrokerError: There is no table.
    """
    if row is None or row[0] is None:
        raise BrokerError(missing_table())
    return int(row[0])
