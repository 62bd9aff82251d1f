from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.guards import login_required


@login_required
class Me(WebSocketHandler[str, str]):
    subprotocols = ("chat.v1",)

    @override
    async def on_open(self) -> None:
        user = await self.request.auser()
        await self.send(f"You are {user.get_username()}.")
