"""Sockets and a middleware that fail where their path says."""

from typing_extensions import override

from django_ws import Endpoint, Next
from django_ws.urls import path
from resilience.site.ledger import Counted


class Door:
    """The inner middleware."""

    def __init__(self, next_: Next) -> None:
        self.next: Next = next_

    async def __call__(self, ws: Endpoint) -> object:
        return await self.next(ws)


class Echo(Counted[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)


urlpatterns = [path("echo/", Echo)]
