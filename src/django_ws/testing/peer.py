"""A strict ASGI server and its client, in process: it refuses every event that the specification forbids.

It keeps books of its own, written from the ASGI specification and not from our tables, so that a mistake in the
tables shows.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from django_ws.interfaces import ASGIApplication

__all__ = ["ASGIViolation", "Peer", "websocket_scope"]

_FORBIDDEN_CODES: Final = frozenset({1004, 1005, 1006, 1010, 1015})
_TIMEOUT: Final = 5.0


class ASGIViolation(AssertionError):  # noqa: N818 - it says what was done, as its base does
    """The application sent what the ASGI specification forbids."""


# ASGI: scopes are open dicts.
def websocket_scope(
    path: str = "/",
    *,
    headers: "Iterable[tuple[str, str]]" = (),
    subprotocols: "Sequence[str]" = (),
    query: str = "",
    denial_response: bool = True,
    **more: object,
) -> dict[str, Any]:
    """Make the scope of a websocket (ASGI www.rst, "Websocket Connection Scope").

    Args:
        path: The decoded path.
        headers: In order; ``host`` is ``localhost`` unless given.
        subprotocols: What the client offers.
        query: The query string, without its question mark.
        denial_response: Whether the server offers the denial response extension.
        **more: Replaces or adds keys.
    """
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in raw):
        raw.insert(0, (b"host", b"localhost"))
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": raw,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "subprotocols": list(subprotocols),
        "extensions": {"websocket.http.response": {}} if denial_response else {},
        **more,
    }


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
        """Wait for the application to end, and raise what it raised."""
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
            ConnectionError: It closed.
            TimeoutError: Nothing came within 5 seconds.
        """
        event = await self._next()
        if event["type"] != "websocket.send":
            raise ConnectionError(f"expected a message, got {event!r}")
        text: str | None = event.get("text")
        data: bytes = event["bytes"] if text is None else b""
        return data if text is None else text

    async def wait_closed(self) -> int:
        """Read on until the application closes, and give the code of its close frame."""
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
                self._check_accept(event)
                self._state = "open"
            case ("connecting", "websocket.close"):
                self.denied_status = 403
                self._end("denied")
            case ("connecting", "websocket.http.response.start"):
                self._check_denial_start(event)
                self._state = "denying"
            case ("denying", "websocket.http.response.body"):
                body: object = event.get("body", b"")
                if not isinstance(body, bytes):
                    raise ASGIViolation(f"the body of a denial must be bytes, not {type(body).__name__}")
                self._denial_body += body
                if not event.get("more_body", False):
                    self._end("denied")
            case ("open", "websocket.send"):
                _check_send(event)
            case ("open", "websocket.close"):
                self._check_close(event)
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

    # ASGI: events are open dicts.
    def _check_accept(self, event: dict[str, Any]) -> None:
        subprotocol: object = event.get("subprotocol")
        if subprotocol is not None and subprotocol not in (self.scope.get("subprotocols") or ()):
            raise ASGIViolation(f"the subprotocol {subprotocol!r} was not offered")
        self.accepted_subprotocol = None if subprotocol is None else str(subprotocol)
        self.accepted_headers = _check_headers(event)

    # ASGI: events are open dicts.
    def _check_denial_start(self, event: dict[str, Any]) -> None:
        if "websocket.http.response" not in (self.scope.get("extensions") or ()):
            raise ASGIViolation("a denial response, which this server does not offer")
        status: object = event.get("status")
        if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004 - RFC 9110 section 15
            raise ASGIViolation(f"the status of a denial must be an int from 200 to 599, not {status!r}")
        self.denied_status = status
        self.denied_headers = _check_headers(event)

    # ASGI: events are open dicts.
    def _check_close(self, event: dict[str, Any]) -> None:
        code: object = event.get("code", 1000)
        reason: object = event.get("reason") or ""
        if not isinstance(code, int) or not isinstance(reason, str):
            raise ASGIViolation(f"a close code must be an int and its reason a str, not {code!r} and {reason!r}")
        if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in _FORBIDDEN_CODES:  # noqa: PLR2004 - RFC 6455 7.4
            raise ASGIViolation(f"the close code {code} may not be on the wire")
        if len(reason.encode()) > 123:  # noqa: PLR2004 - RFC 6455 5.5
            raise ASGIViolation("the close reason is longer than 123 bytes")
        self.close_code = code
        self.close_reason = reason


# ASGI: events are open dicts.
def _check_send(event: dict[str, Any]) -> None:
    text: object = event.get("text")
    data: object = event.get("bytes")
    if (text is None) == (data is None):
        raise ASGIViolation("a websocket.send must have exactly one of text and bytes")
    if text is not None and not isinstance(text, str):
        raise ASGIViolation(f"the text of a websocket.send must be a str, not {type(text).__name__}")
    if data is not None and not isinstance(data, bytes):
        raise ASGIViolation(f"the bytes of a websocket.send must be bytes, not {type(data).__name__}")
    if isinstance(text, str):
        text.encode()


# ASGI: events are open dicts.
def _check_headers(event: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = []
    for name, value in event.get("headers") or ():
        if not isinstance(name, bytes) or not isinstance(value, bytes):
            raise ASGIViolation(f"header names and values must be bytes, not {name!r}: {value!r}")
        if name != name.lower() or name == b"sec-websocket-protocol":
            raise ASGIViolation(f"the header name {name!r} is not allowed")
        headers.append((name, value))
    return headers
