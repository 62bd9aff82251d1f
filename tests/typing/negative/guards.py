"""What guards nothing, or is no limit."""

from django.http import HttpRequest, HttpResponse

from django_ws import Denial, Flood, Overflow, WebSocket, WebSocketHandler
from django_ws.guards import login_required, permission_required, user_passes_test
from django_ws.interfaces import Guard
from django_ws.refusals import refusals
from django_ws.testing import FakeGuard
from django_ws.urls import path


class Room(WebSocketHandler[str, str]):
    pass


async def feed(ws: WebSocket[str, str]) -> None:
    del ws


def plain(request: HttpRequest) -> HttpResponse | None:
    return HttpResponse(request.path)


async def of_a_user(user: str) -> HttpResponse | None:
    return HttpResponse(user)


async def of_nothing() -> None:
    pass


async def says_yes(request: HttpRequest) -> bool:
    return request.method == "GET"


a_plain_one: Guard = plain  # E
another_argument: Guard = of_a_user  # E
no_argument: Guard = of_nothing  # E
another_answer: Guard = says_yes  # E
its_class: Guard = FakeGuard  # E
no_guard: Guard = login_required  # E[mypy,pyright,ty]

login_required(1)  # E
login_required("chat.Room")  # E
login_required()  # E
login_required(Room, feed)  # E
permission_required()  # E
permission_required(1)  # E
permission_required(Room)  # E
permission_required("chat.view_room", "chat.change_room")  # E
permission_required("chat.view_room")(1)  # E
user_passes_test("is_staff")  # E
user_passes_test(lambda: True)  # E
user_passes_test(lambda user: "yes")  # E
user_passes_test(lambda user: True)(1)  # E

still_a_class: int = login_required(Room)  # E
still_a_function: type[Room] = login_required(feed)  # E
path("a/", login_required(plain))  # E
FakeGuard(403)  # E


class Plain(WebSocketHandler[str, str]):
    guards = [plain]  # E


class NoList(WebSocketHandler[str, str]):
    guards = FakeGuard()  # E


class Numbers(WebSocketHandler[str, str]):
    guards = (1, 2)  # E


class NoFlood(WebSocketHandler[str, str]):
    flood = "close"  # E


class AnotherEnum(WebSocketHandler[str, str]):
    flood = Overflow.CLOSE  # E
    denial = Flood.CLOSE  # E


class NoDenial(WebSocketHandler[str, str]):
    denial = "close"  # E


class NoLimits(WebSocketHandler[str, str]):
    messages_per_second = "10"  # E
    messages_burst = 1.5  # E
    idle_timeout = "60"  # E


class Overruled(WebSocketHandler[str, str]):
    messages_burst = None  # E


as_a_flood: Flood = Denial.CLOSE  # E
no_member = Flood.DROP  # E
by_name: int = refusals()["WS_MESSAGES_PER_SECOND"]  # E
