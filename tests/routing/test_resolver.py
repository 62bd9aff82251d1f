import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404
from django.test import override_settings
from django.urls import Resolver404, URLPattern, include, path, re_path, register_converter, reverse
from django.urls.resolvers import RoutePattern
from django.utils.functional import lazy
from django.utils.translation import get_language, override
from typing_extensions import override as override_method

from django_ws.exceptions import DjangoWSError, NoRouteError
from django_ws.routing.resolver import DjangoMatch, DjangoResolver, RouteNotFound, default_urlconf

Urlconf = Callable[..., DjangoResolver]
_names = (f"urlconf_made_by_a_test_{number}" for number in itertools.count())


async def room(request: object, *args: object, **kwargs: object) -> Any:
    raise NotImplementedError


async def other(request: object) -> Any:
    raise NotImplementedError


@pytest.fixture
def urlconf(monkeypatch: pytest.MonkeyPatch) -> Urlconf:
    """Make a resolver of a URLconf module that holds these patterns."""

    def make(*patterns: object, **attributes: object) -> DjangoResolver:
        module = ModuleType(next(_names))
        module.__dict__.update({"urlpatterns": list(patterns), **attributes})
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return DjangoResolver(module.__name__)

    return make


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Write a package with these modules, and give its name; it is forgotten after the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(**modules: str) -> str:
        name = next(_names)
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(modules.pop("init", ""))
        for module, text in modules.items():
            (tmp_path / name / f"{module}.py").write_text(text)
        return name

    return make


# --- which URLconf -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "default"),
    [
        ("urls", "ws_urls"),
        ("shop.urls", "shop.ws_urls"),
        ("a.urls.urls", "a.urls.ws_urls"),
        ("urls.shop.urls", "urls.shop.ws_urls"),
        ("shop.routing", "shop.ws_urls"),
        ("__main__", "ws_urls"),
    ],
)
def test_only_the_last_component_of_root_urlconf_changes(root: str, default: str) -> None:
    with override_settings(ROOT_URLCONF=root):
        assert default_urlconf() == default
        assert DjangoResolver().urlconf == default


def test_root_ws_urlconf_wins_over_the_default() -> None:
    with override_settings(ROOT_WS_URLCONF="shop.sockets"):
        assert DjangoResolver().urlconf == "shop.sockets"
    assert DjangoResolver().urlconf == "testproject.ws_urls"


def test_an_argument_wins_over_the_settings() -> None:
    with override_settings(ROOT_WS_URLCONF="shop.sockets"):
        assert DjangoResolver("mine").urlconf == "mine"


def test_a_resolver_follows_the_settings_that_a_test_overrides(urlconf: Urlconf) -> None:
    made = urlconf(path("made/", room))
    resolver = DjangoResolver()
    with override_settings(ROOT_WS_URLCONF=made.urlconf):
        assert resolver.resolve("/made/").factory is room
    with pytest.raises(RouteNotFound):
        resolver.resolve("/made/")


# --- matching ----------------------------------------------------------------------------------------


def test_a_path_gives_its_target(urlconf: Urlconf) -> None:
    match = urlconf(path("ws/", room, name="room")).resolve("/ws/")
    assert isinstance(match, DjangoMatch)
    assert match.factory is room
    assert match.args == ()
    assert match.kwargs == {}
    assert match.route == "ws/"
    assert match.resolver_match.url_name == "room"
    assert match.resolver_match.func is room


def test_a_match_names_the_urlconf_that_it_was_found_in(urlconf: Urlconf) -> None:
    resolver = urlconf(path("ws/", room))
    assert resolver.resolve("/ws/").urlconf == resolver.urlconf != DjangoResolver().urlconf


def test_converters_convert(urlconf: Urlconf) -> None:
    match = urlconf(path("ws/<int:number>/<slug:name>/<path:rest>", room)).resolve("/ws/7/a-b/c/d")
    assert match.kwargs == {"number": 7, "name": "a-b", "rest": "c/d"}
    assert match.route == "ws/<int:number>/<slug:name>/<path:rest>"


class YearConverter:
    regex = "[0-9]{4}"

    def to_python(self, value: str) -> int:
        if value == "0000":
            raise ValueError
        return int(value)

    def to_url(self, value: int) -> str:
        return f"{value:04}"


def test_a_converter_of_the_project_converts_and_refuses(urlconf: Urlconf) -> None:
    from django.urls import converters

    if "test_year" not in converters.get_converters():
        register_converter(YearConverter, "test_year")
    resolver = urlconf(path("<test_year:year>/", room))
    assert resolver.resolve("/2024/").kwargs == {"year": 2024}
    with pytest.raises(RouteNotFound):
        resolver.resolve("/0000/")


