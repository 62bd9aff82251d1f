"""The real middleware of Django and of common apps around a handshake, through ``DjangoMiddleware``.

The database is a file, for the middleware run on the lanes' threads, each of which has a connection of its own.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

for needed in ("allauth", "corsheaders", "whitenoise", "debug_toolbar", "django_otp"):
    pytest.importorskip(needed, reason="a package of the test group is not installed")

from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.core.management import call_command
from django.db import connections
from django.test import Client, override_settings
from django.utils.module_loading import import_string

from django_ws import get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.testing import Peer, websocket_scope
from stacks.settings import ALLAUTH, APPS, SETTINGS, STARTPROJECT

LOCALE = "django.middleware.locale.LocaleMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
SECURITY, SESSIONS, COMMON, *_, FRAMES = STARTPROJECT
AUTHENTICATION = STARTPROJECT[4]
OWN = "stacks.middleware"

Serve = Callable[..., WebSocketApplication]


@pytest.fixture(scope="module")
def project() -> Iterator[None]:
    """The project with its apps, in force for this module alone."""
    # allauth wants to see its middleware before its app is there.
    with override_settings(**SETTINGS), override_settings(INSTALLED_APPS=APPS):
        yield


@pytest.fixture(scope="module")
def migrated(project: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("stacks") / "migrated.sqlite3"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections.settings["default"], "NAME", str(file))
        before, own = connections["default"], connections.create_connection("default")
        connections["default"] = own
        call_command("migrate", verbosity=0)
        own.close()
        connections["default"] = before
    return file


@pytest.fixture(autouse=True)
def database(migrated: Path, database_file: Path) -> None:
    """A migrated one."""
    shutil.copy(migrated, database_file)


@pytest.fixture
def serving(database: None) -> Iterator[Serve]:
    """Make the application with these ``MIDDLEWARE`` and settings, in force until the test's end."""
    with ExitStack() as stack:

        def make(*names: str, **settings: Any) -> WebSocketApplication:
            stack.enter_context(override_settings(MIDDLEWARE=list(names), **settings))
            return get_websocket_application()

        yield make


@pytest.fixture
def alice(database: None) -> str:
    """Give the cookie of a user who has signed in by allauth's own view."""
    get_user_model().objects.create_user(username="alice", password="secret")
    client = Client()
    response = client.post("/accounts/login/", {"login": "alice", "password": "secret"}, headers={"host": "localhost"})
    assert response.status_code == 302
    return f"sessionid={client.cookies['sessionid'].value}"


def scope(path: str = "/asked/", cookie: str = "", **more: Any) -> dict[str, Any]:
    headers = [*more.pop("headers", ()), *([("cookie", cookie)] if cookie else [])]
    return websocket_scope(path, headers=headers, **more)


def headers_of(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in pairs}


async def ask(peer: Peer, what: str) -> str:
    peer.text(what)
    return str(await peer.receive())


async def ask_one(application: WebSocketApplication, what: str, where: dict[str, Any] | None = None) -> str:
    async with Peer(application, where or scope()) as peer:
        assert await peer.connect()
        return await ask(peer, what)


async def accepted(application: WebSocketApplication, where: dict[str, Any] | None = None) -> dict[str, str]:
    async with Peer(application, where or scope()) as peer:
        assert await peer.connect(), (peer.denied_status, peer.denied_body)
    return headers_of(peer.accepted_headers)


async def denied(application: WebSocketApplication, where: dict[str, Any] | None = None) -> Peer:
    async with Peer(application, where or scope()) as peer:
        assert not await peer.connect()
    return peer


# --- Django's own ---------------------------------------------------------------------------------


async def test_the_stack_of_startproject_lets_strangers_in_without_a_session(serving: Serve) -> None:
    application = serving(*STARTPROJECT)
    headers = await accepted(application)
    assert set(headers) == {
        "x-frame-options",
        "x-content-type-options",
        "referrer-policy",
        "cross-origin-opener-policy",
    }
    assert await ask_one(application, "user") == "nobody"


