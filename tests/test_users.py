"""users.py"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from django_ws.routing import WebSocketRequest
from django_ws.testing import websocket_scope
from django_ws.users import known_user, known_user_id, user_of

ALICE = User(pk=7, username="alice")
BOB = User(pk=8, username="bob")


def request(**attributes: object) -> HttpRequest:
    made = HttpRequest()
    vars(made).update(attributes)
    return made


def lazily(user: object, looks: list[int] | None = None) -> Any:
    def look() -> object:
        if looks is not None:
            looks.append(threading.get_ident())
        return user

    return SimpleLazyObject(look)


def giving(user: object) -> Callable[[], Any]:
    async def auser() -> object:
        return user

    return auser


# --- user_of --------------------------------------------------------------------------------------


async def test_without_any_middleware_there_is_nobody_to_speak_of() -> None:
    assert await user_of(request()) is None
    assert await user_of(WebSocketRequest(websocket_scope())) is None


async def test_auser_is_asked_before_user() -> None:
    assert await user_of(request(auser=giving(ALICE), user=BOB)) is ALICE


async def test_a_user_alone_is_taken_as_it_is() -> None:
    assert await user_of(request(user=BOB)) is BOB
    anonymous = AnonymousUser()
    assert await user_of(request(user=anonymous)) is anonymous


@pytest.mark.parametrize("user", [ALICE, AnonymousUser()])
async def test_a_lazy_user_is_looked_up_on_a_thread_where_a_query_may_be_made(user: object) -> None:
    looks: list[int] = []
    found = await user_of(request(user=lazily(user, looks)))
    assert found == user
    assert looks != [threading.get_ident()]
    assert len(looks) == 1


async def test_a_lazy_user_that_was_looked_at_is_not_looked_up_again() -> None:
    looks: list[int] = []
    user = lazily(ALICE, looks)
    assert str(user) == "alice"
    assert await user_of(request(user=user)) is user
    assert len(looks) == 1


# --- known_user_id --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "pk"),
    [
        ({}, None),
        ({"user": ALICE}, 7),
        ({"user": AnonymousUser()}, None),
        ({"user": None}, None),
        ({"user": object()}, None),
        ({"_cached_user": ALICE}, 7),
        ({"_acached_user": BOB}, 8),
        ({"user": lazily(None), "_acached_user": BOB}, 8),
        # A middleware of the project's own has set another one.
        ({"user": BOB, "_cached_user": ALICE, "_acached_user": ALICE}, 8),
        ({"user": BOB, "_cached_user": AnonymousUser()}, 8),
    ],
)
def test_whom_somebody_has_asked_for_is_known(attributes: dict[str, object], pk: int | None) -> None:
    assert known_user_id(request(**attributes)) == pk


def test_nobody_is_looked_up_for_it() -> None:
    looks: list[int] = []
    user = lazily(ALICE, looks)
    asked = request(user=user, auser=giving(ALICE))
    assert known_user_id(asked) is None
    assert looks == []
    assert str(user) == "alice"
    assert known_user_id(asked) == 7


def test_a_request_that_nobody_has_looked_at_is_left_so() -> None:
    untouched = WebSocketRequest(websocket_scope())
    assert known_user_id(untouched) is None
    assert "META" not in vars(untouched)


def test_the_known_user_is_given_as_it_stands_on_the_request() -> None:
    assert known_user(request()) is None
    assert known_user(request(user=lazily(ALICE))) is None
    assert known_user(request(user=lazily(ALICE), _cached_user=BOB)) is BOB
    assert known_user(request(user=ALICE, _cached_user=BOB)) is ALICE
