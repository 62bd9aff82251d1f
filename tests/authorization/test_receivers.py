"""authorization/receivers.py"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieStore
from django.contrib.sessions.models import Session
from django.db import connections, transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest
from django.test import Client, override_settings

from authorization.support import fake_broker
from django_ws.authorization import receivers
from django_ws.authorization.receivers import connect_receivers
from django_ws.handler.orders import Order
from django_ws.standing import session_digest
from handler.support import messages


@pytest.fixture(autouse=True)
def connected() -> Iterator[None]:
    """Connect them for each test, and leave the signals as they were."""
    signals = (user_logged_out, post_save, post_delete)
    before = [list(signal.receivers) for signal in signals]
    connect_receivers()
    yield
    for signal, kept in zip(signals, before, strict=True):
        signal.receivers = kept
        signal.sender_receivers_cache.clear()


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What is ordered: user, session, and reason."""
    given: list[tuple[object, ...]] = []

    def note(order: Order) -> None:
        assert order.code == 4401
        given.append((order.user, order.session, order.reason))

    monkeypatch.setattr(receivers, "publish_robustly", note)
    return given


@pytest.fixture
def alice(database: None) -> User:
    return User.objects.create_user(username="alice")


def request_with(session: object) -> HttpRequest:
    request = HttpRequest()
    if session is not None:
        vars(request)["session"] = session
    return request


def log_out(request: HttpRequest | None, user: User | None) -> None:
    user_logged_out.send(sender=User, request=request, user=user)


# --- logout ---------------------------------------------------------------------------------------


def test_a_logout_means_its_own_session(alice: User, orders: list[Any]) -> None:
    client = Client()
    client.force_login(alice)
    key = client.session.session_key
    assert key is not None
    client.logout()
    assert orders == [(str(alice.pk), session_digest(key), "logged out")]
    assert key not in str(orders)


def test_a_logout_of_nobody_means_the_session_alone(orders: list[Any]) -> None:
    log_out(request_with(CacheStore("some-key-of-a-session")), None)
    assert orders == [(None, session_digest("some-key-of-a-session"), "logged out")]


@pytest.mark.parametrize("request_", [None, request_with(None), request_with(CookieStore("the:session:itself"))])
def test_where_the_session_is_not_known_by_its_key_it_means_all_of_the_users(
    request_: HttpRequest | None, orders: list[Any]
) -> None:
    log_out(request_, User(pk=7))
    assert orders == [("7", None, "logged out")]


def test_a_logout_of_nobody_from_nowhere_means_nothing(orders: list[Any]) -> None:
    log_out(None, None)
    assert orders == []


# --- password -------------------------------------------------------------------------------------


def test_a_new_password_means_all_of_the_users(alice: User, orders: list[Any]) -> None:
    alice.set_password("another")
    alice.save()
    assert orders == [(str(alice.pk), None, "password changed")]
    alice.set_password("yet another")
    alice.save(update_fields=["password"])
    assert len(orders) == 2


def test_what_is_no_new_password_means_nothing(alice: User, orders: list[Any]) -> None:
    User.objects.create_user(username="bob", password="secret")
    alice.first_name = "Alice"
    alice.save()
    alice.save(update_fields=["last_login"])
    alice.set_password("not saved")
    alice.save(update_fields=["first_name"])
    assert orders == []


@override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
def test_a_hash_that_is_made_anew_is_no_new_password(alice: User, orders: list[Any]) -> None:
    alice.set_password("secret")
    alice.save()
    orders.clear()
    stronger = ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=stronger):
        before = alice.password
        assert alice.check_password("secret")
        assert User.objects.get().password != before
    assert orders == []


# --- deactivation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [None, ["is_active"]])
def test_a_deactivation_means_all_of_the_users(alice: User, orders: list[Any], fields: list[str] | None) -> None:
    alice.is_active = False
    alice.save(update_fields=fields)
    assert orders == [(str(alice.pk), None, "deactivated")]


def test_a_deletion_means_all_of_the_users(alice: User, orders: list[Any]) -> None:
    key = str(alice.pk)
    alice.delete()
    assert orders == [(key, None, "deleted")]


def test_a_deletion_by_a_query_set_means_each(alice: User, orders: list[Any]) -> None:
    User.objects.all().delete()
    assert [reason for _, _, reason in orders] == ["deleted"]


def test_a_field_that_is_not_loaded_is_not_looked_up(alice: User, orders: list[Any]) -> None:
    User.objects.update(is_active=False)
    user = User.objects.only("first_name").get()
    user.first_name = "Alice"
    user.save()
    assert orders == []
    assert user.get_deferred_fields() >= {"is_active", "password"}


def test_an_inactive_user_that_is_made_has_no_sockets(database: None, orders: list[Any]) -> None:
    User.objects.create_user(username="bob", is_active=False)
    assert orders == []


# --- when, and whether ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "reasons"),
    [
        ([], []),
        (["logout"], ["logged out"]),
        (["password"], ["password changed"]),
        (["deactivation"], ["deactivated", "deleted"]),
    ],
)
def test_the_setting_says_what_counts(alice: User, orders: list[Any], names: list[str], reasons: list[str]) -> None:
    with override_settings(WS_DISCONNECT_ON=names):
        log_out(None, alice)
        alice.set_password("another")
        alice.save()
        alice.is_active = False
        alice.save()
        alice.delete()
    assert [reason for _, _, reason in orders] == reasons


@pytest.mark.parametrize("fails", [True, False])
def test_it_counts_once_it_is_committed(alice: User, orders: list[Any], fails: bool) -> None:
    def befall() -> None:
        with transaction.atomic():
            alice.is_active = False
            alice.save()
            log_out(None, alice)
            assert orders == []
            if fails:
                raise KeyError

    if fails:
        with pytest.raises(KeyError):
            befall()
    else:
        befall()
    assert len(orders) == (0 if fails else 2)


def test_a_logout_connects_to_no_database(orders: list[Any]) -> None:
    before = connections["default"], connections.create_connection("default")
    connections["default"] = before[1]
    log_out(None, User(pk=7))
    connections["default"] = before[0]
    assert before[1].connection is None
    assert len(orders) == 1


def change_password(alice: User) -> None:
    alice.set_password("another")
    alice.save()


def delete(alice: User) -> None:
    alice.delete()


def leave(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    client.logout()
    assert not Session.objects.exists()


@pytest.mark.parametrize("befall", [change_password, delete, leave])
def test_an_engine_that_is_away_breaks_nothing(
    alice: User, befall: Callable[[User], None], caplog: pytest.LogCaptureFixture
) -> None:
    with fake_broker() as broker:
        broker.go_down()
        befall(alice)
    assert len(messages(caplog)) == 1
    assert messages(caplog)[0].startswith("The sockets of other processes could not be told to close (")


# --- connected ------------------------------------------------------------------------------------


def test_they_are_connected_once() -> None:
    before = len(user_logged_out.receivers)
    connect_receivers()
    assert len(user_logged_out.receivers) == before


def test_other_models_are_no_concern_of_theirs() -> None:
    assert post_save.has_listeners(User)
    assert post_delete.has_listeners(User)
    assert not post_save.has_listeners(Session)
    assert not post_delete.has_listeners(Session)


def test_a_project_without_users_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "is_installed", lambda name: False)
    monkeypatch.setattr(apps, "get_models", lambda: pytest.fail("it was asked for users"))
    connect_receivers()
