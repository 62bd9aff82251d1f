"""middleware/locale.py"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta, tzinfo
from datetime import timezone as fixed
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils import timezone, translation
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.middleware.composer import run_endpoint
from django_ws.middleware.locale import LocaleMiddleware
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeResolver, Peer, websocket_scope

BERLIN = "de Europe/Berlin"
TOKYO = "ja Asia/Tokyo"
UNTOUCHED = "en-us America/Chicago"
"""What is in force where nothing was activated: Django's defaults."""
DEFAULT = "en America/Chicago"
"""What is in force for a client that says nothing."""


def here() -> str:
    """Say what is in force; a translated text and a local time show that it is."""
    name = f"{translation.get_language()} {timezone.get_current_timezone_name()}"
    shown = {"de": "Januar", "ja": "1月"}.get(translation.get_language() or "", "January")
    assert translation.gettext("January") == shown
    hours = {"Asia/Tokyo": 9}.get(timezone.get_current_timezone_name())
    assert hours is None or timezone.localtime().utcoffset() == timedelta(hours=hours)
    return name


def scope_of(locale: str) -> dict[str, Any]:
    language, zone = locale.split()
    return websocket_scope(headers=[("accept-language", language), ("cookie", f"django_timezone={zone}")])


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


def serving(target: object, middleware: Any = LocaleMiddleware) -> Any:
    resolver = FakeResolver({"/": target})
    return get_websocket_application(no_http, resolver=resolver, middleware=[middleware])


class Plain:
    """A socket that says what is in force, or does what it is told."""

    def __init__(self, scope: Any = None, do: Callable[[], Awaitable[object]] | None = None) -> None:
        self.request: HttpRequest = WebSocketRequest(websocket_scope() if scope is None else scope)
        self.do = do

    async def run(self) -> object:
        return here() if self.do is None else await self.do()


# --- the whole life -------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [False, True])
async def test_sockets_side_by_side_have_each_its_own_in_all_that_runs_for_them(
    fails: bool,
) -> None:
    seen: dict[str, dict[str, list[str]]] = {}
    tick = asyncio.Condition()

    class Everywhere(WebSocketHandler[str, str]):
        async def note(self, place: str) -> None:
            own = seen.setdefault(self.request.headers["accept-language"], {})
            # Before and after a turn in which the other socket runs.
            own[place] = [here(), await sync_to_async(here)()]
            await asyncio.sleep(0)
            own[place] += [here(), await sync_to_async(here, thread_sensitive=False)()]

        async def background(self) -> None:
            async with tick:
                await tick.wait()
            await self.note("background task")
            await self.send("ticked")

        @override
        async def on_connect(self) -> None:
            await self.note("on_connect")

        @override
        async def on_open(self) -> None:
            await self.note("on_open")
            _ = self.start_task("background", self.background)

        @override
        async def on_message(self, data: str, /) -> None:
            await self.note("on_message")
            if data == "fail":
                raise LookupError
            await self.send(str(getattr(self.request, "LANGUAGE_CODE", "")))

        @override
        async def on_error(self, error: Exception) -> None:
            await self.note("on_error")

        @override
        async def on_close(self) -> None:
            await self.note("on_close")

    application = serving(Everywhere)
    before = here()
    async with Peer(application, scope_of(BERLIN)) as one, Peer(application, scope_of(TOKYO)) as other:
        assert [*await asyncio.gather(one.connect(), other.connect())] == [True, True]
        one.text("")
        other.text("")
        assert [*await asyncio.gather(one.receive(), other.receive())] == ["de", "ja"]
        async with tick:
            tick.notify_all()
        assert [*await asyncio.gather(one.receive(), other.receive())] == ["ticked", "ticked"]
        if fails:
            one.text("fail")
            other.text("fail")
            assert [*await asyncio.gather(one.wait_closed(), other.wait_closed())] == [1011, 1011]
        assert here() == before
    places = {"on_connect", "on_open", "on_message", "background task", "on_close"} | ({"on_error"} if fails else set())
    assert seen == {
        "de": dict.fromkeys(places, [BERLIN] * 4),
        "ja": dict.fromkeys(places, [TOKYO] * 4),
    }
    assert here() == before


async def fail() -> object:
    raise LookupError(here())


async def wait_for_ever() -> object:
    return await asyncio.Event().wait()


@pytest.mark.parametrize("outer", [None, TOKYO])
async def test_what_was_in_force_around_it_is_so_again(outer: str | None) -> None:
    if outer is not None:
        language, zone = outer.split()
        translation.activate(language)
        timezone.activate(zone)
    before = here()
    assert before == (outer or UNTOUCHED)
    middleware = LocaleMiddleware(run_endpoint)
    assert await middleware(Plain(scope_of(BERLIN))) == BERLIN
    assert here() == before
    with pytest.raises(LookupError, match=BERLIN):
        await middleware(Plain(scope_of(BERLIN), fail))
    assert here() == before
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await middleware(Plain(scope_of(BERLIN), wait_for_ever))
    assert here() == before


