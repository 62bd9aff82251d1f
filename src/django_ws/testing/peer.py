"""A strict ASGI server and its client, in process: it refuses every event that the specification forbids.

It keeps books of its own, written from the ASGI specification and not from our tables, so that a mistake in the
tables shows. What each event may hold stands in :mod:`django_ws.testing.asgi_rules`.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from django_ws.testing.asgi_rules import (
    ASGIViolation,
    check_body,
    check_close,
    check_headers,
    check_send,
    check_status,
    check_subprotocol,
)
from django_ws.testing.scope import websocket_scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from django_ws.interfaces import ASGIApplication

__all__ = ["Peer"]

_TIMEOUT: Final = 5.0


@final
class Peer:
    """Runs an application against one websocket and plays both its server and its client.

    ::

        async with Peer(application, websocket_scope("/ws/")) as peer:
            await peer.connect()
            peer.text("hello")
            assert await peer.receive() == "hello"

    Leaving the block disconnects, waits for the application, and raises what it raised. An :exc:`ASGIViolation` is
    raised there even if the application caught it.

    Args:
        application: What is tested.
        scope: Its scope; the default is that of :func:`websocket_scope`.
        raise_after_end: What the server's ``send`` raises after the end, as uvicorn does; ``None``: nothing, as
            hypercorn does.
        pending_forever: Whether a ``receive`` that waits is left waiting after the application's own close, as
            granian does.
    """

    # ASGI: scopes and events are open dicts.
    def __init__(
        self,
        application: "ASGIApplication",
        scope: "Mapping[str, Any] | None" = None,
        *,
        raise_after_end: type[Exception] | None = OSError,
        pending_forever: bool = False,
    ) -> None:
        self._application: ASGIApplication = application
        self.scope: dict[str, Any] = websocket_scope() if scope is None else dict(scope)
        """The scope that the application gets."""
        self._raise_after_end: type[Exception] | None = raise_after_end
        self._pending_forever: bool = pending_forever
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._writable: asyncio.Event = asyncio.Event()
        self._writable.set()
        self._state: str = "new"
        self._gone: bool = False
        self._told: bool = False
        self._violation: ASGIViolation | None = None
        self._denial_body: bytearray = bytearray()
        self._task: asyncio.Task[None] | None = None
        self.accepted_subprotocol: str | None = None
        """What the handshake was accepted with."""
        self.accepted_headers: list[tuple[bytes, bytes]] = []
        """What the handshake was accepted with."""
        self.denied_status: int | None = None
        """The status of the denial; 403 for a plain close before accept."""
        self.denied_headers: list[tuple[bytes, bytes]] = []
        """The headers of the denial."""
        self.close_code: int | None = None
        """The code of the application's close frame."""
        self.close_reason: str = ""
        """The reason of the application's close frame."""
        self.events: list[dict[str, Any]] = []
        """All that the application sent, in order."""

    # --- the client ---------------------------------------------------------------------------------

    async def __aenter__(self) -> "Peer":
        """Start the application."""
        self._task = self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Disconnect and wait for the application."""
        self.disconnect()
        await self.wait()

    def start(self) -> "asyncio.Task[None]":
        """Run the application in a task, which is returned."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="asgi-application")
        return self._task

    async def _run(self) -> None:
        # Its type says None; that is what is checked.
        application: Callable[..., Awaitable[object]] = self._application
        result = await application(self.scope, self._receive, self._send)
        if self._violation is not None:
            raise self._violation
        if result is not None:
            raise ASGIViolation(f"the application must return None, not {result!r}")

    async def wait(self) -> None:
        """Wait for the application to end, and raise what it raised.

        Raises:
            TimeoutError: It did not end within 5 seconds.
            ASGIViolation: It has done what the specification forbids.
            Exception: What it raised.
        """
        if self._task is not None:
            async with asyncio.timeout(_TIMEOUT):
                await self._task

    def ask(self) -> None:
        """Ask for the websocket, without waiting for the answer."""
        self._state = "connecting"
        self._incoming.put_nowait({"type": "websocket.connect"})

    async def connect(self) -> bool:
        """Ask for the websocket and wait for the answer.

        Returns:
            Whether it was accepted.

        Raises:
            ConnectionError: The application has ended without an answer.
            TimeoutError: None came within 5 seconds.
            Exception: What the application raised.
        """
        self.ask()
        event = await self._next()
        if event["type"] == "websocket.http.response.start":
            while (await self._next()).get("more_body"):
                pass
        accepted: bool = event["type"] == "websocket.accept"
        return accepted

    @property
    def denied_body(self) -> bytes:
        """The body of the denial."""
        return bytes(self._denial_body)

    def text(self, text: str, /) -> None:
        """Send a text frame."""
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})

    def binary(self, data: bytes, /) -> None:
        """Send a binary frame."""
        self._incoming.put_nowait({"type": "websocket.receive", "bytes": data, "text": None})

    def disconnect(self, code: int | None = 1000, reason: str | None = "") -> None:
        """End the connection from the client's side; no-op after it has ended."""
        self._gone = True
        if not self._told:
            self._told = True
            self._incoming.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    def vanish(self) -> None:
        """Break the connection so that a send finds out first; :meth:`disconnect` then tells a ``receive`` as well."""
        self._gone = True

    def pause(self) -> None:
        """Stop reading: the application's sends have to wait."""
        self._writable.clear()

    def resume(self) -> None:
        """Read again."""
        self._writable.set()

    async def receive(self) -> str | bytes:
        """Wait for the application's next message.

        Raises:
            ConnectionError: It closed, or ended.
            TimeoutError: Nothing came within 5 seconds.
            Exception: What the application raised.
        """
        event = await self._next()
        if event["type"] != "websocket.send":
            raise ConnectionError(f"expected a message, got {event!r}")
        text: str | None = event.get("text")
        data: bytes = event["bytes"] if text is None else b""
        return data if text is None else text

    async def wait_closed(self) -> int:
        """Read on until the application closes, and give the code of its close frame.

        Raises:
            ConnectionError: It has ended without a close frame.
            TimeoutError: It sent nothing for 5 seconds.
            Exception: What the application raised.
        """
        while self.close_code is None:
            await self._next()
        return self.close_code

    # ASGI: events are open dicts.
    async def _next(self) -> dict[str, Any]:
        getter = asyncio.ensure_future(self._outgoing.get())
        waited: set[asyncio.Future[Any]] = {getter}
        if self._task is not None:
            waited.add(self._task)
        try:
            await asyncio.wait(waited, timeout=_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # A test that gave up waiting must not leave a getter behind, which would take the next event.
            if not getter.done():
                getter.cancel()
        if getter.done():
            return getter.result()
        if self._task is not None and self._task.done():
            self._task.result()
            raise ConnectionError("the application has ended")
        raise TimeoutError(f"the application sent nothing for {_TIMEOUT:g} s")

    # --- the server ---------------------------------------------------------------------------------

    # ASGI: events are open dicts.
    async def _receive(self) -> dict[str, Any]:
        return await self._incoming.get()

    # ASGI: events are open dicts.
    async def _send(self, event: dict[str, Any]) -> None:
        if not self._gone:
            await self._writable.wait()
        if self._gone and self._state not in {"closed", "denied"}:
            if self._raise_after_end is not None:
                raise self._raise_after_end("the peer has gone")
            return
        try:
            self._check(event)
        except ASGIViolation as violation:
            # The application may catch it, as it does other errors of a server; _run raises it again.
            self._violation = self._violation or violation
            raise
        self.events.append(event)
        self._outgoing.put_nowait(event)

    # ASGI: events are open dicts.
    def _check(self, event: dict[str, Any]) -> None:
        match (self._state, event.get("type")):
            case ("connecting", "websocket.accept"):
                self.accepted_subprotocol = check_subprotocol(event, self.scope.get("subprotocols") or ())
                self.accepted_headers = check_headers(event)
                self._state = "open"
            case ("connecting", "websocket.close"):
                self.denied_status = 403
                self._end("denied")
            case ("connecting", "websocket.http.response.start"):
                self.denied_status = check_status(event, self.scope.get("extensions") or ())
                self.denied_headers = check_headers(event)
                self._state = "denying"
            case ("denying", "websocket.http.response.body"):
                self._denial_body += check_body(event)
                if not event.get("more_body", False):
                    self._end("denied")
            case ("open", "websocket.send"):
                check_send(event)
            case ("open", "websocket.close"):
                self.close_code, self.close_reason = check_close(event)
                self._end("closed")
            case ("closed" | "denied", kind):
                raise ASGIViolation(f"{kind!r} after the application itself had ended the connection")
            case _:
                raise ASGIViolation(f"{event.get('type')!r} while the websocket is {self._state}")

    def _end(self, state: str) -> None:
        self._state = state
        if not self._pending_forever:
            code = self.close_code if state == "closed" else 1006
            self._incoming.put_nowait({"type": "websocket.disconnect", "code": code, "reason": self.close_reason})
        self._gone = self._told = True