def test_regular_expressions_capture_by_name_or_by_place(urlconf: Urlconf) -> None:
    resolver = urlconf(re_path(r"^named/(?P<number>\d+)/$", room), re_path(r"^placed/(\d+)/(\w+)/$", room))
    assert resolver.resolve("/named/7/").kwargs == {"number": "7"}
    assert resolver.resolve("/named/7/").args == ()
    assert resolver.resolve("/placed/7/a/").args == ("7", "a")
    assert resolver.resolve("/placed/7/a/").route == r"^placed/(\d+)/(\w+)/$"


def test_extra_arguments_are_passed(urlconf: Urlconf) -> None:
    assert urlconf(path("ws/<int:a>/", room, {"b": 2})).resolve("/ws/1/").kwargs == {"a": 1, "b": 2}


def test_an_include_prefixes_and_passes_on(urlconf: Urlconf) -> None:
    resolver = urlconf(path("shop/<int:shop>/", include([path("room/<int:room>/", room)])))
    match = resolver.resolve("/shop/3/room/7/")
    assert match.kwargs == {"shop": 3, "room": 7}
    assert match.route == "shop/<int:shop>/room/<int:room>/"


def test_namespaces_are_known_and_can_be_reversed(urlconf: Urlconf) -> None:
    resolver = urlconf(path("chat/", include(([path("<int:room>/", room, name="room")], "chat"), namespace="lobby")))
    match = resolver.resolve("/chat/7/").resolver_match
    assert match.view_name == "lobby:room"
    assert match.app_names == ["chat"]
    assert reverse("lobby:room", urlconf=resolver.urlconf, kwargs={"room": 7}) == "/chat/7/"


def test_a_path_that_captures_nothing_is_resolved_once(urlconf: Urlconf) -> None:
    resolver = urlconf(path("room/", room), path("room/<int:number>/", room), re_path("^any", room))
    assert resolver.resolve("/room/") is resolver.resolve("/room/")
    assert resolver.resolve("/room/1/") is not resolver.resolve("/room/1/")
    long = f"/any{'x' * 300}"
    assert resolver.resolve(long) is not resolver.resolve(long)


def test_what_is_remembered_is_bounded(urlconf: Urlconf) -> None:
    resolver = urlconf(re_path("^any", room))
    first = resolver.resolve("/any")
    for number in range(1023):
        resolver.resolve(f"/any{number}")
    assert resolver.resolve("/any") is first
    resolver.resolve("/any-more")
    assert resolver.resolve("/any") is not first


def test_a_translated_route_is_found_in_each_language(urlconf: Urlconf) -> None:
    resolver = urlconf(*i18n_patterns(path("room/", room)))
    for _ in range(2):
        with override("de"):
            assert resolver.resolve("/de/room/").route == "de/room/"
        with override("fr"), pytest.raises(RouteNotFound):
            resolver.resolve("/de/room/")


@pytest.mark.parametrize("make", [path, re_path])
def test_a_lazily_translated_route_is_found_in_each_language(urlconf: Urlconf, make: Callable[..., URLPattern]) -> None:
    words = {"de": "raum/", "fr": "salle/"}
    route = lazy(lambda: words.get(get_language() or "", "room/"), str)()
    resolver = urlconf(path("ws/", include([make(route, room)])))
    for _ in range(2):
        for language, word in words.items():
            with override(language):
                assert resolver.resolve(f"/ws/{word}").factory is room
                assert resolver.resolve(f"/ws/{word}") is resolver.resolve(f"/ws/{word}")
        with override("de"), pytest.raises(RouteNotFound):
            resolver.resolve("/ws/salle/")


def test_a_pattern_of_the_users_own_may_follow_the_language(urlconf: Urlconf) -> None:
    class Spoken(RoutePattern):
        @override_method
        def match(self, path: str) -> Any:
            return super().match(path) if get_language() == "de" else None

    resolver = urlconf(URLPattern(Spoken("raum/", is_endpoint=True), room))
    with override("de"):
        assert resolver.resolve("/raum/").factory is room
    with override("fr"), pytest.raises(RouteNotFound):
        resolver.resolve("/raum/")


