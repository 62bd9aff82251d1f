from typing import assert_never

from django.core.exceptions import PermissionDenied
from typing_extensions import override

from django_ws import Denial, WebSocketHandler
from django_ws.guards import login_required

from .messages import ClientMessage, IsTyping, Joined, Said, Say, ServerMessage, Typing
from .topics import RoomTopic


@login_required
class Room(WebSocketHandler[ClientMessage, ServerMessage]):
    denial = Denial.CLOSE  # so that the page can see why

    @override
    async def on_connect(self) -> None:
        user = await self.request.auser()
        if self.kwargs["room"] == "staff" and not user.is_staff:
            raise PermissionDenied
        self.who = user.get_username()
        self.topic = RoomTopic(room=self.kwargs["room"])

    @override
    async def on_open(self) -> None:
        await self.subscribe(self.topic)
        await self.topic.apublish(Joined(self.who))

    @override
    async def on_message(self, data: ClientMessage) -> None:
        match data:
            case Say(text=text):
                await self.topic.apublish(Said(self.who, text))
            case Typing():
                await self.topic.apublish(IsTyping(self.who))
            case _:
                assert_never(data)

    @override
    async def on_event(self, topic: object, event: ServerMessage) -> ServerMessage | None:
        match event:
            case IsTyping(who=who) if who == self.who:
                return None  # I know that I am typing
            case _:
                return event
