"""The client's end of a websocket in a test, as :func:`~django_ws.testing.connect` gives it."""

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, final

from django.utils.datastructures import CaseInsensitiveMapping

from django_ws.close_codes import CloseCode, check_sendable
from django_ws.codecs.json import encode_json
from django_ws.testing.exchange import Exchange
from django_ws.testing.faults import SocketFaultError, SocketStateError, SocketTimeoutError, fault_of
from django_ws.testing.handshake import Denied, Handshake, headers_of
from django_ws.testing.messages import Messages, from_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from django.test import AsyncClient, Client

    from django_ws.interfaces import ASGIApplication, Codec, Data

__all__ = ["ClientSocket"]

SendT = TypeVar("SendT")
ReceiveT = TypeVar("ReceiveT")


@final
class ClientSocket(Generic[SendT, ReceiveT]):
    """The client's end of a websocket; made by :func:`~django_ws.testing.connect`, entered with ``async with``.

    Args:
        application: Makes the application, as the block is entered.
        handshake: What is asked with.
        timeout: Seconds that each wait may take.
        raise_faults: Whether leaving the block raises what the application has failed with.
        codec: What the messages are encoded and decoded with; ``None``: see :meth:`send` and :meth:`receive`.
    """

    def __init__(
        self,
        application: "Callable[[], ASGIApplication]",
        handshake: Handshake,
        *,
        timeout: float = 1.0,
        raise_faults: bool = True,
        codec: "Codec[ReceiveT, SendT] | None" = None,
    ) -> None:
        self._application: Callable[[], ASGIApplication] = application
        self._handshake: Handshake = handshake
        self._timeout: float = timeout
        self._raise_faults: bool = raise_faults
        self._messages: Messages[SendT, ReceiveT] = Messages(codec)
        self._exchange: Exchange | None = None
        self.denied: Denied | None = None
        """What the handshake was refused with; ``None`` where it was accepted."""
        self.accepted_headers: CaseInsensitiveMapping[str] = CaseInsensitiveMapping({})
        """The headers that the handshake was accepted with, found in any case."""

    # --- the block --------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Ask for the websocket, and wait until it is accepted or refused.

        Raises:
            SocketTimeoutError: Neither has happened.
            SocketFaultError: The application has ended without an answer.
            RuntimeError: This has been entered before.
        """
        if self._exchange is not None:
            raise RuntimeError("a websocket of connect() can be entered once: call connect() again")
        scope = await self._handshake.scope()
        exchange = self._exchange = Exchange(self._application(), scope, self._timeout)
        exchange.start()
        try:
            await exchange.wait_for(
                lambda: exchange.accepted or exchange.is_denied or exchange.is_done, "the handshake was not answered"
            )
            await self._hold_answer(exchange)
        except BaseException:
            exchange.disconnect(CloseCode.NORMAL_CLOSURE, "")
            # What was waited for in vain counts more than what ends as it is cancelled.
            await self._give_up(exchange)
            raise
        self._answered(exchange)
        return self

    async def _hold_answer(self, exchange: Exchange) -> None:
        if not exchange.accepted and not exchange.is_denied:
            await self._end(None)
            raise SocketFaultError("the application has ended without an answer to the handshake")

    async def _give_up(self, exchange: Exchange) -> None:
        try:
            await exchange.finish(0)
        except SocketTimeoutError:
            return

    def _answered(self, exchange: Exchange) -> None:
        peer = exchange.peer
        self._handshake.keep_cookies(peer.accepted_headers if exchange.accepted else peer.denied_headers)
        if exchange.socket is not None:
            self._messages.learn(type(exchange.socket))
        if peer.denied_status is not None:
            self.denied = Denied(peer.denied_status, peer.denied_headers, peer.denied_body)
        self.accepted_headers = headers_of(peer.accepted_headers)

    async def __aexit__(
        self,
        exc_type: "type[BaseException] | None",
        exc: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        """Close with 1000, wait for the application, ``on_close`` included, and raise what it has failed with.

        Raises:
            Exception: What the handler has failed with, itself; its ``__cause__`` is what left the block, if so.
            SocketTimeoutError: The application has not ended, and was cancelled.
        """
        exchange = self._entered()
        exchange.disconnect(CloseCode.NORMAL_CLOSURE, "")
        await self._end(exc)

    async def _end(self, left_by: BaseException | None) -> None:
        exchange = self._entered()
        if left_by is not None and not isinstance(left_by, Exception):
            # A cancellation, or the end of the test run: nothing may take its place.
            await self._give_up(exchange)
            return
        late: SocketTimeoutError | None = None
        try:
            await exchange.finish()
        except SocketTimeoutError as error:
            late = error
        code = exchange.peer.denied_status or exchange.close_code
        if self._raise_faults and (fault := fault_of(exchange.faults, code)) is not None:
            raise fault from left_by or late
        if late is not None and left_by is None:
            raise late

    def _entered(self) -> Exchange:
        if self._exchange is None:
            raise SocketStateError("the websocket is not connected: use it inside of «async with connect(...) as ws»")
        return self._exchange

    def _open(self, doing: str) -> Exchange:
        exchange = self._entered()
        if self.denied is not None:
            raise SocketStateError(f"{doing}: {exchange.end}")
        return exchange

    # --- state ------------------------------------------------------------------------------------

    @property
    def client(self) -> "Client | AsyncClient":
        """The Django test client whose cookies this websocket shares."""
        return self._handshake.client

    @property
    def is_open(self) -> bool:
        """Whether the handshake was accepted and neither side has closed."""
        return (exchange := self._exchange) is not None and exchange.accepted and exchange.close_code is None

    @property
    def accepted_subprotocol(self) -> str | None:
        """The subprotocol that the handshake was accepted with."""
        return self._entered().peer.accepted_subprotocol

    @property
    def close_code(self) -> int | None:
        """The code of the first close, whoever sent it; ``None`` before, and where the handshake was refused."""
        return None if self._exchange is None else self._exchange.close_code

    @property
    def close_reason(self) -> str:
        """The reason of the first close; empty where there was none."""
        return self._entered().close_reason

    # --- messages out -----------------------------------------------------------------------------

    async def send(self, message: SendT, /) -> None:
        """Send a message, as the socket takes it.

        ``bytes`` go as a binary frame; a ``str`` to a socket of ``str`` or ``bytes``, or to one whose messages are not
        known (somebody else's, or with a codec of its own), as a text frame as it is; all else as JSON, or as the
        socket itself would encode it. Where ``connect`` was given a codec, that encodes the message instead.

        Raises:
            SocketStateError: The websocket is not open.
            TypeError, ValueError: The message has no JSON form.
        """
        self._put(self._messages.encode(message))

    async def send_text(self, text: str, /) -> None:
        """Send a text frame as it is, valid or not.

        Raises:
            SocketStateError: The websocket is not open.
        """
        self._put(text)

    async def send_bytes(self, data: bytes, /) -> None:
        """Send a binary frame as it is, whatever the socket takes.

        Raises:
            SocketStateError: The websocket is not open.
        """
        self._put(data)

    async def send_json(self, message: object, /) -> None:
        """Send JSON in a text frame, whatever the socket takes, as ``DjangoJSONEncoder`` writes it.

        Raises:
            SocketStateError: The websocket is not open.
            TypeError, ValueError: The message has no JSON form.
        """
        self._put(encode_json(message))

    def _put(self, data: "Data") -> None:
        exchange = self._open("cannot send")
        if not self.is_open:
            raise SocketStateError(f"cannot send: {exchange.end}")
        exchange.put(data)

    # --- messages in ------------------------------------------------------------------------------

    async def receive(self, *, timeout: float | None = None) -> ReceiveT:  # noqa: ASYNC109 - of this wait
        """Wait for the next message.

        It is decoded by what the socket that has accepted declares to send: of ``WebSocketHandler[..., str]`` a text
        frame as it is; of one that sends a class with fields, as an object of it; of any other, as JSON. A binary
        frame is ``bytes`` as it is. Where ``connect`` was given a codec, that decodes the message instead.

        Args:
            timeout: Seconds, in place of those of ``connect``.

        Raises:
            SocketTimeoutError: None came.
            SocketStateError: The websocket is closed, and all messages before were received; or it was refused.
            AssertionError: A text frame is not JSON, or not of that class.
        """
        return self._messages.decode(await self._open("cannot receive").next(timeout))

    async def receive_text(self) -> str:
        """Wait for the next message, which must be a text frame, and give it as it is.

        Raises:
            AssertionError: It is a binary one.
            SocketTimeoutError, SocketStateError: See :meth:`receive`.
        """
        data = await self._open("cannot receive").next()
        if not isinstance(data, str):
            raise AssertionError(f"expected a text frame, but a binary frame came: {data!r}")  # noqa: TRY004
        return data

    async def receive_bytes(self) -> bytes:
        """Wait for the next message, which must be a binary frame, and give it as it is.

        Raises:
            AssertionError: It is a text one.
            SocketTimeoutError, SocketStateError: See :meth:`receive`.
        """
        data = await self._open("cannot receive").next()
        if not isinstance(data, bytes):
            raise AssertionError(f"expected a binary frame, but a text frame came: {data!r}")  # noqa: TRY004
        return data

    # A JSON text may hold anything, and a test knows what.
    async def receive_json(self) -> Any:
        """Wait for the next message, which must be JSON in a text frame, and give it decoded.

        Raises:
            AssertionError: It is not JSON, or a binary one.
            SocketTimeoutError, SocketStateError: See :meth:`receive`.
        """
        return from_json(await self.receive_text())

    async def receive_nothing(self, *, seconds: float = 0.0) -> None:
        """Hold that no message comes.

        First it waits until the socket has handled all that was sent and waits for more, and until what that has
        started has had its turn: so what a hook sends is seen, however long the hook takes. That needs no time to pass.

        Args:
            seconds: How many seconds to wait after that, for what a timer or a background task may still send.

        Raises:
            AssertionError: A message came; it can still be received.
            SocketTimeoutError: A hook has not ended within the timeout.
        """
        exchange = self._open("cannot receive")
        if not exchange.messages:
            await exchange.settle()
        if seconds > 0:
            await exchange.waited(lambda: bool(exchange.messages), seconds)
        if exchange.messages:
            raise AssertionError(f"expected no message, but this came: {exchange.messages[0]!r}")

    # --- the end ----------------------------------------------------------------------------------

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close from this side, and wait until the application has ended, ``on_close`` included.

        Raises:
            ValueError: The code may not stand in a close frame (RFC 6455 section 7.4).
            SocketStateError: The websocket was refused, or has not been entered.
            SocketTimeoutError: The application has not ended, and was cancelled.
        """
        check_sendable(code)
        exchange = self._open("cannot close")
        exchange.disconnect(code, reason)
        await exchange.finish()

    async def wait_closed(self) -> int:
        """Wait until the socket closes, and its clean-up is done, ``on_close`` included.

        What has come before can still be received.

        Returns:
            The code.

        Raises:
            SocketTimeoutError: It has not.
            SocketStateError: The websocket was refused, or has not been entered.
        """
        exchange = self._open("cannot wait for the close")
        await exchange.wait_for(lambda: exchange.close_code is not None, "the socket has not closed")
        await exchange.finish()
        return cast("int", exchange.close_code)
