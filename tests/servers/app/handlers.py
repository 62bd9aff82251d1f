"""The sockets of the project. Each notes what happens to it in the journal, under the id in its query string."""

import asyncio
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from typing_extensions import TypeVar, override

from django_ws import JSON, Denial, JSONEncodable, Overflow, WebSocket, WebSocketHandler
from django_ws import Flood as Flooding
from django_ws.guards import login_required
from servers.app.journal import note
from servers.app.sizes import FLOOD, FLOOD_SIZE

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)

FOREVER = 60.0
"""Longer than any test: what waits so long must be broken into."""


def connection_id(request: HttpRequest) -> str:
    return request.GET.get("id", "")


class Noted(WebSocketHandler[InT, OutT]):
    """Notes its beginning and its end; every other socket of the project is one."""

    def note(self, event: str, **fields: object) -> None:
        note(connection_id(self.request), event, **fields)

    @override
    async def on_open(self) -> None:
        self.note("open")

    @override
    async def on_close(self) -> None:
        self.note("close", code=self.close_code, reason=self.close_reason)

    @override
    async def on_error(self, error: Exception) -> None:
        self.note("error", error=str(error))

    @override
    async def on_task_error(self, error: Exception) -> None:
        self.note("task error", error=str(error))

    async def wait(self, where: str, seconds: float = FOREVER) -> None:
        """Wait, and note how the wait ended."""
        self.note("wait", where=where)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError as error:
            self.note("cancelled", where=where, message=str(error))
            raise
        self.note("waited", where=where)

    async def background(self) -> None:
        """Run until cancelled, and take a little while over its own clean-up."""
        self.note("task")
        try:
            await asyncio.sleep(FOREVER)
        finally:
            await asyncio.sleep(0.02)
            self.note("task ended")


