"""A fake of the joint between a socket and its protocol: a connection without a wire."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, final

from django_ws.close_codes import is_sendable, truncate_reason
from django_ws.exceptions import ConnectionClosed, LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Iterable
    from contextvars import Context

    from django_ws.interfaces import Data, Frame, Headers

__all__ = ["FakeConnection"]


@final
class FakeConnection:
    """A :class:`~django_ws.interfaces.Connection` without a wire, and an :class:`~django_ws.interfaces.Outlet`.

    Args:
        messages: What :meth:`receive` gives, in order.
        subprotocols: What the client offers.
        is_open: Whether the handshake is accepted already.
        end: What the client closes with when ``messages`` have been read; ``None``: it stays and says nothing.
    """

    def __init__(
        self,
        messages: "Iterable[Data]" = (),
        *,
        subprotocols: tuple[str, ...] = (),
        is_open: bool = False,
        end: int | None = 1000,
    ) -> None:
        self.subprotocols: tuple[str, ...] = subprotocols
        """What the client offers."""
        self.sent: list[Data] = []
        """What was sent, in order."""
        self.accepted: tuple[str | None, list[tuple[str, str]]] | None = None
        """The subprotocol and headers of the accept; ``None`` before."""
        self.denied: tuple[int, list[tuple[str, str]], bytes] | None = None
        """The status, headers and body of the denial; ``None`` before."""
        self.close_code: int | None = None
        """The code of the first close."""
        self.close_reason: str = ""
        """The reason of the first close."""
        self._incoming: deque[Data] = deque(messages)
        self._end: int | None = end
        self._open: bool = is_open
        self._answered: bool = is_open
        self._changed: asyncio.Event = asyncio.Event()
        self._stalled: asyncio.Event | None = None

    @property
    def is_open(self) -> bool:
        """Whether the handshake was accepted and neither side has closed."""
        return self._open

    @property
    def is_answered(self) -> bool:
        """Whether the handshake has got its answer, or the client left before one."""
        return self._answered

    async def accept(self, subprotocol: str | None = None, headers: "Headers" = ()) -> None:
        """Note the accept.

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
        """
        self._answer("accept")
        self.accepted = (subprotocol, list(headers))
        self._open = True

    async def deny(self, status: int = 403, headers: "Headers" = (), body: bytes = b"") -> None:
        """Note the denial.

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
        """
        self._answer("deny")
        self.denied = (status, list(headers), body)

    def _answer(self, verb: str) -> None:
        if self.close_code is not None:
            raise ConnectionClosed(self.close_code, self.close_reason)
        if self._answered:
            raise LocalProtocolError(f"cannot {verb}: the handshake was answered before")
        self._answered = True

    async def receive(self) -> "Data":
        """Give the next scripted message, or wait for :meth:`feed` or :meth:`disconnect`.

        Raises:
            ConnectionClosed: Either side has closed.
            LocalProtocolError: The handshake has not been accepted.
        """
        while True:
            if self._open and self._incoming:
                return self._incoming.popleft()
            if self._open and self._end is not None:
                self.disconnect(self._end)
            if not self._open:
                raise self._ended()
            self._changed.clear()
            await self._changed.wait()

    def send(self, data: "Data", /) -> "Awaitable[None] | None":
        """Note the message; give an awaitable while :meth:`stall` is in force, which raises the same.

        Raises:
            ConnectionClosed: Either side has closed.
            LocalProtocolError: The handshake has not been accepted.
        """
        if not self._open:
            raise self._ended()
        if self._stalled is None:
            self.sent.append(data)
            return None
        return self._send_later(data, self._stalled)

    async def _send_later(self, data: "Data", stalled: asyncio.Event) -> None:
        await stalled.wait()
        if not self._open:
            raise self._ended()
        self.sent.append(data)

    def begin_send(self, frame: "Frame", /) -> "Awaitable[None]":
        """Give an awaitable that notes the message, once :meth:`stall` is not in force."""
        if not self._open:
            raise self._ended()
        return self._send_soon(frame.data)

    async def _send_soon(self, data: "Data") -> None:
        if self._stalled is None:
            self.sent.append(data)
        else:
            await self._send_later(data, self._stalled)

    def send_failed(self, error: Exception, /) -> Exception:
        """Take an ``OSError`` for the end of the connection, as of a server's ``send``."""
        if not isinstance(error, OSError):
            return error
        self.disconnect(1006)
        return self._ended()

    def rest_of_send(
        self, first: object, steps: "Generator[object, None, None]", context: "Context", /
    ) -> "Awaitable[None]":
        """Make what is left of a loop over sends."""
        return _Rest(first, steps, context)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Note the close, held to the same rules as a real one.

        Raises:
            ValueError: The code may not stand in a close frame (RFC 6455 section 7.4).
        """
        if self._answered and not self._open:
            return
        if not is_sendable(code):
            raise ValueError(f"{int(code)} may not stand in a close frame")
        if not self._answered:
            self.denied = (403, [], b"")
        self.disconnect(code, truncate_reason(reason))

    def feed(self, *messages: "Data") -> None:
        """Let the client send more."""
        self._incoming.extend(messages)
        self._changed.set()

    def disconnect(self, code: int = 1000, reason: str = "") -> None:
        """Let the client end the connection."""
        if self.close_code is None:
            self.close_code, self.close_reason = code, reason
        self._open = False
        self._answered = True
        self._changed.set()

    def stall(self) -> None:
        """Let the client stop reading: sends have to wait."""
        self._stalled = asyncio.Event()

    def resume(self) -> None:
        """Let the client read again."""
        if self._stalled is not None:
            self._stalled.set()
        self._stalled = None

    def _ended(self) -> Exception:
        if not self._answered:
            return LocalProtocolError("the handshake has not been accepted")
        return ConnectionClosed(1006 if self.close_code is None else self.close_code, self.close_reason)


@final
class _Rest:
    """What is left of a loop over sends; each step is made in its context."""

    def __init__(self, first: object, steps: "Generator[object, None, None]", context: "Context") -> None:
        self._first: object = first
        self._steps: Generator[object, None, None] = steps
        self._context: Context = context

    def __await__(self) -> "Generator[object, None, None]":
        waited_for = self._first
        try:
            while True:
                try:
                    yield waited_for
                except BaseException as error:  # noqa: BLE001 - a cancellation, for one, is the send's affair
                    waited_for = self._context.run(self._steps.throw, error)
                else:
                    waited_for = self._context.run(next, self._steps)
        except StopIteration:
            return
