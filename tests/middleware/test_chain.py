"""middleware/chain.py"""

import asyncio
import itertools
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import ModuleType
from typing import Any, ClassVar

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.test import override_settings
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import get_language
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.handler import lanes
from django_ws.middleware.chain import Chain, SwitchingProtocols, _run_at_once, _View
from django_ws.testing import Peer, websocket_scope
from django_ws.urls import path

NAME = "django_ws.middleware.DjangoMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
DEFAULT = [
    "django.middleware.security.SecurityMiddleware",
    SESSIONS,
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    AUTHENTICATION,
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
IN_COOKIES = "django.contrib.sessions.backends.signed_cookies"

Get = Callable[[HttpRequest], Any]


class Asked(WebSocketHandler[str, str]):
    """Says what its middleware has left on the request."""

    @override
    async def on_message(self, data: str, /) -> None:
        await self.send(str(getattr(self.request, data, "missing")))


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


Serve = Callable[..., WebSocketApplication]


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Make an application of a project with these ``MIDDLEWARE`` and settings, in force until the test's end."""
    with ExitStack() as stack:

        def make(*names: str, target: Any = Asked, **settings: Any) -> WebSocketApplication:
            urlconf = ModuleType(f"ws_urls_of_middleware_{next(_numbers)}")
            vars(urlconf)["urlpatterns"] = [path("", target)]
            monkeypatch.setitem(sys.modules, urlconf.__name__, urlconf)
            overridden = override_settings(
                MIDDLEWARE=list(names),
                SESSION_ENGINE=IN_COOKIES,
                ROOT_WS_URLCONF=urlconf.__name__,
                WS_MIDDLEWARE=[NAME],
                **settings,
            )
            stack.enter_context(overridden)
            return get_websocket_application(no_http)

        yield make


_numbers = itertools.count()


def here(middleware: object) -> str:
    """Give the name of a middleware of this module."""
    name: str = getattr(middleware, "__name__", "")
    globals().setdefault(name, middleware)
    return f"{__name__}.{name}"


async def accepted(application: WebSocketApplication, scope: Any = None) -> Peer:
    async with Peer(application, scope) as peer:
        assert await peer.connect()
    return peer


async def denied(application: WebSocketApplication, scope: Any = None) -> Peer:
    async with Peer(application, scope) as peer:
        assert not await peer.connect()
    return peer


# --- middleware of a project ----------------------------------------------------------------------


def sync_tenant(get_response: Get) -> Get:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.tenant = "acme"  # type: ignore[attr-defined]
        request.thread = threading.current_thread().name  # type: ignore[attr-defined]
        response: HttpResponseBase = get_response(request)
        response["X-Tenant"] = "acme"
        return response

    return middleware


class AsyncTenant:
    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Get) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.tenant = asyncio.current_task()  # type: ignore[attr-defined]
        response: HttpResponseBase = await self.get_response(request)
        response["X-Tenant"] = "async"
        return response


@sync_and_async_middleware
def either(get_response: Get) -> Get:
    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            response["X-Kind"] = "async"
            return response

        return middleware

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        response["X-Kind"] = "sync"
        return response

    return sync_middleware


def maintenance(get_response: Get) -> Get:
    return lambda request: HttpResponse("back soon", status=503)


def unused(get_response: Get) -> Get:
    raise MiddlewareNotUsed


def nothing(get_response: Get) -> None: ...


def odd(get_response: Get) -> Get:
    return get_response


odd.sync_capable = False  # type: ignore[attr-defined]


def failing(error: Exception) -> Callable[[Get], Get]:
    def factory(get_response: Get) -> Get:
        def middleware(request: HttpRequest) -> HttpResponseBase:
            raise error

        return middleware

    return factory


forbidding, hiding, faulty = failing(PermissionDenied()), failing(Http404()), failing(ValueError("a secret"))
for name in ("forbidding", "hiding", "faulty"):
    globals()[name].__name__ = name


class Bodied:
    """Writes headers that an accepted handshake must not have."""

    def __init__(self, get_response: Get) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = self.get_response(request)
        for name in ("Content-Length", "ETag", "Sec-WebSocket-Protocol", "Connection", "Upgrade", "X-Kept"):
            response[name] = "0"
        response.set_cookie("theme", "dark")
        return response


# --- what passes ----------------------------------------------------------------------------------


async def test_what_middleware_sets_on_the_request_is_there_in_the_socket(serving: Serve) -> None:
    async with Peer(serving(here(sync_tenant))) as peer:
        assert await peer.connect()
        peer.text("tenant")
        assert await peer.receive() == "acme"
        peer.text("thread")
        assert str(await peer.receive()).startswith("websocket-lane-")
        assert (b"x-tenant", b"acme") in peer.accepted_headers