async def test_the_stack_of_startproject_knows_who_has_logged_in(serving: Serve, alice: str) -> None:
    application = serving(*STARTPROJECT)
    async with Peer(application, scope(cookie=alice)) as peer:
        assert await peer.connect()
        assert await ask(peer, "user") == "alice"
        assert await ask(peer, "request.user") == "alice"
        assert await ask(peer, "_messages") != "missing"


async def test_a_session_that_a_middleware_changes_is_saved_and_its_cookie_is_sent(serving: Serve) -> None:
    application = serving(*STARTPROJECT, f"{OWN}.counting")
    headers = await accepted(application)
    cookie = headers["set-cookie"].partition(";")[0]
    assert cookie.startswith("sessionid=")
    assert "HttpOnly" in headers["set-cookie"]
    assert json.loads(await ask_one(application, "session", scope(cookie=cookie))) == {"visits": 2, "status": 101}


def test_a_session_of_a_handshake_is_in_the_database(serving: Serve) -> None:
    headers = async_to_sync(accepted)(serving(*STARTPROJECT, f"{OWN}.counting"))
    session = Session.objects.get(session_key=headers["set-cookie"].partition(";")[0].removeprefix("sessionid="))
    assert session.get_decoded() == {"visits": 1, "status": 101}


async def test_the_language_of_the_client_is_active_in_the_hooks_and_no_header_of_the_accept(serving: Serve) -> None:
    application = serving(SESSIONS, LOCALE, COMMON)
    where = scope(headers=[("accept-language", "fr")])
    assert await ask_one(application, "language", where) == "fr"
    headers = await accepted(application, where)
    assert "content-language" not in headers
    assert headers["vary"] == "Accept-Language"
    # Beside each other in one loop, each has its own.
    async with Peer(application, where) as french, Peer(application, scope(cookie="django_language=de")) as german:
        assert await french.connect()
        assert await german.connect()
        assert [await ask(french, "language"), await ask(german, "language")] == ["fr", "de"]


async def test_login_required_lets_in_who_has_logged_in_and_what_is_open_to_all(serving: Serve, alice: str) -> None:
    application = serving(*STARTPROJECT, LOGIN_REQUIRED, LOGIN_URL="/accounts/login/")
    peer = await denied(application)
    assert peer.denied_status == 302
    assert headers_of(peer.denied_headers)["location"] == "/accounts/login/?next=/asked/"
    assert await ask_one(application, "user", scope("/open/")) == "nobody"
    assert await ask_one(application, "user", scope(cookie=alice)) == "alice"


async def test_ssl_redirect_sends_ws_to_https_and_lets_wss_pass(serving: Serve) -> None:
    application = serving(
        SECURITY,
        SECURE_SSL_REDIRECT=True,
        SECURE_HSTS_SECONDS=60,
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    )
    peer = await denied(application, scope(query="a=b"))
    assert peer.denied_status == 301
    assert headers_of(peer.denied_headers)["location"] == "https://localhost/asked/?a=b"
    headers = await accepted(application, scope(headers=[("x-forwarded-proto", "https")]))
    assert headers["strict-transport-security"] == "max-age=60"
    peer = await denied(application, scope(scheme="wss", headers=[("x-forwarded-proto", "http")]))
    assert peer.denied_status == 301
    with override_settings(SECURE_PROXY_SSL_HEADER=None):
        await accepted(application, scope(scheme="wss"))


async def test_what_thinks_of_a_body_leaves_a_handshake_alone(serving: Serve) -> None:
    names = ("django.middleware.gzip.GZipMiddleware", "django.middleware.http.ConditionalGetMiddleware", COMMON)
    headers = [
        ("accept-encoding", "gzip"),
        ("if-none-match", "*"),
        ("if-modified-since", "Thu, 01 Jan 2099 00:00:00 GMT"),
    ]
    assert not await accepted(serving(*names), scope(headers=headers))


async def test_a_handshake_is_never_cached_and_no_page_answers_it(serving: Serve) -> None:
    update, fetch = (f"django.middleware.cache.{name}CacheMiddleware" for name in ("Update", "FetchFrom"))
    caches["default"].clear()
    application = serving(update, SESSIONS, f"{OWN}.counting", fetch)
    first, second = await accepted(application), await accepted(application)
    assert first["set-cookie"] != second["set-cookie"]
    assert "cache-control" not in first
    assert "expires" not in first


