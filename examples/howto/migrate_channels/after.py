# --- ws.py
import msgspec
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from typing_extensions import override

from django_ws import Topic, WebSocketHandler, get_websocket_application
from django_ws.guards import login_required
from django_ws.urls import path


class Say(msgspec.Struct):
    text: str


class Said(msgspec.Struct, frozen=True):
    who: str
    text: str


class RoomTopic(Topic[Said]):
    pattern = "room.{room}"
    room: str


@login_required
class Room(WebSocketHandler[Say, Said]):
    @override
    async def on_connect(self) -> None:
        self.user = await self.request.auser()
        self.room = RoomTopic(room=self.kwargs["room"])
        if not await Group.objects.filter(name=self.room.room, user=self.user.pk).aexists():
            raise PermissionDenied

    @override
    async def on_open(self) -> None:
        await self.subscribe(self.room)

    @override
    async def on_message(self, data: Say) -> None:
        await self.room.apublish(Said(self.user.get_username(), data.text))


# --- views.py
def announce(_request: HttpRequest, room: str) -> HttpResponse:
    RoomTopic(room=room).publish_on_commit(Said("the house", "closing time"))
    return HttpResponse(status=204)


# --- ws_urls.py
urlpatterns = [path("rooms/<str:room>/", Room)]

# --- asgi.py
application = get_websocket_application()
