"""standing.py"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from django_ws.standing import SessionOfKey, ask_again, digest_of, has_identity, renew_user, session_digest

BACKEND = "django.contrib.auth.backends.ModelBackend"


def make_user(name: str = "alice", **fields: Any) -> User:
    return get_user_model().objects.create_user(username=name, **fields)


def with_session(user: User) -> HttpRequest:
    """A request whose user the session has told, as any of Django's and of our middleware leaves it."""
    stored = SessionStore()
    claims = {SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: BACKEND, HASH_SESSION_KEY: user.get_session_auth_hash()}
    stored.update(claims)
    stored.save()
    request = HttpRequest()
    request.session = SessionStore(stored.session_key)
    assert request.session[SESSION_KEY] == str(user.pk)
    request.user = User.objects.get(pk=user.pk)
    return request


def with_token(user: User) -> HttpRequest:
    """A request whose user something else has told."""
    request = HttpRequest()
    request.user = User.objects.get(pk=user.pk)
    return request


def holds(request: HttpRequest) -> bool:
    return async_to_sync(renew_user)(request)


# --- what is known without a query ----------------------------------------------------------------


def test_a_digest_tells_one_session_from_another_and_nothing_else() -> None:
    assert session_digest("one") == session_digest("one") != session_digest("other")
    assert "one" not in session_digest("one")
    request = HttpRequest()
    assert digest_of(request) is None
    request.session = SessionStore(None)
    assert digest_of(request) is None
    request.session = SessionStore("some-key-of-a-session")
    assert digest_of(request) == session_digest("some-key-of-a-session")


def test_an_identity_is_a_known_user_or_a_session() -> None:
    request = HttpRequest()
    assert not has_identity(request)
    request.user = AnonymousUser()
    assert not has_identity(request)
    request.session = SessionStore("some-key-of-a-session")
    assert has_identity(request)
    request = HttpRequest()
    request.user = User(pk=3)
    assert has_identity(request)


# --- a login that holds ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [with_session, with_token])
def test_a_login_that_holds_gives_the_request_a_fresh_user(database: None, make: Callable[[User], HttpRequest]) -> None:
    user = make_user()
    request = make(user)
    before = request.user
    User.objects.update(first_name="Alice")
    assert holds(request)
    assert request.user is not before
    assert isinstance(request.user, User)
    assert request.user.first_name == "Alice"
    assert async_to_sync(request.auser)() is request.user
    assert vars(request)["_cached_user"] is vars(request)["_acached_user"] is request.user


def test_who_is_not_known_is_not_looked_up() -> None:
    # Without a database: a query would fail.
    request = HttpRequest()
    assert holds(request)
    request.session = SessionStore("some-key-of-a-session")
    request.user = SimpleLazyObject(lambda: pytest.fail("it was looked up"))  # type: ignore[assignment]
    assert holds(request)
    request.user = AnonymousUser()
    assert holds(request)


def test_a_lazy_user_that_is_known_is_looked_up(database: None) -> None:
    request = with_token(make_user())
    user = request.user
    request.user = SimpleLazyObject(lambda: user)  # type: ignore[assignment]
    assert request.user.pk == user.pk
    assert holds(request)
    User.objects.all().delete()
    assert not holds(request)


def test_the_session_that_the_socket_works_with_stays_as_it_is(database: None) -> None:
    request = with_session(make_user())
    session = request.session
    session["basket"] = 3
    assert holds(request)
    assert request.session is session
    assert session["basket"] == 3


def test_a_session_of_an_earlier_secret_keeps_its_key(database: None) -> None:
    with override_settings(SECRET_KEY="earlier"):
        request = with_session(make_user())
    key = request.session.session_key
    with override_settings(SECRET_KEY_FALLBACKS=["earlier"]):
        assert holds(request)
    assert [each.session_key for each in Session.objects.all()] == [key]


# --- a login that does not ------------------------------------------------------------------------


def log_out(request: HttpRequest) -> None:
    Session.objects.all().delete()


