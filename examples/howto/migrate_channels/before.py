# mypy: ignore-errors
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth.models import Group


class RoomConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.user = self.scope["user"]
        self.room = self.scope["url_route"]["kwargs"]["room"]
        if not self.user.is_authenticated or not await self.is_member():
            await self.close()
            return
        self.group = f"room_{self.room}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def receive_json(self, content, **kwargs):
        message = {"type": "room.said", "who": self.user.username, "text": content["text"]}
        await self.channel_layer.group_send(self.group, message)

    async def room_said(self, event):
        await self.send_json({"who": event["who"], "text": event["text"]})

    async def disconnect(self, code):
        if hasattr(self, "group"):
            await self.channel_layer.group_discard(self.group, self.channel_name)

    @database_sync_to_async
    def is_member(self):
        return Group.objects.filter(name=self.room, user=self.user).exists()
