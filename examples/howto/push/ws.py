from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.guards import login_required

from .topics import Changed, Orders


@login_required
class MyOrders(WebSocketHandler[str, Changed]):
    @override
    async def on_open(self) -> None:
        user = await self.request.auser()
        await self.subscribe(Orders(customer=user.pk or 0))
