"""management/client/login.py: the session is a real one, and gone at the end."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import CommandError
from django.test import Client, override_settings

from django_ws import WebSocket
from django_ws.management.client.login import logged_in
from django_ws.testing import connect

pytestmark = pytest.mark.usefixtures("database")


class Nobody:
    """A backend that knows no users by their key."""


async def who(ws: WebSocket[str, str]) -> None:
    await ws.send(str(await ws.request.auser()))


@pytest.fixture
def alice(database: None) -> User:
    return User.objects.create_user("alice", password="secret")


def key_of(cookie: str | None) -> str:
    assert cookie is not None
    name, _, key = cookie.partition("=")
    assert name == "sessionid"
    return key


def test_nobody_gets_no_cookie() -> None:
    with logged_in(None) as cookie:
        assert cookie is None
    assert not Session.objects.exists()


def test_the_cookie_is_that_of_a_login_but_nothing_is_noted_of_one(alice: User) -> None:
    real = Client()
    assert real.login(username="alice", password="secret")
    with logged_in("alice") as cookie:
        ours, theirs = SessionStore(key_of(cookie)), real.session
        assert {name: ours[name] for name in theirs.keys()} == dict(theirs.items())  # noqa: SIM118 - no mapping
        assert ours.get_expiry_age() <= 24 * 60 * 60
    assert not SessionStore().exists(key_of(cookie))
    alice.last_login = None
    alice.save()
    with logged_in("alice"):
        alice.refresh_from_db()
        assert alice.last_login is None


@override_settings(WS_MIDDLEWARE=["django_ws.middleware.AuthMiddleware"])
def test_a_socket_sees_the_user(alice: User) -> None:
    async def seen(cookie: str) -> object:
        async with connect(who, headers={"Cookie": cookie}) as ws:
            return await ws.receive()

    from asgiref.sync import async_to_sync

    with logged_in("alice") as cookie:
        assert async_to_sync(seen)(cookie or "") == "alice"


def test_the_session_is_removed_whatever_happens(alice: User) -> None:
    with pytest.raises(ZeroDivisionError), logged_in("alice"):
        assert Session.objects.exists()
        raise ZeroDivisionError
    assert not Session.objects.exists()


def failing(name: str) -> str:
    with pytest.raises(CommandError) as raised, logged_in(name):
        raise AssertionError("must not come in")
    return str(raised.value)


def test_a_user_who_is_not_there_is_told() -> None:
    assert failing("bob") == ("There is no user with the username 'bob'; one is made with: manage.py createsuperuser")


def test_who_may_not_come_in_does_not(alice: User) -> None:
    alice.is_active = False
    alice.save()
    assert failing("alice").startswith("'alice' may not come in")


@override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.Nobody", "django.contrib.auth.backends.ModelBackend"])
def test_the_backend_is_the_first_that_knows_the_user(alice: User) -> None:
    with logged_in("alice") as cookie:
        backend = SessionStore(key_of(cookie))["_auth_user_backend"]
    assert backend == f"{ModelBackend.__module__}.ModelBackend"


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_a_session_that_no_other_process_sees_is_none(alice: User, backend: str) -> None:
    caches = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache", CACHES=caches):
        assert "each process has for itself" in failing("alice")


def test_a_session_in_a_shared_cache_does(alice: User, tmp_path: object) -> None:
    caches = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}}
    with (
        override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache", CACHES=caches),
        logged_in("alice") as cookie,
    ):
        assert len(key_of(cookie)) == 32


@override_settings(SESSION_ENGINE="nowhere.sessions")
def test_an_engine_that_is_not_there_is_told(alice: User) -> None:
    assert failing("alice") == "'alice' cannot be logged in: No module named 'nowhere'"


@override_settings(AUTH_USER_MODEL="nowhere.User")
def test_a_project_without_users_is_told() -> None:
    with pytest.raises(Exception):  # noqa: B017 - the model of the settings cannot be had at all
        get_user_model()
    assert "AUTH_USER_MODEL" in failing("alice")
