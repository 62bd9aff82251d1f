"""The thin async connection: a machine, the server's two callables, and the habits of real servers made equal.

What servers do differently, and what is made of it here:

- ``send`` on a connection that has ended raises an ``OSError`` (uvicorn), a ``RuntimeError`` (uvicorn on
  ``websockets``) or nothing (hypercorn, granian, daphne). Here: always ``ConnectionClosed``, and nothing is sent.
- A disconnect has no code (daphne), or the server lacks the denial response (daphne). Here: 1005, and a plain 403.
- daphne's ``close`` raises for every code but 1000 and 3000 to 4999, and leaves the socket open. Here: the code plus
  3000 (1011 becomes 4011) is sent in its place.
- A close reason over 123 bytes breaks the frame on some servers. Here: cut on a character's border.
"""

import logging
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from django_ws.close_codes import CloseCode, truncate_reason
from django_ws.exceptions import ConnectionClosed, LocalProtocolError
from django_ws.protocol.asgi import (
    build,
    build_data,
    offered_subprotocols,
    parse,
    parse_data,
    raw_headers,
    supports_denial_response,
)
from django_ws.protocol.events import Accept, Close, DenialEnd, DenialStart, Lost, Send
from django_ws.protocol.machine import Machine
from django_ws.protocol.rest import GONE, Rest
from django_ws.protocol.states import APPLICATION_TRANSITIONS, ApplicationState, PeerState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator
    from contextvars import Context

    from django_ws.aliases import ASGIReceive, ASGISend, Frame, Headers, Scope
    from django_ws.protocol.events import ApplicationEvent

__all__ = ["ASGIConnection"]

logger: Final = logging.getLogger("django_ws.protocol")


# By names of their own: on Python 3.11 a member of an Enum, asked for by its class, costs as much as a coroutine.
_PEER_CONNECTING: Final = PeerState.CONNECTING
_PEER_OPEN: Final = PeerState.OPEN
_PEER_LOST: Final = PeerState.LOST
_WAITING: Final = ApplicationState.WAITING
_OPEN_ROW: Final = APPLICATION_TRANSITIONS[ApplicationState.OPEN]
"""The only one that has ``Send``."""
_UNANSWERED: Final = (_WAITING, ApplicationState.CONNECTING)

_PLAIN_ACCEPT: Final = Accept()

_TAKEN: Final = object()
"""What stepping a finished awaitable gives."""

_FALLBACK_OFFSET: Final = 3000
"""Added to a code that the server refuses: 1011 -> 4011."""

_FIRST_STATUS: Final = 200
_LAST_STATUS: Final = 599


@final
class _Made:
    """The event that many connections share, and a copy to know by whether it is as it was made."""

    __slots__ = ("event", "kept")

    # ASGI: events are open dicts, so their values are Any.
    def __init__(self, event: dict[str, Any]) -> None:
        self.event: dict[str, Any] = event
        self.kept: dict[str, Any] = event.copy()