class EchoText(Noted[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)


class EchoBytes(Noted[bytes, bytes]):
    @override
    async def on_message(self, data: bytes) -> None:
        await self.send(data)


class EchoJSON(Noted):
    @override
    async def on_message(self, data: JSON) -> None:
        await self.send(data)


class SmallText(EchoText):
    max_message_size = 1000


class SmallBytes(EchoBytes):
    max_message_size = 1000


class SmallJSON(EchoJSON):
    max_message_size = 1000


class Busy(Noted):
    """Takes as many seconds over a message as it says."""

    @override
    async def on_message(self, data: JSON) -> None:
        assert isinstance(data, int | float)
        await self.wait("message", data)
        await self.send(data)


async def function(ws: WebSocket[str, str]) -> None:
    """Echo until it is told to stop."""
    note(connection_id(ws.request), "open")
    try:
        async for text in ws:
            if text == "stop":
                break
            await ws.send(text)
    finally:
        note(connection_id(ws.request), "close", code=ws.close_code, reason=ws.close_reason)


class Mixed(Noted):
    """Sends numbered messages of one size, awaited in the pattern that it is told."""

    disconnect_grace = 1.0
    outbox_messages = 100_000
    outbox_bytes = 1 << 30

    @override
    async def on_message(self, data: JSON) -> None:
        match data:
            case {"count": int(count), "size": int(size), "await_every": int(await_every)}:
                filler = "x" * size
                taken = 0
                futures = []
                for number in range(count):
                    sending = self.send({"number": number, "filler": filler})
                    if await_every and number % await_every == 0:
                        taken += await sending
                    else:
                        futures.append(sending)
                        # The outbox gets its turn, as it does wherever a hook awaits anything.
                        await asyncio.sleep(0)
                    if number % 50 == 0:
                        self.note("sent", number=number)
                for future in futures:
                    taken += await future
                self.note("all taken", taken=taken)
            case _:
                raise AssertionError(data)


class Closing(Noted):
    """Closes as it is told, and then tries to send and to close once more."""

    @override
    async def on_message(self, data: JSON) -> None:
        match data:
            case {"code": int(code), "reason": str(reason)}:
                await self.send("last words")
                await self.close(code, reason)
                sent = await self.send("too late")
                await self.close(4999, "too late")
                self.note("closed", sent=sent, open=self.is_open)
            case _:
                raise AssertionError(data)


class ClosingTask(Noted):
    """Closes from a background task while the socket waits for a message that never comes."""

    @override
    async def on_open(self) -> None:
        await super().on_open()
        _ = self.start_task("background", self.background)
        _ = self.start_task("closing", self.close_soon)

    async def close_soon(self) -> None:
        await asyncio.sleep(0.05)
        await self.close(4002, "from a task")


class ClosingLate(Noted):
    """Closes in a hook that has run for so long that the connection is being read on."""

    @override
    async def on_message(self, data: JSON) -> None:
        await self.wait("message", 1.2)
        await self.close(4003, "late")


class Waiting(Noted):
    """Waits in the hook that its route names, with a background task running."""

    disconnect_grace: ClassVar[float | None] = 0.2

    @override
    async def on_connect(self) -> None:
        if self.kwargs["hook"] == "connect":
            await self.wait("connect", 0.7)

    @override
    async def on_open(self) -> None:
        await super().on_open()
        if self.kwargs["hook"] != "idle":
            _ = self.start_task("background", self.background)
        if self.kwargs["hook"] == "open":
            await self.wait("open")

    @override
    async def on_message(self, data: JSON) -> None:
        if self.kwargs["hook"] == "message":
            await self.wait("message")
        else:
            await self.send(data)

    @override
    async def on_close(self) -> None:
        await super().on_close()
        if self.kwargs["hook"] == "close":
            await self.wait("close", 0.5)


class Impatient(Waiting):
    """Its hooks are cancelled as soon as the end is noticed."""

    disconnect_grace: ClassVar[float | None] = 0


class Faulty(Noted[str, str]):
    """Fails in the hook that its route names."""

    # The route's hook is not known before the instance is.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fail("init")

    def fail(self, hook: str) -> None:
        if self.kwargs["hook"] == hook:
            raise ValueError(f"a fault in {hook}")

    @override
    async def on_connect(self) -> None:
        self.fail("connect")

    @override
    async def on_open(self) -> None:
        await super().on_open()
        _ = self.start_task("background", self.background)
        if self.kwargs["hook"] == "task":
            _ = self.start_task("faulty", self.fail_soon)
        self.fail("open")

    async def fail_soon(self) -> None:
        await asyncio.sleep(0)
        self.fail("task")

    @override
    async def on_message(self, data: str) -> None:
        self.fail("message")
        if self.kwargs["hook"] == "encoding":
            # Half of a surrogate pair, which no frame can carry.
            await self.send("\ud800")
        await self.send(data)

    @override
    async def on_close(self) -> None:
        await super().on_close()
        self.fail("close")


class Denying(Noted[str, str]):
    """Denies in the way that its route names."""

    @override
    async def on_connect(self) -> HttpResponse | None:
        match self.kwargs["way"]:
            case "teapot":
                return HttpResponse("short and stout", status=418, headers={"X-Handle": "here"})
            case "json":
                return JsonResponse({"error": "log in first"}, status=401)
            case "redirect":
                return HttpResponseRedirect("/elsewhere/")
            case "forbidden":
                raise PermissionDenied
            case "missing":
                raise Http404
            case "close":
                await self.close(4001, "no")
                return None
            case way:
                raise AssertionError(way)


class Subprotocols(EchoText):
    subprotocols = ("chat.v2", "chat.v1")

    @override
    async def on_open(self) -> None:
        await super().on_open()
        await self.send(str(self.subprotocol))


class AcceptHeaders(EchoText):
    @override
    async def on_connect(self) -> None:
        await self.accept(headers=[("X-Greeting", "hello"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])


class Flood(Noted):
    """Sends more than a client that does not read can be sent, without awaiting."""

    outbox_messages = 32

    @override
    async def on_message(self, data: JSON) -> None:
        filler = "x" * FLOOD_SIZE
        sends = []
        for number in range(FLOOD):
            sends.append(self.send({"number": number, "filler": filler}))
            # Leave the client its turn: what overflows is what it does not read, not what a loop makes at once.
            await asyncio.sleep(0)
        self.note("flooded", dropped=self.dropped_messages, open=self.is_open)
        taken = sum([await send for send in sends])
        self.note("settled", taken=taken, dropped=self.dropped_messages)


class FloodOldest(Flood):
    overflow = Overflow.DROP_OLDEST


class FloodNewest(Flood):
    overflow = Overflow.DROP_NEWEST


class Throttled(EchoText):
    """Takes four messages at once, then twenty a second."""

    messages_per_second: ClassVar[float | None] = 20
    messages_burst = 4


class Floodable(Throttled):
    messages_per_second = 0.001
    flood = Flooding.CLOSE


class Idle(EchoText):
    idle_timeout = 0.2


class DenyingByClose(Denying):
    denial = Denial.CLOSE


@login_required
class Members(EchoText):
    """For those who are logged in; nobody is, here."""

    @override
    async def on_connect(self) -> None:
        raise AssertionError("a guard was passed by")


@login_required
class MembersByClose(Members):
    denial = Denial.CLOSE