def test_the_language_is_asked_for_only_where_it_has_a_part(urlconf: Urlconf, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = urlconf(path("room/", room), path("in/", include([re_path("^room/$", room)])))
    monkeypatch.setattr("django_ws.routing.resolver.get_language", None)
    assert resolver.resolve("/in/room/").factory is room


def test_each_asker_has_a_resolver_match_of_its_own(urlconf: Urlconf) -> None:
    resolver = urlconf(path("room/", room, name="room"))
    match = resolver.resolve("/room/").resolver_match
    match.kwargs["tenant"] = "mine"
    other_match = resolver.resolve("/room/").resolver_match
    assert (other_match.kwargs, other_match.url_name, other_match.func) == ({}, "room", room)
    assert resolver.resolve("/room/").kwargs == {}


def test_the_first_route_that_matches_wins(urlconf: Urlconf) -> None:
    assert urlconf(path("ws/", room), path("ws/", other)).resolve("/ws/").factory is room


@pytest.mark.parametrize("missing", ["/", "/ws", "/ws/7", "/ws/7/more/", "//ws/7/", "/WS/7/", "/ws/7/\n", "/hello/"])
def test_a_path_without_a_route_is_not_found(urlconf: Urlconf, missing: str) -> None:
    resolver = urlconf(path("ws/<int:number>/", room))
    with pytest.raises(RouteNotFound) as refused:
        resolver.resolve(missing)
    assert str(refused.value) == f"no websocket route in {resolver.urlconf} matches {missing!r}"
    assert isinstance(refused.value.__cause__, Resolver404)


@pytest.mark.parametrize("base", [NoRouteError, DjangoWSError, Resolver404, Http404])
def test_not_found_is_caught_by_the_names_that_django_users_know(urlconf: Urlconf, base: type[Exception]) -> None:
    with pytest.raises(base):
        urlconf().resolve("/ws/")


def test_the_http_routes_are_not_the_websockets() -> None:
    with pytest.raises(RouteNotFound):
        DjangoResolver().resolve("/hello/")
    assert DjangoResolver().resolve("/echo/").route == "echo/"


# --- the start-up check ------------------------------------------------------------------------------


def test_all_routes_are_given_with_their_includes(urlconf: Urlconf) -> None:
    resolver = urlconf(
        path("ws/", room),
        path("shop/<int:shop>/", include([path("room/", room), path("deep/", include([re_path(r"^(\d+)/$", other)]))])),
    )
    assert list(resolver.targets()) == [
        ("ws/", room),
        ("shop/<int:shop>/room/", room),
        (r"shop/<int:shop>/deep/^(\d+)/$", other),
    ]


def test_an_empty_urlconf_has_no_routes(urlconf: Urlconf) -> None:
    assert list(urlconf().targets()) == []


def targets(name: str) -> Sequence[tuple[str, object]]:
    return list(DjangoResolver(name).targets())


@pytest.mark.parametrize(
    "missing", ["no_such_package.ws_urls", "testproject.no_such_urls", "testproject.urls.ws_urls", "no_such_module"]
)
def test_a_urlconf_that_does_not_exist_is_named(missing: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^There is no websocket URLconf '{missing}'. Create that module"):
        targets(missing)


def test_a_urlconf_on_the_disk_is_found(package: Callable[..., str]) -> None:
    name = package(ws_urls="from django.urls import path\nasync def room(ws): ...\nurlpatterns = [path('ws/', room)]\n")
    assert [route for route, _ in targets(f"{name}.ws_urls")] == ["ws/"]


def test_an_import_error_inside_the_urlconf_shows_as_itself(package: Callable[..., str]) -> None:
    name = package(ws_urls="import no_such_module_at_all\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        targets(f"{name}.ws_urls")


def test_an_import_error_in_the_package_of_the_urlconf_shows_as_itself(package: Callable[..., str]) -> None:
    name = package(init="import no_such_module_at_all\n", ws_urls="urlpatterns = []\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        targets(f"{name}.ws_urls")


def test_an_error_without_a_name_in_the_package_of_the_urlconf_shows_as_itself(package: Callable[..., str]) -> None:
    name = package(init="raise ModuleNotFoundError('odd')\n", ws_urls="urlpatterns = []\n")
    with pytest.raises(ModuleNotFoundError, match="odd"):
        targets(f"{name}.ws_urls")


def test_a_module_without_urlpatterns_is_no_urlconf(package: Callable[..., str]) -> None:
    name = package(ws_urls="")
    with pytest.raises(ImproperlyConfigured, match="does not appear to have any patterns"):
        targets(f"{name}.ws_urls")


def test_a_module_that_was_run_as_a_script_may_be_the_urlconf(
    urlconf: Urlconf, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = urlconf(path("ws/", room))
    assert sys.modules[resolver.urlconf].__spec__ is None
    assert list(resolver.targets()) == [("ws/", room)]