async def test_djangos_default_stack_lets_a_handshake_pass(serving: Serve) -> None:
    async with Peer(serving(*DEFAULT)) as peer:
        assert await peer.connect()
        peer.text("user")
        assert await peer.receive() == "AnonymousUser"
        headers = dict(peer.accepted_headers)
        assert headers[b"x-frame-options"] == b"DENY"
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert not {b"content-type", b"content-length"} & set(headers)


async def test_a_session_of_the_client_is_read_and_a_changed_one_is_sent_with_the_accept(serving: Serve) -> None:
    def visits(get_response: Get) -> Get:
        def middleware(request: HttpRequest) -> HttpResponseBase:
            request.session["visits"] = request.session.get("visits", 0) + 1
            request.visits = request.session["visits"]  # type: ignore[attr-defined]
            response: HttpResponseBase = get_response(request)
            return response

        return middleware

    application = serving(SESSIONS, here(visits))
    session = SessionStore()
    session["visits"] = 4
    session.save()
    scope = websocket_scope(headers=[("cookie", f"sessionid={session.session_key}")])
    with override_settings(SESSION_ENGINE=IN_COOKIES):
        async with Peer(application, scope) as peer:
            assert await peer.connect()
            peer.text("visits")
            assert await peer.receive() == "5"
            (cookie,) = [value for name, value in peer.accepted_headers if name == b"set-cookie"]
    assert cookie.startswith(b"sessionid=")


async def test_headers_of_a_body_and_of_the_handshake_itself_are_left_out(serving: Serve) -> None:
    peer = await accepted(serving(here(Bodied)))
    assert peer.accepted_headers == [(b"x-kept", b"0"), (b"set-cookie", b"theme=dark; Path=/")]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ((either,), "async"),
        ((either, sync_tenant), "sync"),
        ((sync_tenant, either), "sync"),
        ((AsyncTenant, sync_tenant, either), "sync"),
        ((AsyncTenant, either), "async"),
    ],
)
async def test_sync_and_async_middleware_may_be_mixed(serving: Serve, names: tuple[object, ...], kind: str) -> None:
    peer = await accepted(serving(*map(here, names)))
    assert (b"x-kind", kind.encode()) in peer.accepted_headers


