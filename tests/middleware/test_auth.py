"""middleware/auth.py"""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import ref

import pytest
from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieStore
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.interfaces import Endpoint
from django_ws.middleware.auth import AuthMiddleware, SessionMiddleware
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeResolver, Peer, websocket_scope

ENGINES = "django.contrib.sessions.backends"
BACKEND = "django.contrib.auth.backends.ModelBackend"

Look = Callable[[HttpRequest], Awaitable[object]]


@pytest.fixture
def queries(database: None) -> Iterator[CaptureQueriesContext]:
    with CaptureQueriesContext(connections["default"]) as queries:
        yield queries


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


def log_in(store: type[SessionBase] = DatabaseStore, name: str = "alice", **more: object) -> str:
    """Make a user and a session of that user; the key of which it gives."""
    user = get_user_model().objects.create_user(username=name, password="secret")
    session = store()
    session.update(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: BACKEND,
            HASH_SESSION_KEY: user.get_session_auth_hash(),
            **more,
        }
    )
    session.save()
    assert session.session_key is not None
    return session.session_key


def socket_says(look: Look, key: str | None = None, *middleware: Any) -> object:
    """Open a socket with that session, and give what it finds in its ``on_open``; or raise what that raised."""
    found: list[object] = []

    class Looking(WebSocketHandler[str, str]):
        @override
        async def on_open(self) -> None:
            try:
                found.append(await look(self.request))
            except Exception as error:
                found.append(error)
            await self.close()

    async def main() -> None:
        headers = [] if key is None else [("cookie", f"sessionid={key}")]
        resolver = FakeResolver({"/": Looking})
        application = get_websocket_application(no_http, resolver=resolver, middleware=middleware or [AuthMiddleware])
        async with Peer(application, websocket_scope(headers=headers)) as peer:
            assert await peer.connect()
            assert await peer.wait_closed() == 1000
            assert peer.accepted_headers == []

    async_to_sync(main)()
    (result,) = found
    if isinstance(result, Exception):
        raise result
    return result


async def nothing(request: HttpRequest) -> object:
    return None


async def who(request: HttpRequest) -> str:
    return str(await request.auser())


async def who_sync(request: HttpRequest) -> str:
    return await sync_to_async(lambda: str(request.user))()


# --- who it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", [who, who_sync])
def test_the_user_of_the_session_is_found(database: None, look: Look) -> None:
    key = log_in()
    assert socket_says(look, key) == "alice"


@pytest.mark.parametrize("look", [who, who_sync])
@pytest.mark.parametrize("key", [None, "", "unknown-session-key", "../../etc/passwd", "x" * 5000])
def test_whoever_has_no_session_is_anonymous(database: None, key: str | None, look: Look) -> None:
    log_in()
    assert socket_says(look, key) == "AnonymousUser"


@pytest.mark.parametrize("look", [who, who_sync])
def test_a_changed_password_voids_the_session(database: None, look: Look) -> None:
    key = log_in()
    user = get_user_model().objects.get()
    user.set_password("another")
    user.save()
    assert socket_says(look, key) == "AnonymousUser"
    assert not Session.objects.exists()


@pytest.mark.parametrize("look", [who, who_sync])
def test_a_session_of_a_fallback_key_is_let_in_and_keeps_its_key(database: None, look: Look) -> None:
    """Django would renew the key, which takes a cookie: without one, the user would be logged out."""
    with override_settings(SECRET_KEY="before"):
        key = log_in()
    with override_settings(SECRET_KEY="after", SECRET_KEY_FALLBACKS=["before"]):
        assert socket_says(look, key) == "alice"
        assert [session.session_key for session in Session.objects.all()] == [key]
        # What Django's middleware will do at the next HTTP request is what it would have done before.
        request = HttpRequest()
        request.session = DatabaseStore(key)
        AuthenticationMiddleware(lambda _: HttpResponse()).process_request(request)
        assert str(request.user) == "alice"
        assert request.session.session_key != key


def test_who_was_found_is_where_django_keeps_it(database: None) -> None:
    async def look(request: HttpRequest) -> object:
        user = await request.auser()
        return [vars(request)[name] is user for name in ("_cached_user", "_acached_user")]

    assert socket_says(look, log_in()) == [True, True]


# --- what it costs --------------------------------------------------------------------------------


