"""The sockets of the playground: classes of hooks, and a plain function."""

import asyncio
import math

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from typing_extensions import override

from django_ws import JSON, CloseCode, Denial, Flood, WebSocket, WebSocketHandler
from django_ws.guards import login_required

CLOSE_REASONS = {
    CloseCode.NORMAL_CLOSURE: "Goodbye",
    CloseCode.TRY_AGAIN_LATER: "Busy, come back later",
    4001: "A code of our own",
}


class Playground(WebSocketHandler):
    """JSON comes in, JSON goes out. One instance for each connection."""

    ping_interval = 5  # seconds; 59 unless told
    max_message_size = 16 * 1024  # bytes; 1 MiB unless told

    @override
    async def on_open(self) -> None:
        await self.whoami()
        _ = self.start_ping()

    @override
    async def on_message(self, data: JSON) -> None:
        match data:
            case {"type": "echo", "id": int(number), "text": str(text)}:
                await self.echo(number, text)
            case {"type": "weather", "on": True}:
                _ = self.start_task("weather", self.weather)
            case {"type": "weather", "on": False}:
                self.cancel_task("weather")
            case {"type": "close", "code": int(code)} if code in CLOSE_REASONS:
                await self.close(code, CLOSE_REASONS[code])
            case {"type": "fault"}:
                raise RuntimeError("A fault, made on purpose")
            case {"type": "forbidden"}:
                raise PermissionDenied("Refused, on purpose")
            case _:
                await self.send({"type": "error", "text": "Nothing here answers to that message."})

    async def echo(self, number: int, text: str) -> None:
        await self.send({"type": "echo", "id": number, "text": text})

    async def whoami(self) -> None:
        # AuthMiddleware finds the user by the session cookie, when it is first asked for.
        user = await self.request.auser()
        await self.send({"type": "whoami", "user": user.get_username() or None})

    async def weather(self) -> None:
        await self.report()
        await self.sleep_loop(self.report, 1)  # cancelled when the connection ends

    async def report(self) -> None:
        now = timezone.now()
        await self.send({"type": "weather", "celsius": temperature(now.timestamp()), "at": now})


def temperature(seconds: float) -> float:
    """A day of weather in two minutes."""
    day = 17 + 5 * math.sin(seconds * math.tau / 120)
    gusts = 0.9 * math.sin(seconds / 2.3) + 0.5 * math.sin(seconds / 0.7)
    return round(day + gusts, 1)


@login_required
class Members(WebSocketHandler):
    """For whoever is logged in. Anybody else never gets to on_open."""

    denial = Denial.CLOSE  # refuse by 4401, which the page can read, not by 401, which it cannot

    @override
    async def on_open(self) -> None:
        user = await self.request.auser()
        await self.send({"type": "welcome", "user": user.get_username()})
        await self.close()  # with 1000


class Patient(WebSocketHandler[str, str]):
    """Text in, the same text out. Who sends faster than this waits; nothing is lost."""

    messages_per_second = 20  # 100 unless told
    messages_burst = 20  # so many may come at once; 1000 unless told

    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)


class Strict(Patient):
    flood = Flood.CLOSE  # with 1008


async def countdown(ws: WebSocket[str, str], start: int) -> None:
    # A function is a socket too. The connection is closed with 1000 when it returns.
    for number in range(start, 0, -1):
        if not await ws.send(str(number)):
            return  # the client has gone
        await asyncio.sleep(1)
    await ws.send("Lift-off!")
