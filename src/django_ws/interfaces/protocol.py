"""The joints of the protocol layer: the frames of one websocket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Sequence
    from contextvars import Context

    from django_ws.aliases import ASGIReceive, ASGISend, Data, Frame, Headers, Scope

__all__ = ["ASGIApplication", "Connection", "ConnectionFactory", "Outlet"]


class ASGIApplication(Protocol):
    """An ASGI 3 application, as loosely typed as servers and frameworks pass it around."""

    # ASGI: the three arguments are typed differently by every server and framework.
    async def __call__(self, scope: Any, receive: Any, send: Any, /) -> None:
        """Serve one connection."""
        ...


class Connection(Protocol):
    """Joins the protocol layer to the handler: the frames of one websocket.

    Nothing of ASGI crosses it, so that a connection over another server's callbacks can satisfy it.

    Guarantees:
        - Messages are received in the order in which they came, each once.
        - After the end, whoever caused it, nothing more reaches the wire, and no method raises anything but
          :exc:`~django_ws.exceptions.ConnectionClosed` for it.
        - :meth:`receive` is called by one task at a time. A :meth:`send` or :meth:`close` is not called while the
          awaitable of an earlier :meth:`send` is unfinished; the caller keeps that order.
    """

    @property
    def subprotocols(self) -> Sequence[str]:
        """The subprotocols that the client offers, in its order of preference (RFC 6455 section 1.9)."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the handshake was accepted and neither side has closed."""
        ...

    @property
    def is_answered(self) -> bool:
        """Whether the handshake has got its answer (accepted or denied), or the client left before one."""
        ...

    @property
    def close_code(self) -> int | None:
        """The code of the first close, whoever sent it; ``None`` before."""
        ...

    @property
    def close_reason(self) -> str:
        """The reason of the first close; empty where there was none."""
        ...

    async def accept(self, subprotocol: str | None = None, headers: Headers = ()) -> None:
        """Accept the handshake.

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
            ValueError: A subprotocol that was not offered, or a header that HTTP cannot carry.
        """
        ...

    async def deny(self, status: int = 403, headers: Headers = (), body: bytes = b"") -> None:
        """Refuse the handshake with an HTTP response; a server that cannot carry one answers 403.

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
            ValueError: A status below 200 or over 599, or a header that HTTP cannot carry.
        """
        ...

    async def receive(self) -> Data:
        """Wait for the next message.

        Raises:
            ConnectionClosed: Either side has closed, or the connection broke.
            LocalProtocolError: The handshake has not been accepted.
            RemoteProtocolError: The server sent what ASGI forbids.
        """
        ...

    def send(self, data: Data, /) -> Awaitable[None] | None:
        """Begin to send one message, now.

        Returns:
            ``None`` if the transport took it at once, which is the rule. Else an awaitable to await (once, in any
            task) until it did; the client reads slowly. It too may raise ``ConnectionClosed``.

        Raises:
            ConnectionClosed: Either side has closed, or the connection broke.
            LocalProtocolError: The handshake has not been accepted.
        """
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame; before the handshake is answered, deny it.

        Does nothing after the end. A reason is cut to 123 bytes of UTF-8.

        Raises:
            ValueError: The code may not stand in a close frame (RFC 6455 section 7.4).
        """
        ...


class Outlet(Protocol):
    """A :class:`Connection` whose sends may also be awaited by a loop over those of many; the one that ships is.

    It is faster for events that go to many sockets. A connection without these methods is sent to by
    :meth:`Connection.send`.
    """

    def begin_send(self, frame: Frame, /) -> Awaitable[None]:
        """Make the send of one message, to be awaited at once.

        Returns:
            An awaitable that has not begun. What it raises is to be told to :meth:`send_failed`; where it does not end
            at its first step, the loop is to be made a :meth:`rest_of_send`.

        Raises:
            ConnectionClosed: The connection has ended.
            LocalProtocolError: The handshake has not been accepted.
        """
        ...

    def send_failed(self, error: Exception, /) -> Exception:
        """Say what an error of such a send means.

        Returns:
            :exc:`~django_ws.exceptions.ConnectionClosed` if the peer has gone, else the error itself.
        """
        ...

    def rest_of_send(self, first: object, steps: Generator[object, None, None], context: Context, /) -> Awaitable[None]:
        """Make what is left of a loop that waits for this connection's server.

        Args:
            first: What it waits for.
            steps: The loop; it ends with this send.
            context: Where it runs.

        Returns:
            What one task is to await, as what :meth:`Connection.send` gives.
        """
        ...


class ConnectionFactory(Protocol):
    """Makes the :class:`Connection` of one ASGI scope; the way to swap the protocol layer."""

    def __call__(self, scope: Scope, receive: ASGIReceive, send: ASGISend, /) -> Connection:
        """Make it; nothing has been received or sent yet."""
        ...