async def test_the_default_stack_is_one_hop_to_the_lane(serving: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    hops: list[object] = []
    tidy = lanes._leave_tidy

    def count(fn: Any, /) -> Any:
        hops.append(fn)
        return tidy(fn)

    monkeypatch.setattr(lanes, "_leave_tidy", count)
    await accepted(serving(*DEFAULT))
    assert len(hops) == 1
    hops.clear()
    await accepted(serving(here(AsyncTenant), here(either)))
    assert not hops


async def test_a_class_with_an_async_call_that_is_not_marked_is_awaited(serving: Serve) -> None:
    class Unmarked:
        async_capable = True
        sync_capable = False

        def __init__(self, get_response: Get) -> None:
            self.get_response = get_response

        async def __call__(self, request: HttpRequest) -> HttpResponseBase:
            if "closed" in request.GET:
                raise PermissionDenied
            response: HttpResponseBase = await self.get_response(request)
            response["X-Kind"] = "unmarked"
            return response

    globals()["Unmarked"] = Unmarked
    peer = await accepted(serving(here(either), f"{__name__}.Unmarked", here(either)))
    assert [value for name, value in peer.accepted_headers if name == b"x-kind"] == [b"async"]
    # What it raises is a response to those further out.
    peer = await denied(serving(here(either), f"{__name__}.Unmarked"), websocket_scope(query="closed"))
    assert (peer.denied_status, dict(peer.denied_headers).get(b"x-kind")) == (403, b"async")
    peer = await accepted(serving(f"{__name__}.Unmarked"))
    assert (b"x-kind", b"unmarked") in peer.accepted_headers


async def test_async_middleware_runs_in_the_sockets_own_task(serving: Serve) -> None:
    class Task(Asked):
        @override
        async def on_message(self, data: str, /) -> None:
            await self.send(str(getattr(self.request, "tenant", None) is asyncio.current_task()))

    async with Peer(serving(here(AsyncTenant), target=Task)) as peer:
        assert await peer.connect()
        peer.text("")
        assert await peer.receive() == "True"


async def test_the_language_that_locale_middleware_chose_is_the_sockets(serving: Serve) -> None:
    class Spoken(Asked):
        @override
        async def on_message(self, data: str, /) -> None:
            await self.send(get_language() or "")

    application = serving("django.middleware.locale.LocaleMiddleware", target=Spoken)
    async with Peer(application, websocket_scope(headers=[("accept-language", "de")])) as peer:
        assert await peer.connect()
        peer.text("")
        assert await peer.receive() == "de"


async def test_a_wss_handshake_is_no_redirect_to_https_and_a_ws_one_is(serving: Serve) -> None:
    security = "django.middleware.security.SecurityMiddleware"
    application = serving(security, SECURE_SSL_REDIRECT=True)
    await accepted(application, websocket_scope(scheme="wss"))
    peer = await denied(application)
    assert peer.denied_status == 301


async def test_what_is_skipped_does_not_run(serving: Serve) -> None:
    peer = await accepted(serving(here(maintenance), here(Bodied), WS_SKIP_MIDDLEWARE=[here(maintenance)]))
    assert (b"x-kept", b"0") in peer.accepted_headers


async def test_a_middleware_that_is_not_used_is_left_out(serving: Serve) -> None:
    await accepted(serving(here(unused), here(either)))


async def test_a_subprotocol_and_the_sockets_own_headers_go_beside_those_of_the_chain(serving: Serve) -> None:
    class Own(Asked):
        @override
        async def on_connect(self) -> None:
            await self.accept(headers=[("x-own", "1")])

    peer = await accepted(serving(here(sync_tenant), target=Own))
    assert [name for name, _ in peer.accepted_headers] == [b"x-tenant", b"x-own"]


# --- what is denied -------------------------------------------------------------------------------


async def test_what_the_chain_answers_instead_denies_the_handshake(
    serving: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await denied(serving(here(maintenance)))
    assert (peer.denied_status, peer.denied_body) == (503, b"back soon")
    assert [record.name for record in caplog.records] == ["django.request"]


@pytest.mark.parametrize(("name", "status"), [("forbidding", 403), ("hiding", 404), ("faulty", 500)])
async def test_what_a_middleware_raises_is_answered_as_django_does_and_logged_once(
    serving: Serve, name: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await denied(serving(f"{__name__}.{name}"))
    assert peer.denied_status == status
    assert b"secret" not in peer.denied_body
    assert [record.levelno for record in caplog.records] == [logging.ERROR if status == 500 else logging.WARNING]


async def test_login_required_sends_a_stranger_to_the_login_page_but_not_from_a_socket_that_is_open_to_all(
    serving: Serve,
) -> None:
    class Open(Asked): ...

    # Django types its decorator for functions alone.
    mark: Any = login_not_required
    mark(Open)

    names = (SESSIONS, AUTHENTICATION, LOGIN_REQUIRED)
    peer = await denied(serving(*names, LOGIN_URL="/login/"))
    assert peer.denied_status == 302
    assert dict(peer.denied_headers)[b"location"] == b"/login/?next=/"
    await accepted(serving(*names, target=Open, LOGIN_URL="/login/"))


async def test_a_process_view_may_deny_and_sees_the_sockets_attributes(serving: Serve) -> None:
    seen: list[object] = []

    class Guard:
        def __init__(self, get_response: Get) -> None:
            self.get_response = get_response

        def __call__(self, request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = self.get_response(request)
            return response

        def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase:
            seen.extend(
                [getattr(view, "level", None), view.csrf_exempt, iscoroutinefunction(view.__call__), repr(view)]
            )
            return HttpResponseRedirect("/elsewhere/")

    class Guarded(Asked):
        level = 3

    globals()["Guard"] = Guard
    peer = await denied(serving(f"{__name__}.Guard", target=Guarded))
    assert peer.denied_status == 302
    assert seen[:3] == [3, True, True]
    assert "handshake of" in str(seen[3])


async def test_a_process_view_is_shown_the_sockets_names(serving: Serve) -> None:
    """Logs and traces name a view by them."""
    view = _View(Asked)
    names = (view.__module__, view.__name__, view.__qualname__, view.__doc__)
    assert names == (__name__, "Asked", "Asked", Asked.__doc__)


# --- what is rendered -----------------------------------------------------------------------------


class Page(SimpleTemplateResponse):
    """Needs no template: its context is what it says, one line for each entry."""

    @property
    @override
    def rendered_content(self) -> str:
        return ",".join(self.context_data["said"])  # type: ignore[index]


class Answering(MiddlewareMixin):
    """Answers with a page that is not rendered yet, and notes it once it is."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase:
        return Page("", {"said": ["view"]}, status=403)

    def process_template_response(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        response.context_data["said"].append("inner")
        return Page("", response.context_data, status=403)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response["X-Length"] = str(len(response.content))
        return response


class Saying(AsyncTenant):
    """Async, as are its methods."""

    async def process_template_response(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        response.context_data["said"].append("async")
        page: HttpResponseBase = response
        return page


class Last(MiddlewareMixin):
    def process_template_response(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        response.context_data["said"].append("outer")
        page: HttpResponseBase = response
        return page


class AsyncAnswering(AsyncTenant):
    """As :class:`Answering`, in a chain whose view is async."""

    async def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase:
        return Page("", {"said": ["view"]}, status=403)


class Forgetful(MiddlewareMixin):
    def process_template_response(self, request: HttpRequest, response: Any) -> None: ...


class Unrenderable(SimpleTemplateResponse):
    @property
    @override
    def rendered_content(self) -> str:
        raise ValueError("a secret")


class Breaking(MiddlewareMixin):
    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase:
        return Unrenderable("")


class Deaf(MiddlewareMixin):
    def process_exception(self, request: HttpRequest, error: Exception) -> None: ...


class Mending(MiddlewareMixin):
    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase:
        return HttpResponse(type(error).__name__, status=403)


@pytest.mark.parametrize(
    ("names", "body"),
    [
        ((Last, Answering), b"view,inner,outer"),
        ((Last, Saying, Answering), b"view,inner,async,outer"),
        ((Last, Saying, AsyncAnswering), b"view,async,outer"),
    ],
)
async def test_a_template_response_goes_through_its_methods_and_is_rendered_inside_the_chain(
    serving: Serve, names: tuple[object, ...], body: bytes
) -> None:
    peer = await denied(serving(*map(here, names)))
    assert (peer.denied_status, peer.denied_body) == (403, body)
    if Answering in names:
        assert (b"x-length", str(len(body)).encode()) in [(name.lower(), value) for name, value in peer.denied_headers]


async def test_a_template_method_that_gives_nothing_is_a_fault(
    serving: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await denied(serving(here(Forgetful), here(Answering)))
    assert peer.denied_status == 500
    assert "process_template_response of MIDDLEWARE gave back None" in caplog.text


async def test_process_exception_is_asked_of_a_page_that_cannot_be_rendered(
    serving: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await denied(serving(here(Mending), here(Deaf), here(Breaking)))
    assert (peer.denied_status, peer.denied_body) == (403, b"ValueError")
    peer = await denied(serving(here(Deaf), here(Breaking)))
    assert peer.denied_status == 500
    assert b"secret" not in peer.denied_body


# --- caches ---------------------------------------------------------------------------------------


class Connected(LocMemCache):
    """A cache that has something to close, as that of memcached."""

    closed: ClassVar[list[object]] = []

    @override
    def close(self, **kwargs: object) -> None:
        self.closed.append(self)


async def test_a_cache_that_the_chain_has_opened_is_closed_but_none_of_others(serving: Serve) -> None:
    def caching(get_response: Get) -> Get:
        def middleware(request: HttpRequest) -> HttpResponseBase:
            for alias in ("ours", "connected", "plain"):
                caches[alias].set("a", "b")
            response: HttpResponseBase = get_response(request)
            return response

        return middleware

    connected = {"BACKEND": f"{__name__}.Connected"}
    plain = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    Connected.closed.clear()
    application = serving(here(caching), CACHES={"ours": connected, "connected": connected, "plain": plain})
    kept = caches["ours"]
    await accepted(application)
    assert len(Connected.closed) == 1
    assert kept not in Connected.closed


async def test_a_cache_that_cannot_be_imported_is_of_no_matter_to_a_chain_that_does_not_use_it(serving: Serve) -> None:
    await accepted(serving(here(either), CACHES={"default": {"BACKEND": "nowhere.Cache"}}))


async def test_djangos_cache_of_pages_is_left_out(serving: Serve) -> None:
    names = ["django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"]
    application = serving(*names, here(Bodied))
    chain = Chain([*names, here(Bodied)], ())
    assert chain._is_sync  # by the third alone: these two are both capable
    await accepted(application)


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nowhere.Middleware", "MIDDLEWARE names 'nowhere.Middleware', which cannot be imported"),
        (f"{__name__}.odd", "neither sync_capable nor async_capable"),
        (f"{__name__}.nothing", "gave back None"),
    ],
)
def test_a_wrong_entry_is_found_at_the_start_and_named(serving: Serve, name: str, error: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=error):
        serving(name)


async def test_a_chain_that_gives_back_no_response_is_a_fault_that_is_named(
    serving: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def forgetful(get_response: Get) -> Callable[[HttpRequest], None]:
        return lambda request: None

    peer = await denied(serving(here(forgetful)))
    assert peer.denied_status == 500
    assert "The outermost of MIDDLEWARE gave back no response, but None" in caplog.text


def test_a_view_in_a_thread_cannot_wait() -> None:
    with pytest.raises(RuntimeError, match="in a thread that has no loop"):
        _run_at_once(asyncio.sleep(0))


def test_the_answer_of_the_view_is_101() -> None:
    assert SwitchingProtocols().status_code == 101


async def test_the_view_is_never_called_but_could_be() -> None:
    assert (await _View(None)()).status_code == 101
