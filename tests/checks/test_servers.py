"""checks/servers.py: what the server that is surely the one cannot do is told, and nothing that is not certain."""

import importlib.util
import sys
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles.management.commands.runserver import Command as StaticCommand
from django.urls import path

from checks.support import Module, told
from django_ws import WebSocket, WebSocketHandler
from django_ws.checks import check_runserver, check_server, servers
from django_ws.conf import Denial
from django_ws.handler import Overflow

STATIC = "django.contrib.staticfiles"
DJANGO = "django_ws.middleware.DjangoMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"

Install = Callable[..., None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Give what lets only some of the servers be found."""

    def install(*names: str) -> None:
        def find(name: str) -> ModuleSpec | None:
            assert name in ("daphne", "granian", "hypercorn", "uvicorn")
            return importlib.util.find_spec("json") if name in names else None

        monkeypatch.setattr(servers, "find_spec", find)

    return install


def apps(*names: str) -> list[str]:
    return [*settings.INSTALLED_APPS, *names]


# --- runserver ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        ([], False),
        (["django_ws"], False),
        (["django_ws", STATIC], False),
        ([STATIC, "django_ws"], True),
        ([STATIC], True),
        (["daphne", STATIC, "django_ws"], False),
        (["whitenoise.runserver_nostatic", STATIC, "django_ws"], True),
    ],
)
def test_a_runserver_without_websockets_is_told(names: Iterable[str], warned: bool) -> None:
    found = told(check_runserver, INSTALLED_APPS=apps(*names), STATIC_URL="static/")
    assert [number for number, _ in found] == ["W008"] * warned


def test_the_app_whose_runserver_it_is_is_named() -> None:
    assert told(check_runserver, INSTALLED_APPS=apps(STATIC, "django_ws"), STATIC_URL="static/") == [
        ("W008", f"manage.py runserver is that of {STATIC!r}, which serves no websockets")
    ]


def test_a_command_that_extends_ours_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StaticCommand, "serves_websockets", True, raising=False)
    assert told(check_runserver, INSTALLED_APPS=apps(STATIC, "django_ws"), STATIC_URL="static/") == []


def test_a_command_that_cannot_be_imported_is_left_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = tmp_path / "broken_app_of_checks" / "management" / "commands"
    commands.mkdir(parents=True)
    for folder in (commands, commands.parent, commands.parent.parent):
        (folder / "__init__.py").touch()
    (commands / "runserver.py").write_text("import nowhere_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    names = apps("broken_app_of_checks", "django_ws")
    assert told(check_runserver, INSTALLED_APPS=names) == []
    assert told(check_server, INSTALLED_APPS=names) == []


# --- what the server cannot do ------------------------------------------------------------------------


class Plain(WebSocketHandler):
    pass


class Dropping(WebSocketHandler):
    overflow = Overflow.DROP_OLDEST
    outbox_messages = 3
    outbox_bytes = 1000


class Denying(Plain):
    denial = Denial.HTTP


class Closing(Denying):
    denial = Denial.CLOSE


async def function(ws: WebSocket[str, str]) -> None:
    raise NotImplementedError


def routed(module: Module, *targets: object) -> str:
    # As a checker would not let it be written.
    anything: Any = path
    return module(urlpatterns=[anything(f"r{number}/", target) for number, target in enumerate(targets)])


EVERYTHING = {
    "WS_OUTBOX_MESSAGES": 3,
    "WS_OUTBOX_BYTES": 1000,
    "WS_DENIAL": "http",
    "WS_MIDDLEWARE": [DJANGO],
    "SESSION_SAVE_EVERY_REQUEST": True,
}


def test_nothing_that_was_not_set_is_told(installed: Install) -> None:
    installed("daphne")
    assert told(check_server) == []
    assert told(check_server, WS_DENIAL="close", WS_MIDDLEWARE=[DJANGO]) == []


@pytest.mark.parametrize("names", [("uvicorn",), ("hypercorn",), ("daphne", "granian"), ("daphne", "uvicorn"), ()])
def test_nothing_is_told_of_a_server_that_may_be_another_one(names: tuple[str, ...], installed: Install) -> None:
    installed(*names)
    assert told(check_server, **EVERYTHING) == []


def test_settings_that_daphne_cannot_honour_are_told(installed: Install) -> None:
    installed("daphne")
    why = "(daphne is the only ASGI server that is installed)"
    headers = "daphne sends no headers with an accepted one"
    fills = "has no effect: daphne takes every message at once, so that the outbox never fills"
    assert told(check_server, **EVERYTHING) == [
        (
            "W010",
            f"SESSION_SAVE_EVERY_REQUEST sets a cookie with each handshake, but {headers} {why}",
        ),
        ("W010", f"WS_OUTBOX_MESSAGES {fills} {why}"),
        ("W010", f"WS_OUTBOX_BYTES {fills} {why}"),
        ("W010", f"WS_DENIAL is 'http', but daphne answers every denial with a plain 403 {why}"),
    ]


@pytest.mark.parametrize(
    "changed",
    [{"WS_SKIP_MIDDLEWARE": [SESSIONS]}, {"WS_MIDDLEWARE": []}, {"MIDDLEWARE": []}],
)
def test_granian_loses_the_cookies_alone(changed: dict[str, Any], installed: Install) -> None:
    installed("granian")
    [(number, text)] = told(check_server, **EVERYTHING)
    assert number == "W010"
    assert "granian sends no headers" in text
    assert told(check_server, **{**EVERYTHING, **changed}) == []


def test_while_a_setting_is_wrong_the_server_is_not_looked_at(installed: Install) -> None:
    installed("daphne")
    assert told(check_server, **{**EVERYTHING, "WS_OUTBOX_BYTES": 0}) == []


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({"WS_MAX_MESSAGE_SIZE": 2 << 20}, 1 << 20),
        ({"WS_MAX_MESSAGE_SIZE": None}, 1 << 20),
        ({"WS_MAX_MESSAGE_SIZE": 100, "DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE": 99}, 99),
        ({"WS_MAX_MESSAGE_SIZE": 2 << 20, "DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE": 0}, None),
        ({"WS_MAX_MESSAGE_SIZE": 1 << 20}, None),
        ({}, None),
    ],
)
def test_a_message_size_over_that_of_daphnes_runserver_is_told(options: dict[str, Any], limit: int | None) -> None:
    found = told(check_server, INSTALLED_APPS=["daphne", *apps("django_ws")], **options)
    expected = (
        f"WS_MAX_MESSAGE_SIZE is {options.get('WS_MAX_MESSAGE_SIZE')}, but daphne drops the connection at {limit} "
        "bytes: set DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE (manage.py runserver is that of 'daphne')"
    )
    assert found == [("W010", expected)] * (limit is not None)


def test_daphne_behind_us_is_not_the_server() -> None:
    assert told(check_server, INSTALLED_APPS=["django_ws", "daphne", *apps()], **EVERYTHING) == []


def test_what_classes_declare_is_told(installed: Install, module: Module) -> None:
    installed("daphne")
    urlconf = routed(module, Plain, Dropping, function, Denying.as_view(), Closing)
    found = told(check_server, ROOT_WS_URLCONF=urlconf)
    assert {number for number, _ in found} == {"W010"}
    assert [text.removeprefix(f"{urlconf}, ").partition(" ha")[0].partition(" is D")[0] for _, text in found] == [
        "route 'r1/': outbox_bytes",
        "route 'r1/': outbox_messages",
        "route 'r1/': overflow",
        "route 'r3/': denial",
    ]


def test_a_urlconf_that_is_not_there_is_left_to_its_own_check(installed: Install) -> None:
    installed("daphne")
    assert told(check_server, ROOT_WS_URLCONF="nowhere.ws_urls") == []
    assert "nowhere" not in sys.modules
