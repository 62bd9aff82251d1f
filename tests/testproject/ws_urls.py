"""The tests' websocket URLconf."""

from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.urls import path


class Echo(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)


urlpatterns = [path("echo/", Echo, name="echo")]
