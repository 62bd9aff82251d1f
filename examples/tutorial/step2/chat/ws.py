from typing import assert_never

from typing_extensions import override

from django_ws import WebSocketHandler

from .messages import ClientMessage, IsTyping, Joined, Said, Say, ServerMessage, Typing


class Room(WebSocketHandler[ClientMessage, ServerMessage]):
    @override
    async def on_open(self) -> None:
        self.who = "guest"
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
