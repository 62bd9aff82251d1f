"""Who may open a socket, what it may send, and who is told: as users write it."""

from collections.abc import Sequence
from typing import Any, ClassVar, assert_type

from django.contrib.auth.models import AnonymousUser, User
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_ws import Denial, Flood, WebSocket, WebSocketHandler
from django_ws.guards import login_required, permission_required, unauthorized, user_passes_test
from django_ws.handler import SocketFunction, SocketView
from django_ws.interfaces import Guard, SocketFactory
from django_ws.refusals import Limit, refusals
from django_ws.signals import websocket_closed, websocket_denied, websocket_opened
from django_ws.testing import FakeGuard
from django_ws.urls import path
from django_ws.users import user_of


async def is_member(request: HttpRequest) -> HttpResponse | None:
    user = await user_of(request)
    return None if isinstance(user, User) else unauthorized()


async def never(request: HttpRequest, /) -> HttpResponseBase:
    return HttpResponse(status=403)


async def always(request: HttpRequest) -> None:
    del request


class HasTicket:
    """A guard with a state of its own."""

    async def __call__(self, request: HttpRequest, /) -> HttpResponse | None:
        return None if "ticket" in request.GET else HttpResponse(status=402)


of_each_kind: tuple[Guard, ...] = (is_member, never, always, HasTicket(), FakeGuard(), FakeGuard(unauthorized()))


def is_staff(user: User | AnonymousUser) -> bool:
    return user.is_staff


async def is_known(user: Any) -> bool:
    return user.pk is not None


@login_required
class Room(WebSocketHandler[str, str]):
    """Guarded by a decorator, and by guards of its own."""

    guards = [is_member, HasTicket(), always]
    messages_per_second = 10
    messages_burst = 20
    idle_timeout = 60
    max_message_size = 1024
    flood = Flood.CLOSE
    denial = Denial.CLOSE


@permission_required("chat.view_room")
@permission_required(["chat.view_room", "chat.change_room"])
@user_passes_test(is_staff)
@user_passes_test(is_known)
class Moderated(Room):
    """Is guarded as what it derives from, and more."""


class Unlimited(WebSocketHandler[bytes]):
    """May be declared as it is in the base, for classes that derive from it."""

    guards: ClassVar[Sequence[Guard]] = ()
    messages_per_second: ClassVar[float | None] = None
    idle_timeout = None
    max_message_size = None


class Limited(Unlimited):
    """Declares otherwise."""

    guards = [*Unlimited.guards, FakeGuard()]
    messages_per_second = 0.5


@login_required
@permission_required({"chat.view_room"})
@user_passes_test(lambda user: user.is_active)
async def feed(ws: WebSocket[str, str], room_id: int) -> None:
    await ws.send(str(room_id))


# They are given back as what they were.
moderated: type[Room] = Moderated
function: SocketFunction = feed
factory: SocketFactory = Room
view: SocketView = login_required(Room.as_view())

urlpatterns = [
    path("room/", Room),
    path("moderated/", permission_required("chat.view_room")(Moderated)),
    path("feed/<int:room_id>/", feed),
    path("view/", login_required(Room.as_view())),
]


@receiver(websocket_opened)
async def greet(sender: object, websocket: WebSocket[Any, Any], **kwargs: object) -> None:
    await websocket.send("welcome")


@receiver(websocket_closed, sender=Room)
def count(sender: object, websocket: WebSocket[Any, Any], code: int, reason: str, duration: float, **_: object) -> None:
    print(websocket.request.path, code, reason, duration)


@receiver([websocket_denied])
async def note(sender: object, request: HttpRequest | None, status: int, reason: str, **kwargs: object) -> None:
    del sender, request, status, reason


def struck() -> int:
    return refusals().get(Limit.MESSAGE_RATE, 0)


assert_type(unauthorized(), HttpResponse)
assert_type(Room.flood, Flood)
assert_type(Room.denial, Denial)
assert_type(Flood("wait"), Flood)
