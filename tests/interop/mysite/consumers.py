"""Consumers of Channels."""

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # type: ignore[import-untyped]


# Channels has no types.
class RoomConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    groups = ["room"]

    # JSON: of any kind.
    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.channel_layer.group_send("room", {"type": "room.said", "content": content})

    # Channels: an event is an open dict.
    async def room_said(self, event: dict[str, Any]) -> None:
        await self.send_json(event["content"])
