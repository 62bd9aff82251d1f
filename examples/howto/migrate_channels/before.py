# mypy: ignore-errors
# --- consumers.py
from asgiref.sync import async_to_sync
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.contrib.auth.models import Group
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path


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


# --- views.py
def announce(request, room):
    message = {"type": "room.said", "who": "the house", "text": "closing time"}
    async_to_sync(get_channel_layer().group_send)(f"room_{room}", message)
    return HttpResponse(status=204)


# --- asgi.py
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([path("rooms/<str:room>/", RoomConsumer.as_asgi())]))
        ),
    }
)
