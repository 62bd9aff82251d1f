"""One websocket of a test over the strict :class:`~django_ws.testing.Peer`: its frames, its end, and its faults."""

import asyncio
import inspect
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, final

from django_ws.handler.runtime import RECEIVING
from django_ws.testing.clock import frozen_clock, wait_really
from django_ws.testing.faults import SocketStateError, SocketTimeoutError, follow_faults
from django_ws.testing.peer import Peer
from django_ws.testing.running import socket_below, what_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django_ws.handler import WebSocket
    from django_ws.interfaces import ASGIApplication, ASGIReceive, ASGISend, Data, Scope

__all__ = ["Exchange"]

_POLL: Final = 0.01
"""Seconds between two looks at what nobody tells of: whether a hook has ended."""
_TURNS: Final = 20
"""Turns of the event loop in which what has been started may go on, once the socket has nothing more to do."""


@final
class Exchange:
    """Runs an application against one websocket, and knows at every moment what it is at.

    Args:
        application: What is tested.
        scope: The handshake.
        timeout: Seconds that each wait may take.
    """

    # ASGI: scopes are open dicts.
    def __init__(self, application: "ASGIApplication", scope: "Mapping[str, Any]", timeout: float) -> None:
        self._application: ASGIApplication = application
        self._timeout: float = timeout
        self.peer: Peer = Peer(self._serve, scope)
        """The server and client beneath."""
        self.messages: deque[Data] = deque()
        """What has come and has not been received."""
        self.faults: list[BaseException] = []
        """What the application has logged on behalf of this websocket."""
        # Its messages do not matter here.
        self.socket: WebSocket[Any, Any] | None = None
        """The socket, once the handshake has been accepted; ``None`` where it is somebody else's."""
        self.accepted: bool = False
        """Whether the handshake was accepted."""
        self.client_close: tuple[int, str] | None = None
        """What this side has closed with."""
        self._given: int = 0
        self._taken: int = 0
        self._reading: bool = False
        self._changed: asyncio.Event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # --- the application --------------------------------------------------------------------------

    def start(self) -> None:
        """Run the application, and ask for the websocket."""
        self._task = self.peer.start()
        self._task.add_done_callback(self._tell)
        self.peer.ask()
        self._given += 1

    async def _serve(self, scope: "Scope", receive: "ASGIReceive", send: "ASGISend") -> None:
        follow_faults(self.faults)

        # ASGI: events are open dicts.
        async def telling_receive() -> dict[str, Any]:
            self._reading = True
            self._tell()
            try:
                event = dict(await receive())
            finally:
                self._reading = False
            self._taken += 1
            return event

        # ASGI: events are open dicts.
        async def telling_send(event: dict[str, Any]) -> None:
            if event.get("type") == "websocket.accept":
                # It runs in the socket's task, whose frames are all there at this moment.
                self.socket = socket_below(inspect.currentframe())
            before = len(self.peer.events)
            await send(event)
            # After the end of this side, the server drops what comes.
            if len(self.peer.events) > before:
                self._note(event)

        await self._application(scope, telling_receive, telling_send)

    # ASGI: events are open dicts.
    def _note(self, event: dict[str, Any]) -> None:
        if event["type"] == "websocket.accept":
            self.accepted = True
        elif event["type"] == "websocket.send":
            text: str | None = event.get("text")
            self.messages.append(event["bytes"] if text is None else text)
        self._tell()

    def _tell(self, _task: object = None, /) -> None:
        self._changed.set()

    # --- what is known ----------------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Whether the application has ended, or was never started."""
        return self._task is None or self._task.done()

    @property
    def is_denied(self) -> bool:
        """Whether the handshake was refused, and the answer is whole."""
        events = self.peer.events
        return self.peer.denied_status is not None and not (
            events[-1]["type"] == "websocket.http.response.start" or events[-1].get("more_body", False)
        )

    @property
    def close_code(self) -> int | None:
        """The code of the first close, whoever sent it; 1006 where the application ended without one."""
        if self.peer.close_code is not None:
            return self.peer.close_code
        if self.client_close is not None:
            return self.client_close[0]
        return 1006 if self.accepted and self.is_done else None

    @property
    def close_reason(self) -> str:
        """The reason of the first close; empty where there was none."""
        if self.peer.close_code is None and self.client_close is not None:
            return self.client_close[1]
        return self.peer.close_reason

    @property
    def is_idle(self) -> bool:
        """Whether the socket has taken all that it was sent, and waits for more; or has ended."""
        waits = self._reading and self._taken >= self._given
        return self.is_done or (waits and (self.socket is None or self.socket.ws_phase is RECEIVING))

    def fail(self, waited_for: str, seconds: float) -> SocketTimeoutError:
        """Make the error of a wait in vain."""
        running = [] if self._task is None or self._task.done() else what_runs(self._task, self.socket)
        runs = ", and ".join(running) or ("nothing: the application has ended" if self.is_done else "no hook")
        came = ", ".join(_brief(event) for event in self.peer.events) or "nothing"
        frozen = (
            "\nThe clock is frozen: what waits for it goes on when the test advances it."
            if frozen_clock() is not None
            else ""
        )
        return SocketTimeoutError(f"{waited_for} within {seconds:g} s.\nCame so far: {came}.\nRunning: {runs}.{frozen}")

    @property
    def end(self) -> str:
        """Say how it was refused or closed, for an error."""
        because = f", because of {self.faults[0]!r}" if self.faults else ""
        if self.peer.denied_status is not None:
            return f"the handshake was denied with {self.peer.denied_status}{because}"
        reason = f" ({self.peer.close_reason})" if self.peer.close_reason else ""
        by = "it was closed" if self.client_close is None else "this test has closed it"
        return f"{by} with {self.close_code}{reason}{because}"

    # --- waits ------------------------------------------------------------------------------------

    async def wait_for(self, is_so: "Callable[[], bool]", what: str, seconds: float | None = None) -> None:
        """Wait until something is so.

        Args:
            is_so: Says whether.
            what: Begins the error: ``"no message came"``.
            seconds: How long; ``None``: the timeout of this websocket.

        Raises:
            SocketTimeoutError: It is not, after that time.
        """
        bound = self._timeout if seconds is None else seconds
        if not await self.waited(is_so, bound):
            raise self.fail(what, bound)

    async def next(self, seconds: float | None = None) -> "Data":
        """Wait for the next message.

        Raises:
            SocketTimeoutError: None came.
            SocketStateError: It is closed, and all messages before were received.
        """
        await self.wait_for(lambda: bool(self.messages) or self.close_code is not None, "no message came", seconds)
        if not self.messages:
            raise SocketStateError(f"cannot receive: {self.end}")
        return self.messages.popleft()

    async def waited(self, is_so: "Callable[[], bool]", seconds: float, *, poll: float | None = None) -> bool:
        """Wait until something is so; say whether it is."""
        # In real time: the test may have frozen the clock of the loop.
        deadline = time.monotonic() + seconds
        while not is_so():
            self._changed.clear()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            waiter = asyncio.ensure_future(self._changed.wait())
            try:
                await wait_really([waiter], remaining if poll is None else min(poll, remaining))
            finally:
                waiter.cancel()
        return True

    async def settle(self) -> None:
        """Wait until the socket has nothing more to do with what it was sent.

        Raises:
            SocketTimeoutError: It still has, after the timeout.
        """
        clock = frozen_clock()
        if clock is not None:
            # A hook that sleeps does not end, but nothing more happens, either.
            await clock.rest()
        elif not await self.waited(lambda: self.is_idle, self._timeout, poll=_POLL):
            raise self.fail("the socket has not come to rest", self._timeout)
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    # --- this side --------------------------------------------------------------------------------

    def put(self, data: "Data") -> None:
        """Send one frame."""
        self._given += 1
        if isinstance(data, str):
            self.peer.text(data)
        else:
            self.peer.binary(data)

    def disconnect(self, code: int, reason: str) -> None:
        """Close from this side; no-op after the end."""
        if self.client_close is None and self.peer.close_code is None and not self.is_done:
            self.client_close = (code, reason)
            self._given += 1
            self.peer.disconnect(code, reason)

    async def finish(self, seconds: float | None = None) -> None:
        """Wait for the application to end, clean-up included; note what it raised.

        Where the clock is frozen, as much time passes as that needs.

        Raises:
            SocketTimeoutError: It has not, and is cancelled.
        """
        task = self._task
        if task is None:
            return
        failure: SocketTimeoutError | None = None
        clock = frozen_clock()
        try:
            if clock is not None:
                await clock.pass_until(lambda: self.is_done, self._timeout if seconds is None else seconds)
            await self.wait_for(lambda: self.is_done, "the socket has not ended", seconds)
        except SocketTimeoutError as error:
            failure = error
        finally:
            self._task = None
            if not task.done():
                task.cancel()
                await wait_really([task], self._timeout)
        if task.done() and not task.cancelled() and (raised := task.exception()) is not None:
            self.faults.append(raised)
        self.socket = None
        if failure is not None:
            raise failure


# ASGI: events are open dicts.
def _brief(event: dict[str, Any]) -> str:
    kind = str(event["type"]).removeprefix("websocket.")
    match kind:
        case "send":
            text: str | None = event.get("text")
            return _cut(repr(event["bytes"] if text is None else text))
        case "close":
            return f"close {event.get('code', 1000)}"
        case "http.response.start":
            return f"denial {event['status']}"
        case _:
            return kind


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004 - a line
