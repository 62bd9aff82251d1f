from typing import assert_never

from django.core.exceptions import PermissionDenied
from typing_extensions import override

from django_ws import Denial, WebSocketHandler
from django_ws.guards import login_required

from .messages import ClientMessage, IsTyping, Joined, Said, Say, ServerMessage, Typing


@login_required
class Room(WebSocketHandler[ClientMessage, ServerMessage]):
    denial = Denial.CLOSE  # so that the page can see why

    @override
    async def on_connect(self) -> None:
        user = await self.request.auser()
        if self.kwargs["room"] == "staff" and not user.is_staff:
            raise PermissionDenied
        self.who = user.get_username()

    @override
    async def on_open(self) -> None:
        await self.send(Joined(self.who))

    @override
    async def on_message(self, data: ClientMessage) -> None:
        match data:
            case Say(text=text):
                await self.send(Said(self.who, text))
            case Typing():
                await self.send(IsTyping(self.who))
            case _:
                assert_never(data)