def test_nothing_is_looked_up_and_no_thread_used_before_somebody_looks(
    queries: CaptureQueriesContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = log_in()
    before = len(queries)

    def no_thread(self: object, *args: object, **kwargs: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(SyncToAsync, "__call__", no_thread)
        socket_says(nothing, key)
    assert len(queries) == before


@pytest.mark.parametrize(
    ("store", "engine", "count"),
    [
        (DatabaseStore, "db", 2),
        (DatabaseStore, "cached_db", 2),
        (CacheStore, "cache", 1),
        (CookieStore, "signed_cookies", 1),
    ],
)
def test_one_query_for_the_session_and_one_for_the_user_however_often_they_are_asked(
    queries: CaptureQueriesContext, store: type[SessionBase], engine: str, count: int
) -> None:
    async def look(request: HttpRequest) -> object:
        first = await request.auser()
        again = await request.auser()
        # Without a query, for Django would refuse one here.
        plain = request.user
        in_thread = await sync_to_async(lambda: str(request.user))()
        return [first is again, plain == first, str(plain), in_thread]

    with override_settings(SESSION_ENGINE=f"{ENGINES}.{engine}"):
        key = log_in(store)
        before = len(queries)
        assert socket_says(look, key) == [True, True, "alice", "alice"]
    sql = [query["sql"] for query in queries][before:]
    assert ["auth_user" in each for each in sql].count(True) == 1
    assert len(sql) == count


def test_a_session_in_the_cache_of_the_database_costs_no_query(queries: CaptureQueriesContext) -> None:
    from django.contrib.sessions.backends.cached_db import SessionStore

    with override_settings(SESSION_ENGINE=f"{ENGINES}.cached_db"):
        key = log_in(SessionStore)
        before = len(queries)
        assert socket_says(who, key) == "alice"
    assert len(queries) - before == 1


def test_several_that_ask_at_once_make_one_look_up(queries: CaptureQueriesContext) -> None:
    async def look(request: HttpRequest) -> object:
        users = await asyncio.gather(*(request.auser() for _ in range(5)))
        return [str(users[0]), {id(user) for user in users} == {id(users[0])}]

    key = log_in()
    before = len(queries)
    assert socket_says(look, key) == ["alice", True]
    assert len(queries) - before == 2


def test_after_a_sync_look_the_async_one_costs_nothing(queries: CaptureQueriesContext) -> None:
    async def look(request: HttpRequest) -> object:
        return [await who_sync(request), await who(request)]

    key = log_in()
    before = len(queries)
    assert socket_says(look, key) == ["alice", "alice"]
    assert len(queries) - before == 2


def test_whoever_sends_no_cookie_costs_nothing_and_may_be_asked_for_plainly(queries: CaptureQueriesContext) -> None:
    async def look(request: HttpRequest) -> object:
        return [str(request.user), await who(request)]

    assert socket_says(look) == ["AnonymousUser", "AnonymousUser"]
    assert len(queries) == 0


def test_an_unknown_session_costs_one_query(queries: CaptureQueriesContext) -> None:
    socket_says(who, "unknown-session-key")
    assert len(queries) == 1


def test_who_asks_and_is_cancelled_leaves_the_look_up_to_the_next(database: None) -> None:
    async def look(request: HttpRequest) -> object:
        first, second = asyncio.ensure_future(request.auser()), asyncio.ensure_future(request.auser())
        await asyncio.sleep(0)
        first.cancel()
        return [str(await second), first.cancelled()]

    assert socket_says(look, log_in()) == ["alice", True]


def test_a_look_up_that_failed_is_done_again(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    key = log_in()

    async def look(request: HttpRequest) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(DatabaseStore, "aload", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await request.auser()
        return await who(request)

    assert socket_says(look, key) == "alice"


def test_all_get_the_same_user_where_a_sync_look_and_an_async_one_cross(database: None) -> None:
    async def look(request: HttpRequest) -> object:
        users = await asyncio.gather(request.auser(), sync_to_async(lambda: request.user.pk and request.user)())
        return len({id(getattr(user, "_wrapped", user)) for user in users})

    assert socket_says(look, log_in()) == 1


def test_the_first_of_two_look_ups_is_kept() -> None:
    from django_ws.middleware.auth import _User

    request = WebSocketRequest(websocket_scope())
    request.session = CookieStore()
    user = _User(request)
    first = user.get()
    assert user._keep(AnonymousUser()) is first
    assert user.get() is first


def test_a_plain_look_in_async_code_says_what_to_do(database: None) -> None:
    async def look(request: HttpRequest) -> object:
        return str(request.user)

    with pytest.raises(SynchronousOnlyOperation, match=r"await request\.auser\(\) once"):
        socket_says(look, log_in())


def test_a_request_is_freed_without_the_garbage_collector_once_the_user_is_known(database: None) -> None:
    requests: list[ref[HttpRequest]] = []

    async def run(ws: Endpoint, /) -> object:
        requests.append(ref(ws.request))
        await ws.request.auser()
        return ws.request.auser

    class Plain:
        def __init__(self) -> None:
            self.request = WebSocketRequest(websocket_scope())

        async def run(self) -> None: ...

    gc.disable()
    try:
        auser: Any = async_to_sync(AuthMiddleware(run))(Plain())
        assert [each() for each in requests] == [None]
        assert str(async_to_sync(auser)()) == "AnonymousUser"
    finally:
        gc.enable()


def test_a_user_may_outlive_the_request(database: None) -> None:
    async def run(ws: Endpoint, /) -> object:
        return ws.request.auser

    class Plain:
        def __init__(self) -> None:
            self.request = WebSocketRequest(websocket_scope(headers=[("cookie", f"sessionid={key}")]))

        async def run(self) -> None: ...

    key = log_in()
    auser: Any = async_to_sync(AuthMiddleware(run))(Plain())
    assert str(async_to_sync(auser)()) == "alice"


# --- the session ----------------------------------------------------------------------------------


@pytest.mark.parametrize("middleware", [SessionMiddleware, AuthMiddleware])
def test_the_session_is_read_when_it_is_looked_at_and_saved_by_the_handler(
    queries: CaptureQueriesContext, middleware: Any
) -> None:
    async def look(request: HttpRequest) -> object:
        before = len(queries)
        assert type(request.session) is DatabaseStore
        assert len(queries) == before
        assert await request.session.aget("seen") == 1
        assert await request.session.aget("seen") == 1
        assert len(queries) == before + 1
        await request.session.aset("seen", 2)
        if await request.session.aget("basket"):
            await request.session.asave()
        return None

    key = log_in(seen=1)
    socket_says(look, key, middleware)
    assert DatabaseStore(key)["seen"] == 1
    kept = log_in(name="bob", seen=1, basket=["pen"])
    socket_says(look, kept, middleware)
    assert DatabaseStore(kept)["seen"] == 2


def test_session_middleware_alone_sets_no_user() -> None:
    async def look(request: HttpRequest) -> object:
        return [hasattr(request, name) for name in ("session", "user", "auser")]

    assert socket_says(look, None, SessionMiddleware) == [True, False, False]


def test_a_session_that_is_there_already_is_taken(database: None) -> None:
    own = DatabaseStore(log_in())

    def outer(next_: Any) -> Any:
        async def middleware(ws: Endpoint) -> object:
            ws.request.session = own
            return await next_(ws)

        return middleware

    async def look(request: HttpRequest) -> object:
        return [request.session is own, await who(request)]

    assert socket_says(look, None, outer, AuthMiddleware) == [True, "alice"]
    assert socket_says(who, own.session_key, SessionMiddleware, AuthMiddleware) == "alice"


@override_settings(SESSION_COOKIE_NAME="sid")
def test_the_cookie_is_the_one_of_the_settings(database: None) -> None:
    assert socket_says(who, f"x; sid={log_in()}") == "alice"


def test_one_entry_by_name_is_enough(database: None) -> None:
    assert socket_says(who, log_in(), "django_ws.middleware.AuthMiddleware") == "alice"


# --- what is wrong --------------------------------------------------------------------------------


def with_middleware(middleware: object) -> None:
    resolver = FakeResolver({})
    get_websocket_application(no_http, resolver=resolver, middleware=[middleware])  # type: ignore[list-item]


@pytest.mark.parametrize("middleware", [SessionMiddleware, AuthMiddleware])
@pytest.mark.parametrize("engine", ["nowhere.sessions", "json", "", None])
def test_an_engine_that_is_none_is_found_at_the_start_and_named(middleware: object, engine: object) -> None:
    with (
        override_settings(SESSION_ENGINE=engine),
        pytest.raises(ImproperlyConfigured, match=f"SESSION_ENGINE names {engine!r}, which must be a module"),
    ):
        with_middleware(middleware)


@pytest.mark.parametrize("middleware", [SessionMiddleware, AuthMiddleware])
def test_an_engine_whose_app_is_not_installed_is_found_at_the_start(
    monkeypatch: pytest.MonkeyPatch, middleware: object
) -> None:
    class SessionStore(DatabaseStore):
        @classmethod
        @override
        def get_model_class(cls) -> Any:
            raise RuntimeError("Model class Session doesn't declare an explicit app_label")

    engine = ModuleType("engine_without_its_app")
    vars(engine)["SessionStore"] = SessionStore
    monkeypatch.setitem(sys.modules, engine.__name__, engine)
    with (
        override_settings(SESSION_ENGINE=engine.__name__),
        pytest.raises(ImproperlyConfigured, match=r"add 'django\.contrib\.sessions' to INSTALLED_APPS"),
    ):
        with_middleware(middleware)


@override_settings(INSTALLED_APPS=["django.contrib.sessions"])
def test_auth_must_be_installed() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"AuthMiddleware needs .* add 'django\.contrib\.auth'"):
        with_middleware(AuthMiddleware)


def in_a_fresh_interpreter(code: str) -> str:
    source = Path(sys.modules["django_ws"].__path__[0]).parent
    program = f"import sys\nsys.path.insert(0, {str(source)!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_can_be_imported_before_the_settings_and_without_models() -> None:
    models = "[name for name in sys.modules if name.startswith('django.contrib') and 'models' in name]"
    code = f"import django_ws.middleware\nprint({models})"
    assert in_a_fresh_interpreter(code) == "[]\n"


@pytest.mark.parametrize(
    ("apps", "said"),
    [("", "add 'django.contrib.auth'"), ("'django.contrib.contenttypes', 'django.contrib.auth'", "sessions")],
)
def test_a_project_without_the_apps_is_told_which_to_add(apps: str, said: str) -> None:
    code = f"""
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=[{apps}], SECRET_KEY="x")
django.setup()
from django_ws.middleware import AuthMiddleware, run_endpoint
try:
    AuthMiddleware(run_endpoint)
except django.core.exceptions.ImproperlyConfigured as error:
    print(error)
"""
    assert said in in_a_fresh_interpreter(code)