# --- which ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ([], "en"),
        ([("accept-language", "de-at,ja;q=0.5")], "de"),
        ([("accept-language", "xx,ja;q=0.5")], "ja"),
        ([("accept-language", "\u00ff;;;=" * 40)], "en"),
        ([("accept-language", "de"), ("cookie", "django_language=ja")], "ja"),
        ([("accept-language", "de"), ("cookie", "django_language=../../x")], "de"),
    ],
)
async def test_the_language_is_djangos_choice(headers: list[tuple[str, str]], language: str) -> None:
    ws = Plain(websocket_scope(headers=headers))
    assert await LocaleMiddleware(run_endpoint)(ws) == f"{language} America/Chicago"
    code: object = vars(ws.request)["LANGUAGE_CODE"]
    assert code == language


@pytest.mark.parametrize(
    "key",
    [
        "",
        "Mars/Phobos",
        "America",
        "/etc/localtime",
        "../../../etc/passwd",
        "./UTC",
        "Europe/../Europe/Berlin",
        "tzdata.zi",
        "zone.tab",
        "Europe%2FBerlin",
        "Europe/" + "B" * 193,
        "B" * 300,
        "\u00e4",
        "\u0000",
        "Europe/Berlin\u0000",
        "-",
        "UTC+99",
    ],
)
async def test_a_cookie_that_holds_no_time_zone_is_ignored(key: str) -> None:
    ws = Plain()
    ws.request.COOKIES["django_timezone"] = key
    assert await LocaleMiddleware(run_endpoint)(ws) == DEFAULT


async def test_the_cookie_is_the_classs_own() -> None:
    class Other(LocaleMiddleware):
        timezone_cookie = "tz"

    scope = websocket_scope(headers=[("cookie", "tz=Asia/Tokyo; django_timezone=Europe/Berlin")])
    assert await Other(run_endpoint)(Plain(scope)) == "en Asia/Tokyo"


@pytest.mark.parametrize(
    ("zone", "name"), [("Asia/Tokyo", "Asia/Tokyo"), (fixed(timedelta(hours=3), "+3"), "+3"), (None, "America/Chicago")]
)
async def test_a_subclass_may_find_both_elsewhere(zone: Any, name: str) -> None:
    class Profile(LocaleMiddleware):
        @override
        async def get_language(self, request: HttpRequest) -> str | None:
            return "de"

        @override
        async def get_timezone(self, request: HttpRequest) -> tzinfo | str | None:
            await asyncio.sleep(0)
            return zone  # type: ignore[no-any-return]

    assert await Profile(run_endpoint)(Plain()) == f"de {name}"


async def test_none_leaves_what_is_in_force() -> None:
    class Leaving(LocaleMiddleware):
        @override
        async def get_language(self, request: HttpRequest) -> str | None:
            return None

        @override
        async def get_timezone(self, request: HttpRequest) -> tzinfo | str | None:
            return None

    with translation.override("ja"), timezone.override("Asia/Tokyo"):
        ws = Plain(scope_of(BERLIN))
        assert await Leaving(run_endpoint)(ws) == TOKYO
        code: object = vars(ws.request)["LANGUAGE_CODE"]
        assert code == "ja"


# --- what is wrong --------------------------------------------------------------------------------


async def test_a_key_of_ones_own_that_there_is_not_is_a_fault_that_names_it() -> None:
    class Wrong(LocaleMiddleware):
        @override
        async def get_timezone(self, request: HttpRequest) -> str:
            return "Mars/Phobos"

    with pytest.raises(ValueError, match="There is no time zone 'Mars/Phobos'"):
        await Wrong(run_endpoint)(Plain())
    assert here() == UNTOUCHED


def test_a_method_that_is_not_async_is_refused_at_the_start() -> None:
    class Language(LocaleMiddleware):
        @override
        def get_language(self, request: HttpRequest) -> str: ...  # type: ignore[override,empty-body]

    class Zone(LocaleMiddleware):
        @override
        def get_timezone(self, request: HttpRequest) -> str: ...  # type: ignore[override,empty-body]

    with pytest.raises(ImproperlyConfigured, match=r"Language\.get_language must be async"):
        Language(run_endpoint)
    with pytest.raises(ImproperlyConfigured, match=r"Zone\.get_timezone must be async"):
        Zone(run_endpoint)


async def test_one_entry_by_name_is_enough() -> None:
    async with Peer(serving(Says, "django_ws.middleware.LocaleMiddleware"), scope_of(BERLIN)) as peer:
        assert await peer.connect()
        assert await peer.receive() == BERLIN


class Says(WebSocketHandler[str, str]):
    @override
    async def on_open(self) -> None:
        await self.send(here())
