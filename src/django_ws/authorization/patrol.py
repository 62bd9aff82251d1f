"""What listens on the control channel: one member for each event loop that serves sockets, while it does.

The channel is joined in the background, so no handshake waits for the engine. What was ordered before the engine has
confirmed it, or while the engine was away, nobody knows here: so every socket with a user or a session is then looked
up afresh, a few at a time. Nothing is lost without a word.
"""

import asyncio
import contextvars
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from django_ws.authorization.control import Control, reaches_others, read_order
from django_ws.exceptions import BrokerError
from django_ws.handler.runtime import runtime
from django_ws.standing import has_identity

if TYPE_CHECKING:
    from collections.abc import Sized

    from django_ws.interfaces import TopicDelivery

__all__ = ["Patrol", "reaches_others"]

logger: Final = logging.getLogger("django_ws")

_LOOK: Final = 30.0
"""Seconds between two looks whether there still are sockets."""


@final
class Patrol:
    """Hears orders for one application.

    Args:
        running: The application's connections, those at their handshakes included.
    """

    __slots__ = ("_running", "_tasks")

    def __init__(self, running: "Sized") -> None:
        self._running: Sized = running
        # A process has one event loop, but for tests, which have many.
        self._tasks: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """A connection has come to this event loop."""
        loop = asyncio.get_running_loop()
        if loop in self._tasks:
            return
        for closed in [other for other in self._tasks if other.is_closed()]:
            del self._tasks[closed]
        # In a context of its own: it outlives the connection that happened to be the first.
        self._tasks[loop] = loop.create_task(self._run(loop), name="django_ws control", context=contextvars.Context())

    def stop(self) -> None:
        """Hear of nothing more."""
        for loop, task in list(self._tasks.items()):
            if not loop.is_closed():
                task.cancel()

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while self._running:
                # Who subscribes to it tries again and again, and says so in the log.
                with suppress(BrokerError):
                    await self._listen()
        except Exception:
            logger.exception("Sockets cannot hear of orders to close from other processes")
            # Not again at each connection: what is wrong is the settings.
            await asyncio.sleep(_LOOK)
        finally:
            del self._tasks[loop]

    async def _listen(self) -> None:
        membership = await Control().join(self)
        try:
            self.ws_gap()
            while self._running:  # noqa: ASYNC110 - no connection is to do anything for it when it ends
                await asyncio.sleep(_LOOK)
        finally:
            membership.leave(self)

    # --- as a member of the channel -----------------------------------------------------------------

    def ws_deliver(self, delivery: "TopicDelivery", /) -> None:
        """Take an order; called by the hub."""
        try:
            order = read_order(delivery.event)
        except ValueError as error:
            logger.warning("An order to close that nobody can read came (%s); all sockets are checked instead", error)
            self.ws_gap()
        else:
            runtime().obey(order)

    def ws_gap(self, topic: object = None, /) -> None:
        """Look up every login afresh, for orders may have been lost; called by the hub."""
        del topic
        here = runtime()
        here.check([socket for socket in here.sockets() if has_identity(socket.request)])