def test_a_page_that_is_cached_at_the_same_url_does_not_answer_a_handshake(serving: Serve) -> None:
    update, fetch = (f"django.middleware.cache.{name}CacheMiddleware" for name in ("Update", "FetchFrom"))
    caches["default"].clear()
    application = serving(update, fetch)
    page = Client().get("/asked/", headers={"host": "localhost"})
    assert (page.content, "max-age" in page.headers["cache-control"]) == (b"a page", True)
    async_to_sync(accepted)(application)
    assert Client().get("/asked/", headers={"host": "localhost"}).content == b"a page"
    caches["default"].clear()


@pytest.mark.skipif(find_spec("django.middleware.csp") is None, reason="Django 6.0 brings it")
async def test_the_content_security_policy_goes_out_with_the_accept(serving: Serve) -> None:
    policy = {"default-src": ["'self'"]}
    headers = await accepted(serving("django.middleware.csp.ContentSecurityPolicyMiddleware", SECURE_CSP=policy))
    assert headers["content-security-policy"] == "default-src 'self'"


async def test_the_current_site_is_known_in_the_socket(serving: Serve) -> None:
    application = serving("django.contrib.sites.middleware.CurrentSiteMiddleware")
    assert await ask_one(application, "site") == "example.com"


def test_fallbacks_act_on_a_404_of_the_chain_and_on_nothing_else(serving: Serve) -> None:
    from django.contrib.flatpages.models import FlatPage
    from django.contrib.redirects.models import Redirect

    # Their apps are not in the settings that django-stubs reads.
    pages: Any = FlatPage
    pages.objects.create(url="/asked/", title="A page", content="flat").sites.set([1])
    redirects: Any = Redirect
    redirects.objects.create(site_id=1, old_path="/open/", new_path="/asked/")
    redirects.objects.create(site_id=1, old_path="/nowhere/", new_path="/asked/")
    names = (
        "django.contrib.redirects.middleware.RedirectFallbackMiddleware",
        "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    )
    application = serving(*names)
    async_to_sync(accepted)(application)
    async_to_sync(accepted)(application, scope("/open/"))
    # It has no route, which is found before the chain.
    assert async_to_sync(denied)(application, scope("/nowhere/")).denied_status == 404
    application = serving(*names, f"{OWN}.hiding")
    peer = async_to_sync(denied)(application)
    assert (peer.denied_status, b"flat" in peer.denied_body) == (200, True)
    peer = async_to_sync(denied)(application, scope("/open/"))
    assert (peer.denied_status, headers_of(peer.denied_headers)["location"]) == (301, "/asked/")


async def test_atomic_requests_open_no_transaction(serving: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    application = serving(*STARTPROJECT, f"{OWN}.counting")
    async with Peer(application, scope()) as first, Peer(application, scope()) as second:
        assert await first.connect()
        # Its session is written while the other is open: SQLite would wait for a transaction of that.
        assert await second.connect()
        assert await ask(first, "transaction") == "False"


# --- a project's own ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["sync", "async_only", "both", "OldStyle"], "sync"),
        (["OldStyle", "both", "async_only", "sync"], "async"),
        (["both", "OldStyle", "sync", "async_only"], "sync"),
        (["async_only", "sync", "OldStyle", "both"], "sync"),
    ],
)
async def test_middleware_of_each_kind_in_any_order(serving: Serve, names: list[str], kind: str) -> None:
    application = serving(*STARTPROJECT, *(f"{OWN}.{name}" for name in names))
    async with Peer(application, scope()) as peer:
        assert await peer.connect()
        answers = [await ask(peer, what) for what in ("by_sync", "by_async", "by_both", "by_old_style")]
    assert answers == ["yes", "yes", kind, "yes"]
    assert {"x-sync", "x-async", "x-old-style"} <= set(headers_of(peer.accepted_headers))
    peer = await denied(application, scope(query="closed"))
    assert (peer.denied_status, peer.denied_body) == (503, b"closed")


