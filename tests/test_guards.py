"""guards.py"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, decorators
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import override_settings
from django.views.decorators.cache import never_cache
from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler, get_websocket_application, guards
from django_ws.interfaces import Guard
from django_ws.middleware import AuthMiddleware, DjangoMiddleware
from django_ws.testing import FakeGuard, FakeResolver, Peer, websocket_scope

reached: list[str] = []


@pytest.fixture(autouse=True)
def nobody_yet() -> Iterator[None]:
    reached.clear()
    yield
    reached.clear()


def room(*declared: Guard) -> type[WebSocketHandler[str, str]]:
    """A class of a test's own, to put guards on."""

    class Room(WebSocketHandler[str, str]):
        guards = declared

        @override
        async def on_connect(self) -> HttpResponseBase | None:
            reached.append("on_connect")
            return None

        @override
        async def on_open(self) -> None:
            reached.append("on_open")
            await self.close()

    return Room


def feed() -> Callable[[WebSocket[str, str]], Any]:
    async def feed(ws: WebSocket[str, str]) -> None:
        reached.append("feed")

    return feed


# --- who it is ------------------------------------------------------------------------------------


def log_in(name: str = "alice", *permissions: str, **attributes: Any) -> str:
    """Make a user with these permissions of the app ``auth``, and a session; give the cookie."""
    user = User.objects.create_user(username=name, **attributes)
    for codename in permissions:
        content_type = ContentType.objects.get_for_model(User)
        user.user_permissions.add(Permission.objects.get(codename=codename, content_type=content_type))
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"sessionid={session.session_key}"


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


async def open_(target: object, *middleware: Any, cookie: str = "") -> Peer:
    """Ask for a socket; the peer tells what became of it."""
    application = get_websocket_application(no_http, resolver=FakeResolver({"/": target}), middleware=middleware)
    reached.clear()
    async with Peer(application, websocket_scope(headers=[("cookie", cookie)])) as peer:
        if await peer.connect():
            await peer.wait_closed()
            assert reached != []
    assert "on_open" in reached or "feed" in reached or peer.denied_status is not None
    assert not {"on_connect", "on_open", "feed"}.intersection(reached) or peer.denied_status is None
    return peer


def opens(target: object, cookie: str = "", middleware: Any = AuthMiddleware) -> int:
    """Give the status of the denial, 101 if there was none."""
    peer: Peer = async_to_sync(open_)(target, middleware, cookie=cookie)
    return peer.denied_status or 101


def as_user(user: object) -> Any:
    """A middleware that sets this user."""

    def factory(next_: Any) -> Any:
        async def middleware(ws: Any) -> object:
            ws.request.user = user
            return await next_(ws)

        return middleware

    return factory


# --- each of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("middleware", [AuthMiddleware, DjangoMiddleware])
@pytest.mark.parametrize("make", [room, feed])
def test_login_required_lets_in_who_is_logged_in(database: None, make: Callable[[], Any], middleware: Any) -> None:
    target = guards.login_required(make())
    assert opens(target, middleware=middleware) == 401
    assert opens(target, "sessionid=forged", middleware) == 401
    assert reached == []
    assert opens(target, log_in(), middleware) == 101
    assert reached != []


def test_the_401_says_how_to_say_who_one_is(database: None) -> None:
    peer: Peer = async_to_sync(open_)(guards.login_required(room()), AuthMiddleware)
    assert peer.denied_status == 401
    assert dict(peer.denied_headers)[b"www-authenticate"] == b"Session"
    assert peer.denied_body == b"Unauthorized\n"
    assert guards.unauthorized().status_code == 401


@pytest.mark.parametrize("make", [room, feed])
def test_permission_required_asks_for_all_of_them(database: None, make: Callable[[], Any]) -> None:
    one = guards.permission_required("auth.view_user")(make())
    both = guards.permission_required(["auth.view_user", "auth.change_user"])(make())
    viewer, editor = log_in("viewer", "view_user"), log_in("editor", "view_user", "change_user")
    stranger, root = log_in("stranger"), log_in("root", is_superuser=True)
    assert [opens(one, cookie) for cookie in ("", stranger, viewer, editor, root)] == [401, 403, 101, 101, 101]
    assert [opens(both, cookie) for cookie in ("", stranger, viewer, editor, root)] == [401, 403, 403, 101, 101]