@final
class ASGIConnection:
    """The :class:`~django_ws.interfaces.Connection` over an ASGI server (www.rst, "WebSocket").

    Args:
        scope: The ``websocket`` scope; read, never changed.
        receive: The server's ``receive``.
        send: The server's ``send``.
    """

    __slots__ = ("_machine", "_receive", "_scope", "_send")

    def __init__(self, scope: "Scope", receive: "ASGIReceive", send: "ASGISend", /) -> None:
        self._scope: Scope = scope
        self._receive: ASGIReceive = receive
        self._send: ASGISend = send
        self._machine: Machine = Machine()

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers, in its order of preference (RFC 6455 section 1.9)."""
        return offered_subprotocols(self._scope)

    @property
    def is_open(self) -> bool:
        """Whether the handshake was accepted and neither side has closed."""
        return Send in self._machine.application_row

    @property
    def is_answered(self) -> bool:
        """Whether the handshake has got its answer, or the client left before one."""
        return self._machine.application_state not in _UNANSWERED

    @property
    def close_code(self) -> int | None:
        """The code of the first close, whoever sent it; ``None`` before."""
        return self._machine.close_code

    @property
    def close_reason(self) -> str:
        """The reason of the first close; empty where there was none."""
        return self._machine.close_reason

    async def accept(self, subprotocol: str | None = None, headers: "Headers" = ()) -> None:
        """Accept the handshake.

        Args:
            subprotocol: One of :attr:`subprotocols`, or ``None``.
            headers: More headers for the response; daphne and granian do not send them.

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
            ValueError: A subprotocol that was not offered, or a header that HTTP cannot carry.
        """
        if subprotocol is not None and subprotocol not in self.subprotocols:
            raise ValueError(
                f"the subprotocol {subprotocol!r} was not offered by the client, which would fail the handshake; it "
                f"offered {len(self.subprotocols)} others (RFC 6455 section 4.2.2)"
            )
        event = Accept(subprotocol, raw_headers(headers)) if subprotocol is not None or headers else _PLAIN_ACCEPT
        if self._machine.peer_state is not _PEER_OPEN:
            await self._await_connect()
        self._machine.send(event)
        await self._transmit(event)

    async def deny(self, status: int = 403, headers: "Headers" = (), body: bytes = b"") -> None:
        """Refuse the handshake with an HTTP response; 403 where the server has no denial response.

        Args:
            status: 200 to 599.
            headers: The response's headers; ``content-length`` is added if it is missing.
            body: The response's body.

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
            ValueError: Another status, or a header that HTTP cannot carry.
        """
        if not _FIRST_STATUS <= status <= _LAST_STATUS:
            raise ValueError(f"a handshake is denied with a status from 200 to 599, not {status}")
        raw = raw_headers(headers)
        if not any(name == b"content-length" for name, _ in raw):
            raw = (*raw, (b"content-length", b"%d" % len(body)))
        await self._await_connect()
        # A Close would be legal on an open connection too; a DenialStart is refused there by the table.
        is_answered = DenialStart not in self._machine.application_row
        events: tuple[ApplicationEvent, ...] = (
            (DenialStart(status, raw), DenialEnd(body))
            if is_answered or supports_denial_response(self._scope)
            else (Close(),)
        )
        for event in events:
            self._machine.send(event)
            await self._transmit(event)

    async def receive(self) -> str | bytes:
        """Wait for the next message.

        Raises:
            ConnectionClosed: Either side has closed, or the connection broke.
            LocalProtocolError: The handshake has not been accepted.
            RemoteProtocolError: The server sent what ASGI forbids.
        """
        machine = self._machine
        if Send not in machine.application_row and machine.peer_state is not _PEER_LOST:
            self._refuse("receive")
        message = await self._receive()
        data: object = message.get("text")
        if isinstance(data, str) and message.get("type") == "websocket.receive":
            return data
        data = parse_data(message)
        if data is not None:
            return data
        machine.receive(parse(message))
        raise self._ended()

    def send(self, data: str | bytes, /) -> "Awaitable[None] | None":
        """Begin to send one message, now.

        The server's awaitable is stepped once by hand: as a rule it ends there, and no task, future or timer was
        made for the message. Where it does not, the rest is given back, to be run wholly by one task.

        Returns:
            ``None`` if the server took the message, else what to await.

        Raises:
            ConnectionClosed: Either side has closed, or the connection broke.
            LocalProtocolError: The handshake has not been accepted.
        """
        if Send not in self._machine.application_row:
            self._refuse("send")
        # A context of its own, for two tasks may share its steps: ASGI middleware that sets a context variable around
        # its send must find, when it resets it, the context that it was set in.
        context = copy_context()
        try:
            # build_data() written out for text, as parse_data() is in receive(): one call less for each message.
            event = {"type": "websocket.send", "text": data} if isinstance(data, str) else build_data(data)
            # A server's send that is no coroutine function may raise as it is called.
            steps = self._send(event).__await__()
            # next() with a default ends a coroutine without making a StopIteration.
            first = context.run(next, steps, _TAKEN)
        except GONE as error:
            raise self._lost(error) from error
        return None if first is _TAKEN else Rest(self._lost, first, steps, context)

    def begin_send(self, frame: "Frame", /) -> "Awaitable[None]":
        """Make the send of one message, for a loop that awaits those of many connections.

        Those that take it at once share one event, until somebody changes it, as ASGI middleware may.

        Returns:
            The server's awaitable, not begun. What it raises is to be told to :meth:`send_failed`; where it does not
            end at its first step, the loop is to be made a :meth:`rest_of_send`.

        Raises:
            ConnectionClosed: Either side has closed, or the connection broke.
            LocalProtocolError: The handshake has not been accepted.
        """
        # As `Send not in`, at a third of the price.
        if self._machine.application_row is not _OPEN_ROW:
            self._refuse("send")
        made = frame.made
        if type(made) is not _Made or made.event != made.kept:
            made = frame.made = _Made(build_data(frame.data))
        return self._send(made.event)

    def send_failed(self, error: Exception, /) -> Exception:
        """Say what an error of such a send means.

        Returns:
            :exc:`~django_ws.exceptions.ConnectionClosed` if the peer has gone, else the error itself.
        """
        if isinstance(error, GONE):
            try:
                return self._lost(error)
            except OSError as fault:
                return fault
        return error

    def rest_of_send(
        self, first: object, steps: "Generator[object, None, None]", context: "Context", /
    ) -> "Awaitable[None]":
        """Make what is left of a loop that waits for this connection's server.

        Args:
            first: What it waits for.
            steps: The loop.
            context: Where it runs.

        Returns:
            What one task is to await; like the rest of :meth:`send`.
        """
        return Rest(self._lost, first, steps, context)

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Send a close frame; before the handshake is answered, deny it with 403.

        Does nothing after the end.

        Args:
            code: One that may stand in a close frame.
            reason: Cut to 123 bytes of UTF-8 (RFC 6455 section 5.5).

        Raises:
            ValueError: The code may not stand in a close frame (RFC 6455 section 7.4).
        """
        machine = self._machine
        if machine.application_state is _WAITING:
            try:
                await self._await_connect()
            except ConnectionClosed:
                return
        if Close not in machine.application_row:
            return
        event = Close(code, truncate_reason(reason))
        machine.send(event)
        try:
            await self._send(build(event))
        except GONE as error:
            logger.debug("the peer had gone before our close frame", exc_info=error)
        except Exception as error:
            logger.debug("the server refused close code %d", code, exc_info=error)
            await self._close_otherwise(event)

    async def _close_otherwise(self, event: Close) -> None:
        code = event.code + _FALLBACK_OFFSET if event.code < _FALLBACK_OFFSET else CloseCode.NORMAL_CLOSURE
        try:
            await self._send(build(Close(code, event.reason)))
        except Exception as error:  # noqa: BLE001 - what more could be done; the server ends the socket as we return
            logger.warning("the server refused to close the websocket: %r", error)

    async def _await_connect(self) -> None:
        """Read the event that opens every websocket, if that has not been done."""
        machine = self._machine
        if machine.peer_state is _PEER_CONNECTING:
            machine.receive(parse(await self._receive()))
        if machine.peer_state is not _PEER_OPEN:
            raise self._ended()

    async def _transmit(self, event: "ApplicationEvent") -> None:
        try:
            await self._send(build(event))
        except GONE as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> ConnectionClosed:
        if isinstance(error, TimeoutError) and error.errno is None:
            # An OSError by its class alone: a time-out of ASGI middleware, for a client that is there but reads slowly.
            # No disconnect follows, so it is a fault, for which the connection is closed.
            raise error
        logger.debug("the server's send says that the peer has gone", exc_info=error)
        self._machine.receive(Lost())
        return self._ended()

    def _ended(self) -> ConnectionClosed:
        machine = self._machine
        code = CloseCode.ABNORMAL_CLOSURE if machine.close_code is None else machine.close_code
        return ConnectionClosed(code, machine.close_reason)

    def _refuse(self, verb: str) -> NoReturn:
        state = self._machine.application_state
        if state in _UNANSWERED:
            raise LocalProtocolError(f"cannot {verb} before the handshake is accepted")
        raise self._ended()