async def test_many_handshakes_at_once_pass_through_one_thread(serving: Serve) -> None:
    """Sync around async around sync: the lane's thread waits for a coroutine that needs a thread itself."""
    names = [f"{OWN}.{name}" for name in ("sync", "async_only", "counting", "both", "async_only", "OldStyle")]
    application = serving(*STARTPROJECT, *names, WS_SYNC_LANES=1)
    async with asyncio.TaskGroup() as group:
        opened = [group.create_task(accepted(application)) for _ in range(20)]
    cookies = {task.result()["set-cookie"] for task in opened}
    assert len(cookies) == 20


# --- of other packages ----------------------------------------------------------------------------


async def test_who_has_signed_in_by_allauth_is_the_sockets_user(serving: Serve, alice: str) -> None:
    application = serving(*STARTPROJECT, ALLAUTH)
    assert await ask_one(application, "user", scope(cookie=alice)) == "alice"
    assert await ask_one(application, "allauth") == "namespace()"


async def test_a_redirect_of_allauth_itself_is_a_denial(serving: Serve, alice: str) -> None:
    application = serving(*STARTPROJECT, ALLAUTH, f"{OWN}.hiding")
    peer = await denied(application, scope("/accounts/"))
    assert (peer.denied_status, headers_of(peer.denied_headers)["location"]) == (302, "/accounts/login/")
    peer = await denied(application, scope("/accounts/", cookie=alice))
    assert (peer.denied_status, headers_of(peer.denied_headers)["location"]) == (302, "/accounts/email/")


async def test_cors_headers_are_added_to_an_accept(serving: Serve) -> None:
    application = serving(
        "corsheaders.middleware.CorsMiddleware",
        *STARTPROJECT,
        CORS_ALLOWED_ORIGINS=["https://app.example"],
        WS_ALLOWED_ORIGINS=["https://app.example", "https://other.example"],
    )
    headers = await accepted(application, scope(headers=[("origin", "https://app.example")]))
    assert headers["access-control-allow-origin"] == "https://app.example"
    headers = await accepted(application, scope(headers=[("origin", "https://other.example")]))
    assert "access-control-allow-origin" not in headers


async def test_whitenoise_leaves_a_handshake_alone_even_below_its_files(serving: Serve, tmp_path: Path) -> None:
    root = tmp_path / "static"
    root.mkdir()
    (root / "app.js").write_text("1;")
    application = serving(
        SECURITY, "whitenoise.middleware.WhiteNoiseMiddleware", *STARTPROJECT[1:], STATIC_ROOT=str(root)
    )
    await accepted(application)
    await accepted(application, scope("/static/socket/"))


async def test_the_debug_toolbar_looks_on(serving: Serve, alice: str) -> None:
    application = serving(
        "debug_toolbar.middleware.DebugToolbarMiddleware", *STARTPROJECT, DEBUG=True, INTERNAL_IPS=["127.0.0.1"]
    )
    async with Peer(application, scope(cookie=alice)) as peer:
        assert await peer.connect()
        assert await ask(peer, "user") == "alice"
    headers = headers_of(peer.accepted_headers)
    assert {"server-timing", "djdt-request-id"} <= set(headers)


def test_otp_tells_the_socket_whether_its_user_is_verified(serving: Serve, alice: str) -> None:
    application = serving(*STARTPROJECT, "django_otp.middleware.OTPMiddleware")
    ask_now = async_to_sync(ask_one)
    assert ask_now(application, "verified", scope(cookie=alice)) == "False"
    # A model of a package without types.
    devices: Any = import_string("django_otp.plugins.otp_static.models.StaticDevice")
    device = devices.objects.create(user=get_user_model().objects.get(), name="device")
    session = SessionStore(alice.removeprefix("sessionid="))
    session["otp_device_id"] = device.persistent_id
    session.save()
    assert ask_now(application, "verified", scope(cookie=alice)) == "True"
    assert ask_now(application, "request.user", scope(cookie=alice)) == "alice"