def expire(request: HttpRequest) -> None:
    stored = SessionStore(request.session.session_key)
    stored.set_expiry(-1)
    stored.save()


def deactivate(request: HttpRequest) -> None:
    User.objects.update(is_active=False)


def change_password(request: HttpRequest) -> None:
    user = User.objects.get()
    user.set_unusable_password()  # one as random as any, and made faster
    user.save()


def delete(request: HttpRequest) -> None:
    User.objects.all().delete()


@pytest.mark.parametrize("befall", [log_out, expire, deactivate, change_password, delete])
def test_a_login_by_session_ends(database: None, befall: Callable[[HttpRequest], None]) -> None:
    request = with_session(make_user())
    before = request.user
    befall(request)
    assert not holds(request)
    assert request.user is before


@pytest.mark.parametrize("befall", [deactivate, change_password, delete])
def test_a_login_by_anything_else_ends(database: None, befall: Callable[[HttpRequest], None]) -> None:
    request = with_token(make_user())
    befall(request)
    assert not holds(request)


def test_a_session_of_another_user_by_now_does_not_hold(database: None) -> None:
    request = with_session(make_user())
    other = make_user("bob")
    stored = SessionStore(request.session.session_key)
    stored.update({SESSION_KEY: str(other.pk), HASH_SESSION_KEY: other.get_session_auth_hash()})
    stored.save()
    assert not holds(request)


def test_who_is_set_over_the_users_session_is_looked_up_besides(database: None) -> None:
    request = with_session(make_user("support"))
    request.user = make_user("client")
    assert holds(request)
    assert request.user.username == "client"
    User.objects.filter(username="client").update(is_active=False)
    assert not holds(request)
    request.user = make_user("another")
    log_out(request)
    assert not holds(request)


def test_a_session_without_a_key_says_nothing(database: None) -> None:
    request = with_session(make_user())
    request.session.flush()
    assert holds(request)


def test_who_was_let_in_inactive_is_not_thrown_out_for_it(database: None) -> None:
    request = with_token(make_user(is_active=False))
    assert holds(request)


def test_the_backend_of_a_user_goes_on_to_the_fresh_one(database: None) -> None:
    request = with_token(make_user())
    vars(request.user)["backend"] = BACKEND
    assert holds(request)
    assert vars(request.user)["backend"] == BACKEND


def test_a_user_of_no_model_is_taken_as_they_are() -> None:
    class Service:
        pk = "billing"

    request = HttpRequest()
    request.user = Service()  # type: ignore[assignment]
    assert holds(request)
    assert str(request.user.pk) == "billing"


def test_a_model_of_users_may_lack_what_django_has(database: None) -> None:
    # Any model: it has neither passwords nor sessions, nor can it be inactive.
    kept = SessionStore()
    kept.save()
    request = HttpRequest()
    request.user = Session.objects.get()  # type: ignore[assignment]
    assert holds(request)
    Session.objects.all().delete()
    assert not holds(request)


def test_whoever_wants_is_asked_besides(database: None) -> None:
    request = with_token(make_user())
    answers = [True, False]
    asked: list[object] = []

    def checking(name: str) -> Callable[[HttpRequest], Awaitable[bool]]:
        async def check(given: HttpRequest) -> bool:
            assert given is request
            asked.append(name)
            return answers[-1] if name == "second" else True

        return check

    ask_again(request, checking("first"))
    ask_again(request, checking("second"))
    before = request.user
    assert not holds(request)
    assert asked == ["first", "second"]
    assert request.user is before
    answers.append(True)
    assert holds(request)


# --- a session whose key stays --------------------------------------------------------------------


async def test_what_would_change_the_key_changes_nothing() -> None:
    session = SessionStore(None)
    session["here"] = 1
    kept = SessionOfKey(session)
    assert kept["here"] == 1
    assert kept.get("here") == 1
    kept["here"] = 2
    await kept.aset("here", 2)
    kept.cycle_key()
    await kept.acycle_key()
    assert session["here"] == 1
    assert session.session_key is None
