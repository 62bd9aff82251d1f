"""testing/live.py: over real connections, in the test's own process; with a database, see live_testcases.py."""

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import override_settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from django_ws.handler.lanes import Lane
from django_ws.testing import WebSocketLiveServerTestCase
from django_ws.testing import connect as connect_in_process
from django_ws.testing.live import WebSocketLiveServerThread, live_server
from testing import live_site

HERE = "testing.live_sockets"


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project, whose folders of files are there and empty."""
    for name in ("static", "media"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(live_site, "CLOSED", [])
    with override_settings(
        ALLOWED_HOSTS=["localhost", "testserver"],
        ASGI_APPLICATION=f"{HERE}.application",
        ROOT_URLCONF="testing.live_site",
        ROOT_WS_URLCONF=HERE,
        MEDIA_URL="/media/",
        MEDIA_ROOT=tmp_path / "media",
        STATIC_URL="/static/",
        STATIC_ROOT=tmp_path / "static",
    ):
        yield tmp_path


def get(server: WebSocketLiveServerThread, path: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://localhost:{server.port}{path}", timeout=20) as response:
            body: bytes = response.read()
            return response.status, body.decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def open_socket(server: WebSocketLiveServerThread) -> ClientConnection:
    return connect(f"ws://localhost:{server.port}/ws/echo/", proxy=None, open_timeout=20)


def echoes(server: WebSocketLiveServerThread) -> bool:
    with open_socket(server) as ws:
        ws.send("hello")
        return ws.recv(20) == "hello"


# --- what is served -----------------------------------------------------------------------------------


def test_it_serves_websockets_and_pages() -> None:
    with live_server() as server:
        assert echoes(server)
        assert get(server, "/page/")[0] == 200
        assert get(server, "/stream/") == (200, "abc")
        assert get(server, "/nowhere/")[0] == 404


@pytest.mark.parametrize("name", [f"{HERE}.plain", f"{HERE}.wrapped", None])
def test_whatever_asgi_application_is(name: str | None) -> None:
    with override_settings(ASGI_APPLICATION=name), live_server() as server:
        assert echoes(server)
        assert get(server, "/page/")[0] == 200


def test_files_are_served_and_what_is_no_file_is_the_projects(site: Path) -> None:
    (site / "static" / "a b.txt").write_text("static")
    (site / "media" / "a.txt").write_text("media")
    (site / "secret.txt").write_text("secret")
    with live_server() as server:
        assert get(server, "/static/a%20b.txt") == (200, "static")
        assert get(server, "/static/none.txt")[0] == 404
        assert get(server, "/static/%2e%2e/secret.txt")[0] == 404
        assert get(server, "/media/a.txt") == (200, "media")
        assert get(server, "/media/b.txt") == (200, "no file b.txt")


def test_without_a_folder_nothing_is_a_file(site: Path) -> None:
    with override_settings(MEDIA_ROOT="", STATIC_URL=None, MEDIA_URL="/"), live_server() as server:
        assert get(server, "/media/a.txt") == (200, "no file a.txt")
    with override_settings(MEDIA_URL="/"), live_server() as server:
        assert get(server, "/media/a.txt") == (200, "no file a.txt")


def test_static_files_are_found_as_staticfiles_finds_them(site: Path) -> None:
    (site / "static" / "a.txt").write_text("found")
    from django.conf import settings

    staticfiles = {
        "INSTALLED_APPS": [*settings.INSTALLED_APPS, "django.contrib.staticfiles"],
        "STATICFILES_DIRS": [site / "static"],
        "STATIC_ROOT": None,
    }
    with override_settings(**staticfiles), live_server() as server:
        assert get(server, "/static/a.txt") == (200, "found")
        assert echoes(server)


# --- its end ------------------------------------------------------------------------------------------


def test_at_its_end_sockets_are_closed_and_have_cleaned_up() -> None:
    with live_server() as server:
        first, second = open_socket(server), open_socket(server)
    assert not server.is_alive()
    assert live_site.CLOSED == [1012, 1012]
    for ws in (first, second):
        with ws, pytest.raises(ConnectionClosed):
            ws.recv(20)
        assert ws.close_code == 1012


async def test_after_its_end_sockets_in_process_are_let_in() -> None:
    def use() -> None:
        with live_server() as server:
            assert echoes(server)

    thread = threading.Thread(target=use)
    thread.start()
    await sync_to_async(thread.join, thread_sensitive=False)()
    async with connect_in_process("/ws/echo/") as ws:
        await ws.send("still here")
        assert await ws.receive() == "still here"


# --- faults -------------------------------------------------------------------------------------------


def test_an_application_that_cannot_be_imported_is_raised_in_the_test() -> None:
    with (
        override_settings(ASGI_APPLICATION="nowhere.application"),
        pytest.raises(ImproperlyConfigured, match=r"names 'nowhere\.application', which cannot be imported"),
        live_server(),
    ):
        raise AssertionError("it has not started")


def test_an_application_that_cannot_start_is_raised_in_the_test(caplog: pytest.LogCaptureFixture) -> None:
    with (
        override_settings(ASGI_APPLICATION=f"{HERE}.cannot_start"),
        pytest.raises(RuntimeError, match=r"its lifespan\.startup failed"),
        live_server(),
    ):
        raise AssertionError("it has not started")
    assert "Application startup failed. Exiting." in caplog.text


def test_a_port_that_is_taken_is_raised_in_the_test() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), live_server("127.0.0.1", port):
            raise AssertionError("it has not started")


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_ws.testing.live.what_is_missing", lambda: "no uvicorn: pip install it")
    with (
        pytest.raises(ImproperlyConfigured, match="cannot serve websockets: no uvicorn: pip install it"),
        live_server(),
    ):
        raise AssertionError("it has not started")


# --- the test case ------------------------------------------------------------------------------------


def test_a_test_case_has_its_urls() -> None:
    class Tests(WebSocketLiveServerTestCase):
        databases = set()

    Tests.setUpClass()
    try:
        thread = Tests.server_thread
        assert isinstance(thread, WebSocketLiveServerThread)
        assert Tests.live_server_url == f"http://localhost:{thread.port}"
        assert Tests.live_server_ws_url == f"ws://localhost:{thread.port}"
        assert echoes(thread)
    finally:
        Tests.doClassCleanups()
    assert not thread.is_alive()


# --- a database in memory -----------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
def test_threads_share_the_tests_connection_and_forget_it(fresh_lanes: list[Lane]) -> None:
    own = connections["default"]
    with live_server() as server:
        assert own.allow_thread_sharing
        assert get(server, "/count/") == (200, "0")
        with connect(f"ws://localhost:{server.port}/ws/users/", proxy=None, open_timeout=20) as ws:
            ws.send("ada")
            assert ws.recv(20) == "1"
        assert get(server, "/count/") == (200, "1")
    assert connections["default"] is own

    def held() -> Sequence[object]:
        return connections.all(initialized_only=True)

    assert [own in lane.submit(held).result(20) for lane in fresh_lanes] == [False] * len(fresh_lanes)
    assert own not in SyncToAsync.single_thread_executor.submit(held).result(20)


@pytest.mark.usefixtures("database")
def test_a_thread_that_took_the_shared_connection_forgets_it() -> None:
    own = connections["default"]

    def take() -> object:
        return connections["default"]

    def take_anew() -> object:
        connections.close_all()
        for alias in [connection.alias for connection in connections.all(initialized_only=True)]:
            del connections[alias]
        return take()

    with live_server():
        # Another test may have left one there.
        assert SyncToAsync.single_thread_executor.submit(take_anew).result(20) is own
    assert SyncToAsync.single_thread_executor.submit(take).result(20) is not own
    SyncToAsync.single_thread_executor.submit(connections.close_all).result(20)


@pytest.mark.usefixtures("database")
def test_a_thread_keeps_a_connection_of_its_own() -> None:
    def take() -> object:
        return connections["default"]

    executor = SyncToAsync.single_thread_executor
    before = executor.submit(take).result(20)
    with live_server():
        assert executor.submit(take).result(20) is before
    assert executor.submit(take).result(20) is before
    executor.submit(connections.close_all).result(20)


def test_django_runs_its_test_cases(tmp_path: Path) -> None:
    """In memory and in a file, by Django's own runner."""
    for number, test in enumerate([{}, {"TEST": {"NAME": str(tmp_path / "test.sqlite3")}}]):
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / f"{number}.sqlite3"), **test}
        result = subprocess.run(
            [sys.executable, "-W", "error", "-m", "django", "test", "testing.live_testcases"],
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=100,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
                "DJANGO_SETTINGS_MODULE": "testing.client_settings",
                "CLIENT_WS_URLCONF": HERE,
                "CLIENT_DATABASE": json.dumps(database),
            },
        )
        assert result.returncode == 0, result.stdout
        assert "Ran 2 tests in " in result.stdout, result.stdout
