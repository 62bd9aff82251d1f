"""The other kinds of handlers: a generator, ordinary methods with the ORM, several messages at once."""

import asyncio
import threading
from collections.abc import AsyncIterator

from django.db import connection
from typing_extensions import override

from django_ws import SyncWebSocketHandler, WebSocket
from servers.app.handlers import FOREVER, Noted, connection_id
from servers.app.journal import note


async def ticks(ws: WebSocket[str, str], way: str) -> AsyncIterator[str]:
    """Yield, and then end, fail, wait, or go on yielding, as the route says."""
    key = connection_id(ws.request)
    note(key, "open")
    try:
        yield "first"
        match way:
            case "wait":
                note(key, "wait")
                await asyncio.sleep(FOREVER)
            case "fail":
                raise ValueError("a fault in a generator")
            case "flood":
                filler = "x" * 10_000
                for number in range(3000):
                    note(key, "made", number=number)
                    yield filler
            case "echo":
                async for text in ws:
                    yield text
            case _:
                pass
        yield "last"
    finally:
        await asyncio.sleep(0.02)
        note(key, "close", code=ws.close_code)


class Sync(SyncWebSocketHandler[str, str]):
    """Asks the database in a thread, and answers from there."""

    def note(self, event: str, **fields: object) -> None:
        note(connection_id(self.request), event, **fields)

    @override
    def on_open(self) -> None:
        self.note("open", thread=threading.current_thread().name)

    @override
    def on_message(self, data: str) -> None:
        if data == "fail":
            raise ValueError("a fault in a sync hook")
        if data == "bye":
            self.close(4001, "bye")
        with connection.cursor() as cursor:
            cursor.execute("SELECT UPPER(%s)", [data])
            (answer,) = cursor.fetchone()
        self.note("answered", sent=self.send(answer), thread=threading.current_thread().name)

    @override
    def on_close(self) -> None:
        self.note("close", code=self.close_code, thread=threading.current_thread().name)


class Concurrent(Noted[str, str]):
    """Three at once; each waits for as long as it says."""

    max_concurrent_messages = 3

    @override
    async def on_message(self, data: str) -> None:
        self.note("begun", text=data)
        if data == "fail":
            raise ValueError("a fault in one of several")
        await self.wait("message", float(data))
        await self.send(data)
