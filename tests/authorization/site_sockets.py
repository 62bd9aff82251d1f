"""The sockets of the site."""

from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.guards import login_required
from django_ws.urls import path


@login_required
class Greeting(WebSocketHandler[str, str]):
    @override
    async def on_open(self) -> None:
        await self.send(f"hello {self.request.user}")


urlpatterns = [path("ws", Greeting)]
