"""checks/project.py: each fault is told, with what to do; what is right or cannot be told is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import override_settings
from django.urls import include, path, re_path
from starlette.middleware.cors import CORSMiddleware

from checks.support import Module, numbers, told
from django_ws import WebSocket, WebSocketHandler, get_websocket_application
from django_ws.checks import check_project, check_settings
from django_ws.exceptions import NoRouteError
from django_ws.guards import login_required
from django_ws.interfaces import Endpoint, Match, Middleware, Next

# --- the application ----------------------------------------------------------------------------------


def test_no_application_is_a_warning() -> None:
    assert told(check_project) == [("W001", "There is no setting ASGI_APPLICATION, so the application is not checked")]


def test_an_application_that_is_no_name_is_told() -> None:
    assert told(check_project, ASGI_APPLICATION=3) == [("E002", "ASGI_APPLICATION is 3, but must be a dotted name")]


def test_an_application_that_cannot_be_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [(number, text)] = told(check_project, ASGI_APPLICATION="nowhere.asgi.application")
    assert number == "E002"
    assert text.startswith(
        "ASGI_APPLICATION names 'nowhere.asgi.application', which cannot be imported: ModuleNotFound"
    )
    (tmp_path / "asgi_of_test_checks.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    [(number, text)] = told(check_project, ASGI_APPLICATION="asgi_of_test_checks.application")
    assert number == "E002"
    assert text.endswith("cannot be imported: ZeroDivisionError: division by zero")


class Wrapper:
    """Middleware around an application that nobody knows."""

    def __init__(self, app: object) -> None:
        self.app = app


def static(application: Any) -> object:
    with override_settings(STATIC_URL="static/"):
        return ASGIStaticFilesHandler(application)


def django() -> Any:
    return get_asgi_application()


@pytest.mark.parametrize(
    "make",
    [
        django,
        lambda: static(django()),
        lambda: CORSMiddleware(django()),
        lambda: CORSMiddleware(CORSMiddleware(django())),
    ],
)
def test_djangos_own_handler_is_told(make: Callable[[], object], module: Module) -> None:
    name = f"{module(application=make())}.application"
    assert told(check_project, ASGI_APPLICATION=name) == [
        ("E003", f"ASGI_APPLICATION names '{name}', which is Django's own handler and refuses websockets")
    ]


def ring() -> object:
    outer: Any = CORSMiddleware(django())
    outer.app = outer
    return outer


async def some_application(scope: object, receive: object, send: object) -> None:
    raise NotImplementedError


@pytest.mark.parametrize(
    "make",
    [
        get_websocket_application,
        lambda: CORSMiddleware(get_websocket_application()),
        lambda: Wrapper(get_websocket_application()),
        lambda: static(get_websocket_application()),
        lambda: some_application,
        lambda: CORSMiddleware(some_application),
        lambda: Wrapper(django()),
        ring,
    ],
)
def test_an_application_of_ours_or_one_that_is_not_known_is_silent(make: Callable[[], object], module: Module) -> None:
    assert told(check_project, ASGI_APPLICATION=f"{module(application=make())}.application") == []


# --- routes -------------------------------------------------------------------------------------------


class Plain(WebSocketHandler):
    pass


@login_required
class Guarded(WebSocketHandler[str, str]):
    pass


async def function(ws: WebSocket[str, str]) -> None:
    raise NotImplementedError


class Unlucky(type):
    @property
    def run(cls) -> object:
        raise KeyError("lost")


class Broken(metaclass=Unlucky):
    pass


def routed(module: Module, *targets: object) -> str:
    # As a checker would not let it be written.
    anything: Any = path
    return module(urlpatterns=[anything(f"r{number}/", target) for number, target in enumerate(targets)])


# What is wrong but for the application, which the tests of other things do not have.
def faults(**settings: object) -> list[tuple[str, str]]:
    return [message for message in told(check_project, **settings) if message[0] != "W001"]


def test_every_route_that_is_no_socket_is_told_at_once(module: Module) -> None:
    urlconf = routed(module, Plain, HttpRequest, function, Broken, dict)
    first, second, third = faults(ROOT_WS_URLCONF=urlconf)
    where = f"{urlconf}, route 'r1/': django.http.request.HttpRequest stands in a websocket route but is no socket"
    assert first[0] == "E005"
    assert first[1].startswith(where)
    assert second == ("E005", f"{urlconf}, route 'r3/': it is no socket: KeyError: 'lost'")
    assert third[1].startswith(f"{urlconf}, route 'r4/': builtins.dict stands in")


def test_no_urlconf_is_told() -> None:
    [(number, text)] = faults(ROOT_WS_URLCONF="nowhere.ws_urls")
    assert (number, text.partition(".")[0]) == ("E004", "There is no websocket URLconf 'nowhere")


def test_a_urlconf_that_cannot_be_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ws_urls_of_test_checks.py").write_text("import nowhere_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    [(number, text)] = faults(ROOT_WS_URLCONF="ws_urls_of_test_checks")
    assert number == "E004"
    assert text == (
        "The websocket URLconf 'ws_urls_of_test_checks' cannot be imported: ModuleNotFoundError: "
        "No module named 'nowhere_at_all'"
    )


def test_a_codec_that_cannot_be_made_is_not_told_for_each_route(module: Module) -> None:
    urlconf = routed(module, Plain, HttpRequest)
    assert [number for number, _ in faults(ROOT_WS_URLCONF=urlconf, WS_JSON_CODEC="nowhere.Codec")] == ["E005"]


def test_while_a_setting_is_wrong_no_route_is_looked_at(module: Module) -> None:
    assert faults(ROOT_WS_URLCONF=routed(module, HttpRequest), WS_SYNC_LANES=0) == []


class OwnResolver:
    def resolve(self, path: str, /) -> Match:
        raise NoRouteError(path)


def test_with_a_resolver_of_its_own_an_application_needs_no_urlconf(module: Module) -> None:
    name = f"{module(application=get_websocket_application(resolver=OwnResolver()))}.application"
    assert told(check_project, ASGI_APPLICATION=name, ROOT_WS_URLCONF="nowhere.ws_urls") == []


# --- middleware ---------------------------------------------------------------------------------------


def in_function_style(next_: Next, /) -> Middleware:
    async def middleware(ws: Endpoint, /) -> object:
        raise NotImplementedError

    return middleware


def sync(next_: Next, /) -> Callable[[Endpoint], None]:
    def middleware(ws: Endpoint) -> None:
        raise NotImplementedError

    return middleware


def unlucky(next_: Next, /) -> Middleware:
    raise KeyError("lost")


def improper(next_: Next, /) -> Middleware:
    raise ImproperlyConfigured("Set COLOUR")


def test_every_entry_of_the_middleware_that_is_wrong_is_told(module: Module) -> None:
    name = module(right=in_function_style, sync=sync, unlucky=unlucky, improper=improper, takes_none=lambda: None)
    entries = [f"{name}.{each}" for each in ("sync", "right", "unlucky", "missing", "improper", "takes_none")]
    found = faults(WS_MIDDLEWARE=entries)
    assert [number for number, _ in found] == ["E006"] * 5
    texts = [text for _, text in found]
    assert found[1] == ("E006", f"WS_MIDDLEWARE names '{name}.unlucky', which cannot be made: KeyError: 'lost'")
    assert texts[0].startswith(f"The websocket middleware '{name}.sync' must be async")
    assert texts[2].startswith(f"WS_MIDDLEWARE names '{name}.missing', which cannot be imported: ")
    assert texts[3].endswith("which cannot be made: ImproperlyConfigured: Set COLOUR")
    assert texts[4].startswith(f"The websocket middleware '{name}.takes_none' cannot be called with the next one")


AUTH = "django_ws.middleware.AuthMiddleware"
DJANGO = "django_ws.middleware.DjangoMiddleware"
LOCALE = "django_ws.middleware.LocaleMiddleware"
SESSION = "django_ws.middleware.SessionMiddleware"
DJANGO_AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
DJANGO_COMMON = "django.middleware.common.CommonMiddleware"


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({}, True),
        ({"WS_MIDDLEWARE": [SESSION, LOCALE]}, True),
        ({"WS_MIDDLEWARE": [LOCALE, AUTH]}, False),
        ({"WS_MIDDLEWARE": [DJANGO]}, False),
        ({"WS_MIDDLEWARE": [DJANGO], "WS_SKIP_MIDDLEWARE": [DJANGO_AUTH]}, True),
        ({"WS_MIDDLEWARE": [DJANGO], "MIDDLEWARE": [DJANGO_COMMON]}, True),
        ({"WS_MIDDLEWARE": [DJANGO], "MIDDLEWARE": ["corsheaders.middleware.CorsMiddleware"]}, False),
    ],
)
def test_guards_that_find_no_user_are_told(settings: dict[str, Any], warned: bool, module: Module) -> None:
    urlconf = routed(module, Plain, Guarded)
    expected = ("W005", f"{urlconf}, route 'r1/': its guards ask for a user, but nothing in WS_MIDDLEWARE sets one")
    assert faults(ROOT_WS_URLCONF=urlconf, **settings) == [expected] * warned


def test_middleware_that_is_not_known_may_set_the_user(module: Module) -> None:
    names = [f"{module(own=in_function_style)}.own"]
    assert faults(ROOT_WS_URLCONF=routed(module, Guarded), WS_MIDDLEWARE=names) == []


def test_middleware_of_the_applications_own_may_set_the_user(module: Module) -> None:
    with override_settings(ROOT_WS_URLCONF=routed(module, Guarded)):
        name = f"{module(application=get_websocket_application(middleware=[AUTH]))}.application"
        assert told(check_project, ASGI_APPLICATION=name) == []


# --- one fault, one message ---------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"WS_SYNC_LANES": 0}, {"WS_MIDDLEWARE": ["nowhere.Middleware"]}, {"ROUTE": 1}])
def test_what_keeps_the_application_from_being_made_is_told_once(
    settings: dict[str, Any], module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"asgi_of_test_checks_{next(numbers)}"
    (tmp_path / f"{name}.py").write_text("import django_ws\napplication = django_ws.get_websocket_application()\n")
    monkeypatch.syspath_prepend(tmp_path)
    urlconf = routed(module, HttpRequest if settings.pop("ROUTE", None) else Plain)
    everything = {"ASGI_APPLICATION": f"{name}.application", "ROOT_WS_URLCONF": urlconf, **settings}
    found = told(check_settings, **everything) + told(check_project, **everything)
    assert len(found) == 1
    assert found[0][0] in ("E001", "E005", "E006")


def test_a_codec_that_keeps_the_application_from_being_made_is_told_once(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asgi_of_test_codec.py").write_text("import django_ws\napp = django_ws.get_websocket_application()\n")
    monkeypatch.syspath_prepend(tmp_path)
    everything = {
        "ASGI_APPLICATION": "asgi_of_test_codec.app",
        "ROOT_WS_URLCONF": routed(module, Plain),
        "WS_JSON_CODEC": "nowhere.Codec",
    }
    found = told(check_settings, **everything) + told(check_project, **everything)
    assert [number for number, _ in found] == ["E008"]


# --- slashes ------------------------------------------------------------------------------------------


def test_a_route_that_begins_with_a_slash_is_told_once(module: Module) -> None:
    anything: Any = path
    inner = [anything("/room/", Plain), anything("feed/", Plain)]
    urlconf = module(
        urlpatterns=[
            anything("/top/", Plain),
            anything("right/", Plain),
            anything("chat/", include((inner, "chat"), namespace="chat")),
            anything("joined", include((inner, "joined"), namespace="joined")),
            anything("/all/", include((inner, "all"), namespace="all")),
        ]
    )
    why = "it begins with a slash, and so matches only a path with two"
    assert faults(ROOT_WS_URLCONF=urlconf) == [
        ("W009", f"{urlconf}, route '/top/': {why}"),
        ("W009", f"{urlconf}, route 'chat//room/': {why}"),
        ("W009", f"{urlconf}, route '/all/': {why}"),
    ]


def test_a_regular_expression_that_begins_with_a_slash_is_told(module: Module) -> None:
    anything: Any = re_path
    urlconf = module(urlpatterns=[anything(pattern, Plain) for pattern in ("^/a/$", r"^\/b/$", "/c/", "^d/$")])
    assert [number for number, _ in faults(ROOT_WS_URLCONF=urlconf)] == ["W009"] * 3
