"""management/commands/ws_connect.py: the whole client, in a pipe and in a terminal, before real servers."""

import io
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from typing_extensions import override
from websockets.sync.server import Server, ServerConnection, serve

from django_ws.management.client import terminal
from django_ws.management.client.link import Ended, Link
from django_ws.management.commands import ws_connect
from django_ws.management.commands.ws_connect import Command
from management.client.screen import DEADLINE, Screen

TESTS = Path(__file__).resolve().parents[2]


def answer(ws: ServerConnection) -> None:
    assert ws.request is not None
    match ws.request.path:
        case "/cookie/":
            ws.send(ws.request.headers.get("Cookie", "none"))
        case "/fails/":
            ws.close(1011, "oh no")
        case "/control/":
            ws.send("\x1b[2J")
        case _:
            for message in ws:
                ws.send(message)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve(answer, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=_serve, args=(server,))
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join(DEADLINE)


def _serve(server: Server) -> None:
    server.serve_forever()


def run(port: int, path: str, *arguments: str, stdin: str = "", out: Any = None) -> tuple[str, str]:
    out, err = out or io.StringIO(), io.StringIO()
    call_command(Command(), path, "--host", str(port), *arguments, stdin=io.StringIO(stdin), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# --- in a pipe ----------------------------------------------------------------------------------------


def test_messages_are_the_output_and_all_else_is_told_beside(port: int) -> None:
    out, err = run(port, "/", "--receive", "2", "--wait", "60", stdin='{"a": 1}\nhello\n')
    assert out == '{"a": 1}\nhello\n'
    assert err.splitlines() == [f"Connected to ws://127.0.0.1:{port}/", "Closed with 1000 NORMAL_CLOSURE"]


def test_a_bad_end_is_an_error(port: int) -> None:
    with pytest.raises(CommandError, match=r"^Closed by the server with 1011 INTERNAL_ERROR: oh no$"):
        run(port, "/fails/")


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def test_what_comes_is_written_as_it_is_unless_a_terminal_would_obey(port: int) -> None:
    assert run(port, "/control/", "--receive", "1", "--wait", "60")[0] == "\x1b[2J\n"
    assert run(port, "/control/", "--receive", "1", "--wait", "60", out=Terminal())[0] == "\\x1b[2J\n"


def test_a_user_comes_in_with_a_session_that_is_gone_afterwards(port: int, database: None) -> None:
    User.objects.create_user("alice")
    arguments = ("--user", "alice", "--receive", "1", "--wait", "60")
    out, err = run(port, "/cookie/", *arguments, "--header", "Cookie: a=1")
    assert out.startswith("sessionid=")
    assert out.endswith("; a=1\n")
    assert f"Connected to ws://127.0.0.1:{port}/cookie/ as alice" in err
    assert not Session.objects.exists()


def test_an_interrupt_is_an_end_like_others(port: int, database: None) -> None:
    User.objects.create_user("alice")

    class Interrupting(io.StringIO):
        @override
        def write(self, text: str, /) -> int:
            raise KeyboardInterrupt

    with pytest.raises(CommandError, match="was interrupted"):
        run(port, "/cookie/", "--user", "alice", "--receive", "1", "--wait", "60", out=Interrupting())
    assert not Session.objects.exists()


def test_an_output_that_nobody_reads_is_told(port: int) -> None:
    class Gone(io.StringIO):
        @override
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    with pytest.raises(CommandError, match="Nobody reads the output"):
        run(port, "/cookie/", "--wait", "60", out=Gone())


def test_what_nobody_has_read_is_not_written_once_more(port: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        with pytest.raises(CommandError, match="Nobody reads the output"):
            run(port, "/cookie/", "--wait", "60", out=out)
        # As Python does when the process ends.
        out.flush()


@pytest.mark.parametrize(
    ("missing", "told"),
    [({"websockets"}, "websockets must"), ({"websockets", "prompt_toolkit"}, "websockets and prompt_toolkit must")],
)
def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, missing: set[str], told: str) -> None:
    monkeypatch.setattr(ws_connect, "find_spec", lambda name: None if name in missing else find_spec(name))
    interactive = "prompt_toolkit" in missing
    with pytest.raises(CommandError, match=told) as raised:
        call_command(Command(), "/", stdin=Terminal() if interactive else io.StringIO(), stdout=Terminal())
    assert "pip install 'django-ws[client]'" in str(raised.value)


def test_in_a_terminal_it_is_the_line_editor_that_runs(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    async def run_terminal(link: Link, *, plain: bool) -> Ended:
        seen.append(plain)
        await link.close(1000)
        return link.ended()

    monkeypatch.setattr(terminal, "run_terminal", run_terminal)
    for more in ([], ["--no-color"]):
        call_command(Command(), "/", "--host", str(port), *more, stdin=Terminal(), stdout=Terminal())
    assert seen == [False, True]


# --- in a process of its own --------------------------------------------------------------------------


def command(port: int, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "django", "ws_connect", "--host", str(port), *arguments]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "settings_of_this.py").write_text(
        "from testproject.settings import *\nINSTALLED_APPS = ['django_ws', *INSTALLED_APPS]\n", encoding="utf-8"
    )
    mine = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{TESTS}", "DJANGO_SETTINGS_MODULE": "settings_of_this"}
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "DJANGO_COLORS"}}
    return {**kept, **mine, "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def screen(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Screen]]:
    started: list[Screen] = []

    def start(port: int, *arguments: str) -> Screen:
        started.append(Screen(command(port, *arguments), tmp_path, environment))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_a_script_gets_an_exit_status(port: int, environment: dict[str, str]) -> None:
    for path, status in {"/": 0, "/fails/": 1}.items():
        done = subprocess.run(
            command(port, path),
            env=environment,
            input="",
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert (done.returncode, done.stdout) == (status, ""), done.stderr


def test_head_ends_it_without_a_complaint_of_pythons(port: int, environment: dict[str, str]) -> None:
    lines = subprocess.run(
        ["sh", "-c", f"{shlex.join(command(port, '/'))} --wait {DEADLINE} | head -n 1"],
        env=environment,
        input="hello\n" * 1000,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    assert lines.stdout == "hello\n"
    assert "Nobody reads the output" in lines.stderr
    assert "BrokenPipeError" not in lines.stderr


def test_a_signal_ends_it(port: int, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        command(port, "/"), env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Connected")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 1
        assert "was interrupted" in process.stderr.read()


def test_the_terminal(port: int, screen: Callable[..., Screen]) -> None:
    one = screen(port, "/")
    one.wait_for("\n>")
    one.type('{"text": "hello", "n": [1, 2.50, null]}\r')
    one.wait_for('< {"text": "hello", "n": [1, 2.50, null]}')
    colours = [one.color_of(piece) for piece in ('"text"', '"hello"', "2.50", "null", "< {")]
    assert colours == ["cyan", "green", "magenta", "magenta", "green"]
    # What is being typed keeps its place below what comes.
    one.type("/hex 00\r")
    one.wait_for("< binary, 1 byte  00  .")
    one.type('{"unfinished')
    one.wait_for('\n> {"unfinished')
    one.type("\x15/close 4000 bye\r")
    assert one.end() == 0
    assert one.lines[-1] == "Closed with 4000, a code of the application's own: bye"
    # The line of the prompt is gone, and each message has one line alone.
    assert not [line for line in one.lines if line.startswith(">")]
    assert sum("hello" in line for line in one.lines) == 2


def test_a_line_of_an_earlier_time_is_recalled(port: int, screen: Callable[..., Screen]) -> None:
    first = screen(port, "/")
    first.wait_for("\n>")
    first.type("once\r")
    first.wait_for("< once\n>")
    first.type("\x04")
    assert first.end() == 0
    second = screen(port, "/")
    second.wait_for("\n>")
    second.type("\x1b[A\r")
    second.wait_for("< once\n>")
    second.type("\x03")
    assert second.end() == 0
    assert second.lines[-1] == "Closed with 1000 NORMAL_CLOSURE"


def test_a_bad_end_while_one_types(port: int, screen: Callable[..., Screen]) -> None:
    one = screen(port, "/fails/")
    assert one.end() == 1
    assert one.lines[-1] == "CommandError: Closed by the server with 1011 INTERNAL_ERROR: oh no"
