"""handler/orders.py"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest

from django_ws.handler.orders import Concern, Order, Ordered, Orders
from django_ws.standing import session_digest

KEYS = {name: f"key-of-the-session-of-{name}" for name in ("alice", "bob")}


def order(user: str | None = None, session: str | None = None, id_: str = "1") -> Order:
    digest = None if session is None else session_digest(KEYS[session])
    return Order(id_, user, digest, 4401, f"order {id_}")


def request_of(pk: Any = None, session: str | None = None) -> HttpRequest:
    request = HttpRequest()
    if pk is not None:
        request.user = User(pk=pk)
    if session is not None:
        request.session = SessionStore(KEYS[session])
    return request


class Socket:
    def __init__(self, pk: object = None, session: str | None = None, ws_orders: int = 0) -> None:
        self.request = request_of(pk, session)
        self.ws_orders = ws_orders
        self.closed: list[str] = []

    def ws_disconnect(self, code: int, reason: str, /) -> None:
        assert code == 4401
        self.closed.append(reason)


class Place:
    """What orders need of a runtime and its event loop."""

    def __init__(self, *sockets: Socket) -> None:
        self.open = list(sockets)
        self.now = 1000.0
        self.soon: list[Callable[[], object]] = []
        self.checked: list[object] = []
        self.loop: Any = self

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., object], *args: object) -> None:
        self.soon.append(lambda: callback(*args))

    def sockets(self) -> Sequence[Ordered]:
        return list(self.open)

    def check(self, sockets: Sequence[Ordered], /) -> None:
        self.checked += sockets


# --- what an order is to a socket -----------------------------------------------------------------


@pytest.mark.parametrize("pk", [7, "7", "alice@example.com", UUID("12345678-1234-5678-1234-567812345678")])
def test_an_order_about_a_user_means_that_user(pk: object) -> None:
    assert order(user=str(pk)).concern(request_of(pk)) is Concern.CLOSE
    assert order(user=str(pk)).concern(request_of(8)) is Concern.NOTHING
    assert order(user=str(pk)).concern(request_of()) is Concern.NOTHING


def test_an_order_about_nobody_means_nobody() -> None:
    assert order().concern(request_of()) is Concern.NOTHING
    assert order(user="None").concern(request_of()) is Concern.NOTHING


@pytest.mark.parametrize(
    ("request_", "concern"),
    [
        (request_of(7, "alice"), Concern.CLOSE),
        (request_of(None, "alice"), Concern.CLOSE),
        (request_of(8, "alice"), Concern.CLOSE),
        (request_of(7, "bob"), Concern.CHECK),
        (request_of(7), Concern.CHECK),
        (request_of(8, "bob"), Concern.NOTHING),
        (request_of(), Concern.NOTHING),
    ],
)
def test_an_order_about_a_session_means_that_one_and_asks_about_the_users_others(
    request_: HttpRequest, concern: Concern
) -> None:
    assert order(user="7", session="alice").concern(request_) is concern


# --- carried out ----------------------------------------------------------------------------------


def test_those_are_closed_that_are_meant_and_those_are_checked_that_may_be() -> None:
    session, other_device, other_user = Socket(7, "alice"), Socket(7, "bob"), Socket(8)
    place = Place(session, other_device, other_user)
    Orders(place).obey(order("7", "alice"))
    assert session.closed == ["order 1"]
    assert other_device.closed == other_user.closed == []
    assert place.checked == [other_device]


def test_an_order_that_comes_twice_is_carried_out_once() -> None:
    socket = Socket(7)
    place = Place(socket)
    orders = Orders(place)
    orders.obey(order("7"))
    orders.obey(order("7"))
    assert socket.closed == ["order 1"]
    assert orders.count == 1
    orders.obey(order("7", id_="2"))
    assert socket.closed == ["order 1", "order 2"]


def test_many_sockets_are_looked_at_over_several_turns() -> None:
    place = Place(*(Socket(7) for _ in range(1200)))
    Orders(place).obey(order("7"))
    closed = [sum(len(socket.closed) for socket in place.open)]
    while place.soon:
        place.soon.pop()()
        closed.append(sum(len(socket.closed) for socket in place.open))
    assert closed == [500, 1000, 1200]


# --- sockets that open after it -------------------------------------------------------------------


def test_a_handshake_that_had_begun_before_an_order_about_its_user_is_closed() -> None:
    orders = Orders(Place())
    orders.obey(order("7"))
    before, after, other = Socket(7), Socket(7, ws_orders=orders.count), Socket(8)
    for socket in (before, after, other):
        orders.meet(socket)
    assert before.closed == ["order 1"]
    assert after.closed == other.closed == []


def test_a_session_that_has_ended_is_closed_whenever_its_handshake_began() -> None:
    orders = Orders(Place())
    orders.obey(order("7", "alice"))
    late, nobody, other = Socket(7, "alice", ws_orders=1), Socket(), Socket(7, "bob")
    for socket in (late, nobody, other):
        orders.meet(socket)
    assert late.closed == ["order 1"]
    assert nobody.closed == other.closed == []


def test_the_last_of_several_orders_counts() -> None:
    orders = Orders(Place())
    for id_ in "12":
        orders.obey(order("7", id_=id_))
        orders.obey(order(None, "bob", id_=f"session {id_}"))
    begun_between, of_session = Socket(7, ws_orders=2), Socket(session="bob")
    orders.meet(begun_between)
    orders.meet(of_session)
    assert begun_between.closed == ["order 2"]
    assert of_session.closed == ["order session 2"]


def test_an_order_is_forgotten_after_a_minute() -> None:
    place = Place()
    orders = Orders(place)
    orders.obey(order("7", "alice", id_="1"))
    place.now += 30
    orders.obey(order("7", id_="2"))
    orders.obey(order(id_="3"))
    place.now += 30
    of_session, of_user = Socket(None, "alice"), Socket(7)
    orders.meet(of_session)
    orders.meet(of_user)
    assert of_session.closed == []
    assert of_user.closed == ["order 2"]
    place.now += 30
    late = Socket(7)
    orders.meet(late)
    assert late.closed == []
    assert orders.count == 3
