"""management/commands/ws_urls.py: what is seen in a terminal of any width, and by programs."""

import io
import itertools
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import override_settings

from django_ws import WebSocket, WebSocketHandler
from django_ws.guards import login_required, permission_required
from django_ws.interfaces import Connection, Endpoint
from django_ws.management.commands.ws_urls import Command
from django_ws.urls import path

numbers = itertools.count()


async def feed(ws: WebSocket[str, str], **captured: object) -> None:
    raise NotImplementedError


@login_required
@permission_required(["chat.view_room", "chat.post_message"])
class Room(WebSocketHandler[str, bytes]):
    subprotocols = ("chat.v2", "chat.v1")


def make(request: HttpRequest, connection: Connection, /, **captured: object) -> Endpoint:
    raise NotImplementedError


ROUTES = [path("", feed), path("rooms/<int:room_id>/", Room, name="room")]


@pytest.fixture
def urlconf(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # Django remembers a URLconf by its name.
    made = ModuleType(f"ws_urls_of_test_ws_urls_{next(numbers)}")
    made.__dict__["urlpatterns"] = ROUTES
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def shown(urlconf: ModuleType, *arguments: str) -> str:
    out = io.StringIO()
    with override_settings(ROOT_WS_URLCONF=urlconf.__name__):
        call_command(Command(), *arguments, stdout=out)
    return out.getvalue()


def columns(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setenv("COLUMNS", str(number))


def test_a_wide_terminal_shows_a_line_for_each_route(urlconf: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    columns(monkeypatch, 240)
    head, titles, first, second, *_ = shown(urlconf).splitlines()
    assert head == f"2 websocket routes in {urlconf.__name__}"
    assert titles.split() == ["route", "name", "handler", "messages", "subprotocols", "guards"]
    assert first.split() == ["(the", "empty", "route)", f"{__name__}.feed", "str"]
    for title, text in {
        "route": "rooms/<int:room_id>/",
        "name": "room",
        "handler": f"{__name__}.Room",
        "messages": "str in, bytes out",
        "subprotocols": "chat.v2, chat.v1",
        "guards": "login_required, permission_required(chat.view_room, chat.post_message)",
    }.items():
        assert second[titles.index(title) :].startswith(text)


def test_columns_of_which_nothing_is_to_be_told_are_left_out(
    urlconf: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns(monkeypatch, 240)
    urlconf.__dict__["urlpatterns"] = [path("a/", make)]
    head, titles, row, *_ = shown(urlconf).splitlines()
    assert head.startswith("1 websocket route in ")
    assert titles.split() == ["route", "handler"]
    assert row.split() == ["a/", f"{__name__}.make"]


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_shows_a_block_for_each_route(
    urlconf: ModuleType, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    columns(monkeypatch, width)
    lines = shown(urlconf).splitlines()
    start = lines.index("rooms/<int:room_id>/")
    assert lines[start - 1] == ""
    block = lines[start + 1 : lines.index("", start)]
    assert [line[:16].strip() for line in block if line[:16].strip()] == [
        *("name", "handler", "messages", "subprotocols", "guards")
    ]
    whole = " ".join(" ".join(line[16:] for line in block).split())
    assert whole == (
        f"room {__name__}.Room str in, bytes out chat.v2, chat.v1 "
        "login_required, permission_required(chat.view_room, chat.post_message)"
    )
    # A name that is longer than the line stays whole, so that it can be copied.
    assert all(len(line) <= width or " " not in line[16:].strip() for line in block)


def test_a_terminal_narrower_than_any_is_not_obeyed(urlconf: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    columns(monkeypatch, 3)
    narrow = shown(urlconf)
    columns(monkeypatch, 40)
    assert shown(urlconf) == narrow


def test_a_fault_is_shown_and_the_other_routes_too(urlconf: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    columns(monkeypatch, 240)
    bad: Any = io.StringIO  # as a checker would not let it be written
    urlconf.__dict__["urlpatterns"] = [path("bad/", bad), *ROUTES]
    text = shown(urlconf)
    assert "  fault         _io.StringIO stands in a websocket route but is no socket" in text
    assert "rooms/<int:room_id>/" in text


def test_colours_are_those_of_django(urlconf: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    columns(monkeypatch, 80)
    assert "\x1b[" not in shown(urlconf)
    coloured = shown(urlconf, "--force-color")
    style = Command(force_color=True).style
    assert style.SUCCESS("rooms/<int:room_id>/") in coloured
    assert style.MIGRATE_HEADING("Middleware, the outermost first") in coloured


# --- middleware ---------------------------------------------------------------------------------------


def chain(text: str) -> list[str]:
    lines = text.splitlines()
    return lines[lines.index("Middleware, the outermost first") + 1 :]


def test_the_chain_is_shown_with_djangos_own_inside(urlconf: ModuleType) -> None:
    names = ["django_ws.middleware.LocaleMiddleware", "django_ws.middleware.DjangoMiddleware"]
    skipped = ["django.contrib.sessions.middleware.SessionMiddleware"]
    with override_settings(WS_MIDDLEWARE=names, WS_SKIP_MIDDLEWARE=skipped):
        assert chain(shown(urlconf)) == [
            "  1. django_ws.middleware.LocaleMiddleware",
            "  2. django_ws.middleware.DjangoMiddleware",
            "       django.contrib.auth.middleware.AuthenticationMiddleware",
        ]
        told = json.loads(shown(urlconf, "--format", "json"))
    assert told["middleware"] == names
    assert told["django_middleware"] == ["django.contrib.auth.middleware.AuthenticationMiddleware"]


def test_no_middleware_is_told(urlconf: ModuleType) -> None:
    assert chain(shown(urlconf)) == ["  none: WS_MIDDLEWARE is empty"]


# --- for programs -------------------------------------------------------------------------------------


def test_json_tells_the_same(urlconf: ModuleType) -> None:
    assert json.loads(shown(urlconf, "--format", "json")) == {
        "urlconf": urlconf.__name__,
        "middleware": [],
        "django_middleware": [],
        "routes": [
            {
                "route": "",
                "name": None,
                "handler": f"{__name__}.feed",
                "subprotocols": [],
                "receives": "str",
                "sends": "str",
                "guards": [],
                "fault": None,
            },
            {
                "route": "rooms/<int:room_id>/",
                "name": "room",
                "handler": f"{__name__}.Room",
                "subprotocols": ["chat.v2", "chat.v1"],
                "receives": "str",
                "sends": "bytes",
                "guards": ["login_required", "permission_required(chat.view_room, chat.post_message)"],
                "fault": None,
            },
        ],
    }


# --- faults -------------------------------------------------------------------------------------------


def test_a_urlconf_that_is_missing_is_an_error_without_a_traceback() -> None:
    with pytest.raises(CommandError, match=r"no websocket URLconf 'nowhere\.ws_urls'"):
        shown(ModuleType("nowhere.ws_urls"))


@override_settings(WS_INBOX_MESSAGES=0)
def test_a_setting_that_is_wrong_is_an_error_without_a_traceback(urlconf: ModuleType) -> None:
    with pytest.raises(CommandError, match="WS_INBOX_MESSAGES is 0"):
        shown(urlconf)
