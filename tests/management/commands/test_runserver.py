"""management/commands/runserver.py: the real command in a process of its own, and its parts in this one."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from django_ws.management.commands import runserver
from django_ws.management.commands.runserver import Command
from django_ws.management.lines import RequestLines
from django_ws.signals import websocket_closed, websocket_denied, websocket_opened
from management.commands.project import Project, wait_until

STATIC = "django.contrib.staticfiles"


# --- the real command ---------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    yield project
    project.kill()


class TestReal:
    pytestmark = [pytest.mark.server]

    def test_it_serves_pages_static_files_and_websockets_and_reloads_and_quits(self, project: Project) -> None:
        project.start()
        assert f"Starting ASGI/uvicorn development server at http://127.0.0.1:{project.port}/" in project.output()
        assert "System check identified no issues" in project.output()
        assert "unapplied migration" in project.output()
        assert project.get("/") == (200, "hello")
        assert project.get("/static/a.txt") == (200, "static")
        assert project.get("/stream/") == (200, "abc")
        assert project.get("/nowhere/")[0] == 404
        with pytest.raises(InvalidStatus):
            project.connect("/ws/nowhere/")
        project.wait_for("WebSocket /ws/nowhere/ denied with 404: Not Found")
        project.wait_for('"GET / HTTP/1.1" 200 5')
        with project.connect("/ws/echo/") as ws:
            ws.send("hello")
            assert ws.recv(20) == "hello"
            assert project.change("hello", "changed")
            with pytest.raises(ConnectionClosed):
                ws.recv(20)
            assert ws.close_code == 1012
        assert project.wait_until_ready(lambda: project.get("/") == (200, "changed"))
        with project.connect("/ws/echo/") as ws:
            assert project.interrupt() == 0
            with pytest.raises(ConnectionClosed):
                ws.recv(20)
            assert ws.close_code == 1012
        project.wait_for("WebSocket /ws/echo/ opened")
        project.wait_for("WebSocket /ws/echo/ closed with 1012 after ")
        project.wait_for("on_close 1012")
        for fault in ("Traceback", "Cancel ", "without completing handshake"):
            assert fault not in project.output()

    def test_without_the_reloader_a_view_that_hangs_does_not_hold_it_up(self, project: Project) -> None:
        project.start("--noreload")
        with project.connect("/ws/echo/") as ws:
            with socket.create_connection((project.host, project.port)) as hanging:
                hanging.sendall(b"GET /hang/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                project.wait_for("it hangs")
                assert project.interrupt() == 0
            with pytest.raises(ConnectionClosed):
                ws.recv(20)
            assert ws.close_code == 1012
        assert "A view or a hook is still running; it is cut off." in project.output()

    def test_with_staticfiles_first_djangos_command_runs_and_says_so(self, project: Project) -> None:
        project.settings(apps=[STATIC, "django_ws"])
        project.start("--noreload")
        assert "(django_ws.W008) manage.py runserver is that of 'django.contrib.staticfiles'" in project.output()
        assert "ASGI/uvicorn" not in project.output()
        assert project.get("/static/a.txt") == (200, "static")

    def test_without_an_application_djangos_command_runs_and_says_why(self, project: Project) -> None:
        project.settings(asgi=None)
        project.start("--noreload")
        assert "No websockets are served: set ASGI_APPLICATION" in project.output()
        assert "ASGI/uvicorn" not in project.output()
        assert project.get("/static/a.txt") == (200, "static")

    def test_nostatic(self, project: Project) -> None:
        project.start("--noreload", "--nostatic")
        assert project.get("/static/a.txt")[0] == 404
        assert project.get("/") == (200, "hello")

    def test_insecure(self, project: Project) -> None:
        project.settings(debug=False)
        project.start("--noreload", "--insecure")
        assert project.get("/static/a.txt") == (200, "static")

    def test_ipv6(self, project: Project) -> None:
        if not has_ipv6():
            pytest.skip("no IPv6 here")
        project.start("--noreload", "--ipv6", host="[::1]", addrport=str)
        assert f"Starting ASGI/uvicorn development server at http://[::1]:{project.port}/" in project.output()
        with project.connect("/ws/echo/") as ws:
            ws.send("six")
            assert ws.recv(20) == "six"

    def test_a_port_that_is_taken(self, project: Project) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            assert project.run("--noreload", f"127.0.0.1:{taken.getsockname()[1]}") == 1
        assert "Error: That port is already in use." in project.output()
        assert "Traceback" not in project.output()

    def test_an_address_that_is_none(self, project: Project) -> None:
        assert project.run("--noreload", "somewhere") == 1
        assert '"somewhere" is not a valid port number or address:port pair.' in project.output()


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


# --- its parts, in this process -----------------------------------------------------------------------


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    all_signals = (websocket_opened, websocket_closed, websocket_denied)
    before = [list(each.receivers) for each in all_signals]
    yield
    for each, receivers in zip(all_signals, before, strict=True):
        each.receivers = receivers
        each.sender_receivers_cache.clear()


SITE = override_settings(
    ALLOWED_HOSTS=["127.0.0.1"],
    ASGI_APPLICATION="testing.live_sockets.application",
    ROOT_URLCONF="testing.live_site",
    ROOT_WS_URLCONF="testing.live_sockets",
    STATIC_URL="static/",
    SETTINGS_MODULE="testproject.settings",
)
OPTIONS: dict[str, Any] = {"use_static_handler": True, "insecure_serving": False}


def test_it_serves_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[FakeTimer] = []
    monkeypatch.setattr("threading.Timer", lambda *args: FakeTimer(timers, *args))
    stdout, stderr = StringIO(), StringIO()
    command = Command(stdout=stdout, stderr=stderr)

    def run() -> None:
        call_command(command, "127.0.0.1:0", use_reloader=False, skip_checks=True)
        # The look at migrations has opened it in this thread; Django's own close() spares what is in memory.
        database = connections["default"].connection
        if database is not None:
            database.close()

    with SITE:
        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: "Quit the server" in stdout.getvalue())
        port = stdout.getvalue().partition("http://127.0.0.1:")[2].partition("/")[0]
        with connect(f"ws://127.0.0.1:{port}/ws/echo/", proxy=None, open_timeout=20) as ws:
            ws.send("hello")
            assert ws.recv(20) == "hello"
            command._ending.end(3)
            with pytest.raises(ConnectionClosed):
                ws.recv(20)
            assert ws.close_code == 1012
        thread.join(20)
    assert not thread.is_alive()
    assert stderr.getvalue() == ""
    [timer] = timers
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    timer.function()
    assert exits == [0]  # that of the run, which ended last


class FakeTimer:
    daemon = False

    def __init__(self, made: "list[FakeTimer]", seconds: float, function: Any, args: tuple[Any, ...] = ()) -> None:
        made.append(self)
        self.seconds, self.function, self.args = seconds, function, args

    def start(self) -> None:
        assert self.daemon


@pytest.mark.parametrize(
    ("options", "debug", "inside"),
    [
        ({}, True, "WebSocketApplication"),
        ({**OPTIONS}, True, "ASGIStaticFilesHandler"),
        ({**OPTIONS}, False, "WebSocketApplication"),
        ({**OPTIONS, "insecure_serving": True}, False, "ASGIStaticFilesHandler"),
        ({**OPTIONS, "use_static_handler": False}, True, "WebSocketApplication"),
    ],
)
def test_static_files_are_served_as_django_does(options: dict[str, Any], debug: bool, inside: str) -> None:
    command = Command()
    with SITE, override_settings(DEBUG=debug):
        handler: Any = command.get_handler(**options)
    assert isinstance(handler, RequestLines)
    assert type(handler.application).__name__ == inside


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (None, "set ASGI_APPLICATION = 'project.asgi.application'"),
        ("testing.live_sockets.plain", "ASGI_APPLICATION names 'testing.live_sockets.plain', which is Django's own"),
    ],
)
def test_what_has_no_websockets_is_served_by_djangos_own(name: str | None, why: str) -> None:
    stdout, stderr = StringIO(), StringIO()
    command = Command(stdout=stdout, stderr=stderr)
    with SITE, override_settings(ASGI_APPLICATION=name, WSGI_APPLICATION=None):
        assert isinstance(command.get_handler(), WSGIHandler)
        vars(command).update(addr="127.0.0.1", _raw_ipv6=False)
        command.on_bind(8000)
    assert stderr.getvalue().startswith(f"No websockets are served: {why}")
    assert stderr.getvalue().count("\n") == 1
    assert "ASGI/uvicorn" not in stdout.getvalue()
    assert command.server_cls is Command().server_cls


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runserver, "what_is_missing", lambda: "uvicorn is not installed: pip install it")
    stderr = StringIO()
    with SITE, override_settings(WSGI_APPLICATION=None):
        assert isinstance(Command(stderr=stderr).get_handler(), WSGIHandler)
    assert stderr.getvalue() == "No websockets are served: uvicorn is not installed: pip install it\n"


def test_an_application_that_cannot_be_imported_is_a_fault() -> None:
    with (
        override_settings(ASGI_APPLICATION="nowhere.application"),
        pytest.raises(ImproperlyConfigured, match="nowhere"),
    ):
        Command().get_handler()


@pytest.mark.parametrize(("raised", "status"), [(3, 3), (None, 1), ("text", 1)])
def test_the_status_of_the_end_is_kept(raised: Any, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(*_args: object, **_options: object) -> None:
        raise SystemExit(raised)

    command = Command()
    monkeypatch.setattr(command, "inner_run", ends)
    with pytest.raises(SystemExit):
        command.run(use_reloader=False)
    assert command._ending._code == status


def test_the_reloader_waits_for_its_child_at_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[FakeTimer] = []
    monkeypatch.setattr("threading.Timer", lambda *args: FakeTimer(timers, *args))
    monkeypatch.delenv("RUN_MAIN", raising=False)
    before = signal.getsignal(signal.SIGINT)

    def reload(*_args: object, **_options: object) -> None:
        # The child has got it from the terminal, too; here there is none, and nothing is raised.
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("django.utils.autoreload.run_with_reloader", reload)
    try:
        Command().run(use_reloader=True)
    finally:
        signal.signal(signal.SIGINT, before)
    [timer] = timers
    assert timer.function is os.kill
    assert timer.args == (os.getpid(), signal.SIGINT)


def test_the_child_of_the_reloader_needs_no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_MAIN", "true")
    monkeypatch.setattr("django.utils.autoreload.run_with_reloader", lambda *_args, **_options: None)
    before = signal.getsignal(signal.SIGINT)
    Command().run(use_reloader=True)
    assert signal.getsignal(signal.SIGINT) is before
    assert settings.configured
