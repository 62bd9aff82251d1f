"""Sockets that stay open until the server stops, and take a while over their end."""

import asyncio
import time

from typing_extensions import override

from django_ws.urls import path
from resilience.site.faulty import Echo
from servers.app.journal import note

KEY = "shutdown"


class Lasting(Echo):
    """Says "opened"; its task and its ``on_close`` each take a while over the end."""

    @override
    async def on_open(self) -> None:
        await super().on_open()
        _ = self.start_task("lasting", self.last)
        note(KEY, "opened")
        await self.send("opened")

    @override
    async def on_close(self) -> None:
        await super().on_close()
        await asyncio.sleep(0.2)
        note(KEY, "closed", time=time.time())

    async def last(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)


urlpatterns = [path("lasting/", Lasting)]