def test_an_iterator_of_permissions_is_asked_of_each_client(database: None) -> None:
    target = guards.permission_required(iter(["auth.view_user"]))(room())
    stranger = log_in("stranger")
    assert [opens(target, stranger) for _ in range(2)] == [403, 403]


def test_who_is_not_active_has_no_permission(database: None) -> None:
    cookie = log_in("gone", "view_user")
    User.objects.update(is_active=False)
    assert opens(guards.permission_required("auth.view_user")(room()), cookie) in {401, 403}


class Plain(AbstractBaseUser):
    """A user class without PermissionsMixin."""

    class Meta:
        app_label = "tests"
        abstract = True


def test_a_user_class_without_permissions_has_none_of_them(caplog: pytest.LogCaptureFixture) -> None:
    class Person:
        is_authenticated = True

    assert opens(guards.permission_required("auth.view_user")(room()), middleware=as_user(Person())) == 403
    assert opens(guards.login_required(room()), middleware=as_user(Person())) == 101
    assert "the user lacks a permission of auth.view_user" in caplog.messages[0]


async def is_staff(user: Any) -> bool:
    return bool(user.is_staff)


def is_staff_plainly(user: Any) -> bool:
    return bool(user.is_staff)


@pytest.mark.parametrize("test", [is_staff, is_staff_plainly])
@pytest.mark.parametrize("make", [room, feed])
def test_user_passes_test_takes_a_plain_test_and_an_async_one(
    database: None, make: Callable[[], Any], test: Any, caplog: pytest.LogCaptureFixture
) -> None:
    target = guards.user_passes_test(test)(make())
    stranger, staff = log_in("stranger"), log_in("staff", is_staff=True)
    assert [opens(target, cookie) for cookie in ("", stranger, staff)] == [401, 403, 101]
    assert f"the user does not pass {test.__qualname__}" in caplog.messages[-1]


def test_a_test_may_let_anybody_in_and_have_no_name(caplog: pytest.LogCaptureFixture) -> None:
    class Test:
        def __init__(self, passes: bool) -> None:
            self.passes = passes

        def __call__(self, user: object) -> bool:
            return self.passes

        @override
        def __repr__(self) -> str:
            return "<a test>"

    assert opens(guards.user_passes_test(Test(True))(room()), middleware=as_user(AnonymousUser())) == 101
    assert opens(guards.user_passes_test(Test(False))(room()), middleware=as_user(User(pk=1))) == 403
    assert "the user does not pass <a test>" in caplog.messages[-1]


def test_a_truthy_attribute_does_not_make_a_login() -> None:
    """``is_authenticated`` was a method once, and a method is true."""

    class Old:
        def is_authenticated(self) -> bool:
            return False

    for user in (Old(), object(), "alice"):
        assert opens(guards.login_required(room()), middleware=as_user(user)) == 401


@pytest.mark.parametrize(
    "guard",
    [guards.login_required, guards.permission_required("auth.view_user"), guards.user_passes_test(is_staff)],
)
@pytest.mark.parametrize("make", [room, feed])
def test_without_any_middleware_that_sets_a_user_it_says_which_to_take(
    guard: Any, make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    peer: Peer = async_to_sync(open_)(guard(make()))
    assert peer.denied_status == 500
    assert reached == []
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ImproperlyConfigured)
    assert "django_ws.middleware.AuthMiddleware" in str(record.exc_info[1])
    assert "WS_MIDDLEWARE" in str(record.exc_info[1])


# --- in what order --------------------------------------------------------------------------------


class Noting:
    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, request: HttpRequest, /) -> HttpResponseBase | None:
        reached.append(self.name)
        return None


def noting(name: str) -> Callable[[Any], Any]:
    return guards.user_passes_test(lambda _: not reached.append(name))  # type: ignore[func-returns-value]


def test_the_outermost_is_asked_first_then_the_inherited_then_on_connect() -> None:
    base = noting("base, outer")(noting("base, inner")(room(Noting("declared"))))

    @noting("outer")
    @noting("inner")
    class Derived(base):  # type: ignore[valid-type,misc]
        pass

    everybody = as_user(AnonymousUser())
    inherited = ["base, outer", "base, inner", "declared"]
    assert opens(Derived, middleware=everybody) == 101
    assert reached == ["outer", "inner", *inherited, "on_connect", "on_open"]
    reached.clear()
    assert opens(base, middleware=everybody) == 101
    assert reached == [*inherited, "on_connect", "on_open"]
    reached.clear()
    assert opens(noting("view")(Derived.as_view()), middleware=everybody) == 101
    assert reached == ["view", "outer", "inner", *inherited, "on_connect", "on_open"]


