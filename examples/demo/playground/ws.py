"""The sockets of the playground: a class of hooks, and a plain function."""

import asyncio
import math

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from typing_extensions import override

from django_ws import JSON, CloseCode, WebSocket, WebSocketHandler

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
        # Our middleware has set the user before the connection was accepted.
        user = self.request.user
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


async def countdown(ws: WebSocket[str, str], start: int) -> None:
    # A function is a socket too. The connection is closed with 1000 when it returns.
    for number in range(start, 0, -1):
        if not await ws.send(str(number)):
            return  # the client has gone
        await asyncio.sleep(1)
    await ws.send("Lift-off!")
