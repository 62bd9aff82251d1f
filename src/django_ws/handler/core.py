"""The life of one socket: the handshake, the waits, and what may break into them.

Theory of operation. A socket runs in one task, the server's. It awaits a message, runs the hook, awaits the next:
no reader task, no queue. Three things may have to break into that: the end of the connection noticed while a hook
runs (:mod:`django_ws.handler.inbox`), our own ``close`` called by another task while the socket waits (some servers
never end that wait), and an outbox that overflows. Each *interrupts*: it cancels the socket's task and owns up to it,
as :func:`asyncio.timeout` does, so that a cancellation from outside is told from ours and passed on. An idle timeout
interrupts in the same way.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse

from django_ws.close_codes import CloseCode
from django_ws.exceptions import ConnectionClosed
from django_ws.handler.inbox import Inbox
from django_ws.handler.rate import Flood, TokenBucket
from django_ws.handler.runtime import RECEIVING, RUNNING, Phase
from django_ws.handler.threads import ThreadedSocket
from django_ws.handler.waiting import start_eagerly
from django_ws.refusals import Limit
from django_ws.signals import announce, websocket_opened

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from django_ws.interfaces import Data, Headers

__all__ = ["SocketCore"]

access_logger: Final = logging.getLogger("django_ws.access")


class SocketCore(ThreadedSocket):
    """The part of a socket that its user does not see."""

    __slots__ = ()

    # --- begin ------------------------------------------------------------------------------------

    async def _handshake(self) -> "HttpResponseBase | None":
        """Ask :meth:`on_connect`, then accept.

        Returns:
            What the handshake is to be denied with; ``None`` if it was accepted, or the client has gone.
        """
        connection = self._connection
        try:
            response = await self._ask_guards() if self._guards else None
            if response is None:
                response = await self.on_connect()
            if response is None and not connection.is_answered:
                subprotocol = self.select_subprotocol(connection.subprotocols)
                if subprotocol is None and self.subprotocol_required:
                    response = self._without_subprotocol()
                else:
                    await self._accept(subprotocol)
        except GeneratorExit:
            raise  # the loop is gone: nothing can be awaited
        except BaseException as error:
            owed = await self._give_up()
            if not isinstance(error, ConnectionClosed) or connection.is_open or not connection.is_answered:
                raise
            response = None
        else:
            owed = False if connection.is_open else await self._give_up()
        if owed:
            raise asyncio.CancelledError
        return response

    async def _ask_guards(self) -> "HttpResponseBase | None":
        for guard in self._guards:
            response = await guard(self.request)
            if response is not None:
                return response
        return None

    def _without_subprotocol(self) -> HttpResponse:
        spoken = ", ".join(self.subprotocols)
        self._log(logging.WARNING, "denied with 400: the client offers none of its subprotocols (%s)", spoken)
        text = f"Offer one of these in Sec-WebSocket-Protocol: {spoken}\n"
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")

    async def _give_up(self) -> bool:
        """Clean up after a handshake that came to nothing: there was no ``on_open``, so there is no ``on_close``.

        The connection may be open for all that: ``on_connect`` may accept by itself and then fail.

        Returns:
            Whether the socket's task was cancelled during the clean-up.
        """
        self._finishing = True
        owed = await self._stop_tasks()
        if self._outbox is not None:
            owed |= await self._run_logged(self._outbox.flush(0), "flush")
        return owed

    def _begin(self) -> None:
        """Enter the life after the handshake: from now on :meth:`_finish` must be awaited."""
        self._task = asyncio.current_task()
        self.ws_phase: Phase = RUNNING
        self._opened_at = self._runtime.add(self)
        if self._options.idle_timeout is not None:
            self._runtime.idle.add(self, self._options.idle_timeout)
        if access_logger.isEnabledFor(logging.INFO):
            access_logger.info("opened %s", self._name, extra=self._fields())
        if self._close_code is not None:
            # It overflowed in on_connect, where there was no task to interrupt yet.
            asyncio.get_running_loop().call_soon(self._interrupt)

    async def accept(self, subprotocol: str | None = None, headers: "Headers" = ()) -> None:
        """Accept the handshake. Only for ``on_connect``, and only to say more than it would be accepted with.

        Args:
            subprotocol: One that the client offers; ``None``: what :meth:`select_subprotocol` chooses.
            headers: More headers for the response (daphne and granian do not send them).

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
            ValueError: A subprotocol that was not offered, or a header that HTTP cannot carry.
        """
        if subprotocol is None:
            subprotocol = self.select_subprotocol(self._connection.subprotocols)
        await self._accept(subprotocol, headers)

    async def _accept(self, subprotocol: str | None, headers: "Headers" = ()) -> None:
        if self._accept_headers:
            headers = [*self._accept_headers, *headers]
        await self._connection.accept(subprotocol, headers)
        self.subprotocol: str | None = subprotocol

    def add_accept_headers(self, headers: "Headers", /) -> None:
        """Send these headers, too, as the handshake is accepted: for middleware. No-op after that.

        daphne and granian do not send them.
        """
        self._accept_headers = [*self._accept_headers, *headers]

    async def _announce_opened(self) -> None:
        """Send the signal; what is cancelled here has not come to ``on_open``, so there is no ``on_close``."""
        self._opening = True
        told = start_eagerly(announce(websocket_opened, self._sender, websocket=self))
        try:
            await asyncio.wait([told])
        except asyncio.CancelledError:
            # websocket_closed follows, and whoever counts needs both: those who have not begun yet are told, too.
            await self._wait_for(told, "websocket_opened")
            raise
        await told
        self._opening = False

    # --- receive ----------------------------------------------------------------------------------

    async def _next(self) -> "Data":
        """Wait for the next message, however it comes.

        Raises:
            ConnectionClosed: The connection has ended and nothing waits.
        """
        if self._lane.used:
            self._lane.give_back()
        self.ws_phase = RECEIVING
        try:
            if self._inbox is not None:
                if self._closing and not self._connection.is_open:
                    raise ConnectionClosed(self._connection.close_code or CloseCode.ABNORMAL_CLOSURE)
                data = await self._inbox.get()
                if data is not None:
                    return data
                self._inbox = None
            return await self._connection.receive()
        finally:
            # Also after a time-out, or where the end is read by another task than the socket's own: code runs again,
            # and the ticker must look after it.
            self.ws_phase = RUNNING
            self._runtime.active = True

    async def _throttle(self) -> None:
        """Get a new lease of messages from the bucket, which may have to fill up first.

        Raises:
            ConnectionClosed: The client sends too fast, and is not made to wait.
        """
        options, loop = self._options, asyncio.get_running_loop()
        if self._bucket is None:
            self._bucket = TokenBucket(
                options.messages_per_second, options.messages_burst, options.first_lease, loop.time()
            )
        while not (leased := self._bucket.lease(loop.time())):
            waits = options.flood is Flood.WAIT
            what = "they wait their turn" if waits else "closed with 1008"
            text = f"more than {options.messages_per_second:g} messages a second came; {what}"
            self._refused(Limit.MESSAGE_RATE, text)
            if not waits:
                await self._close(CloseCode.POLICY_VIOLATION, "too many messages")
                raise ConnectionClosed(CloseCode.POLICY_VIOLATION)
            self._throttled = True
            try:
                await asyncio.sleep(self._bucket.wait)
            finally:
                self._throttled = False
        self._allowed += leased

    def ws_idle(self) -> None:
        """End the connection: the client has been silent for too long."""
        self._refused(Limit.IDLE_TIME, f"no message came for {self._options.idle_timeout:g} s; closed with 3008")
        self._close_code = CloseCode.TIMEOUT
        self._interrupt()

    def ws_tick(self) -> None:
        """Take note that one hook has been running for a tick; read on at the second, to notice the end."""
        if self.ws_phase is RUNNING:
            self.ws_phase = Phase.LONG
            return
        if self._inbox is None:
            self._inbox = Inbox(self._connection, self._options.inbox_messages, self._end_noticed)
        self._inbox.read_on()