def test_a_class_or_function_is_given_back_as_it_came() -> None:
    for made in (room(), feed()):
        assert guards.login_required(made) is made
        assert guards.permission_required("auth.view_user")(made) is made
        assert guards.user_passes_test(is_staff)(made) is made
        assert len(vars(made)["guards"]) == 3


def test_a_subclass_does_not_change_its_base() -> None:
    base = room()
    guards.login_required(type("Derived", (base,), {}))
    assert base.guards == ()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (HttpResponse("no", status=418), 418),
        (PermissionDenied(), 403),
        (Http404(), 404),
        (ZeroDivisionError(), 500),
        (None, 101),
    ],
)
def test_a_guard_of_ones_own_denies_with_a_response_or_an_exception(
    answer: HttpResponseBase | Exception | None, status: int
) -> None:
    own = FakeGuard(answer)
    assert opens(room(own)) == status
    assert len(own.asked) == 1
    assert reached == (["on_connect", "on_open"] if answer is None else [])


# --- no way around them ---------------------------------------------------------------------------


def old_fashioned(view: Any) -> Any:
    """A decorator of a project that knows of no async views, and of no ``functools.wraps`` in full."""

    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_authenticated:
            return HttpResponse(status=402)
        return view(request, *args, **kwargs)

    vars(wrapper).update(vars(view))
    return wrapper


WAYS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "the class": (guards.login_required, 401),
    "a subclass": (lambda cls: type("Derived", (guards.login_required(cls),), {}), 401),
    "its view": (lambda cls: guards.login_required(cls).as_view(), 401),
    "the view itself": (lambda cls: guards.login_required(cls.as_view()), 401),
    "a decorator of Django's over it": (lambda cls: never_cache(guards.login_required(cls.as_view())), 401),
    "it over a decorator of Django's": (lambda cls: guards.login_required(never_cache(cls.as_view())), 401),
    "Django's login_required": (lambda cls: decorators.login_required(cls.as_view()), 302),
    "that under never_cache": (lambda cls: never_cache(decorators.login_required(cls.as_view())), 302),
    "that over never_cache": (lambda cls: decorators.login_required(never_cache(cls.as_view())), 302),
    "a decorator without async": (lambda cls: old_fashioned(cls.as_view()), 402),
    "that under Django's": (lambda cls: decorators.login_required(old_fashioned(cls.as_view())), 302),
    "Django's test": (lambda cls: decorators.user_passes_test(is_staff_plainly)(cls.as_view()), 302),
}


@pytest.mark.parametrize("middleware", [AuthMiddleware, DjangoMiddleware])
@pytest.mark.parametrize("way", WAYS)
def test_whichever_way_it_is_guarded_it_is_never_reached_unguarded(database: None, way: str, middleware: Any) -> None:
    guard, status = WAYS[way]
    target = guard(room())
    assert opens(target, "", middleware) == status
    assert reached == []
    assert opens(target, log_in(is_staff=True), middleware) == 101
    assert reached == ["on_connect", "on_open"]


@pytest.mark.parametrize("raises", [True, False])
def test_djangos_permission_required_works_around_a_view(database: None, raises: bool) -> None:
    guard = decorators.permission_required("auth.view_user", raise_exception=raises)
    target = guard(room().as_view())
    viewer, stranger = log_in("viewer", "view_user"), log_in("stranger")
    assert opens(target) == opens(target, stranger) == (403 if raises else 302)
    assert reached == []
    assert opens(target, viewer) == 101


def test_a_decorator_that_lets_all_in_lets_all_in(database: None) -> None:
    assert opens(never_cache(room().as_view())) == 101
    assert reached == ["on_connect", "on_open"]


@pytest.mark.parametrize("guard", [decorators.login_required, never_cache, old_fashioned])
@pytest.mark.parametrize("make", [room, feed])
@override_settings(LOGIN_URL="/login/")
def test_a_decorator_for_views_around_the_socket_itself_is_refused_or_at_least_never_reaches_it(
    guard: Any, make: Callable[[], Any]
) -> None:
    status: int | None = None
    with contextlib.suppress(ImproperlyConfigured):
        status = opens(guard(make()))
    assert status in {None, 500}
    assert reached == []
