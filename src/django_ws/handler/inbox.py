"""Reading on while a hook runs for long, so that the client's end is noticed.

The common path has no reader: the socket's own task awaits each message and handles it. Only where a hook has been
running for longer than a tick (:mod:`django_ws.handler.runtime`) is an inbox made. Its reader takes in what comes, up
to a bound; when that is reached it stops, the server stops reading, and the pressure goes back to the client's TCP
connection. When the hook is done and the inbox empty, the socket goes back to the common path.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, final

from django_ws.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.interfaces import Connection, Data

__all__ = ["Inbox"]


@final
class Inbox:
    """Messages received and not yet handled, and the task that reads them.

    Args:
        connection: What is read.
        max_messages: How many may wait before reading stops.
        on_end: Called once, when the end of the connection is read.
    """

    __slots__ = ("_connection", "_error", "_max_messages", "_messages", "_on_end", "_reader", "_stopping")

    def __init__(self, connection: "Connection", max_messages: int, on_end: "Callable[[], None]") -> None:
        self._connection: Connection = connection
        self._max_messages: int = max_messages
        self._on_end: Callable[[], None] = on_end
        self._messages: deque[Data] = deque()
        self._error: Exception | None = None
        self._stopping: bool = False
        self._reader: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Count the messages that wait to be handled."""
        return len(self._messages)

    def read_on(self) -> None:
        """Read, until the bound, the end, or the next :meth:`get` that finds nothing; no-op while it does."""
        self._stopping = False
        if self._reader is None and self._error is None and len(self._messages) < self._max_messages:
            self._reader = asyncio.get_running_loop().create_task(self._read(), name="websocket:reader")

    async def _read(self) -> None:
        try:
            while len(self._messages) < self._max_messages and not self._stopping:
                self._messages.append(await self._connection.receive())
        except ConnectionClosed as closed:
            self._error = closed
            self._on_end()
        except Exception as error:  # noqa: BLE001 - raised again in the socket's own task, by get()
            self._error = error
        finally:
            self._reader = None

    async def get(self) -> "Data | None":
        """Give the next message in order of arrival.

        Returns:
            ``None`` when the inbox is done with: nothing waits and nothing is being read.

        Raises:
            ConnectionClosed: The connection has ended and nothing waits.
        """
        if not self._messages and self._reader is not None:
            # The reader is in the middle of a receive, which must not be cancelled lest its message be lost.
            self._stopping = True
            await asyncio.wait([self._reader])
        if self._messages:
            return self._messages.popleft()
        if self._error is not None:
            raise self._error
        return None

    def drop(self) -> int:
        """Give up what waits.

        Returns:
            How many messages that were.
        """
        dropped = len(self._messages)
        self._messages.clear()
        return dropped

    # The reader's result is None; asyncio.wait takes tasks of any.
    def stop(self) -> "list[asyncio.Task[Any]]":
        """Cancel the reader and give it to be waited for."""
        if self._reader is None:
            return []
        self._reader.cancel()
        return [self._reader]
