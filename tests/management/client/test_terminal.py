"""management/client/terminal.py: what is typed is sent, and what comes is shown, without a terminal to look at.

How it looks in one is in tests/management/commands/test_ws_connect.py.
"""

import asyncio
import contextlib
import io
import os
import pty
import re
import select
import termios
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from typing_extensions import override
from websockets.asyncio.server import ServerConnection

from django_ws.management.client import terminal
from django_ws.management.client.link import Ended
from django_ws.management.client.terminal import history_file, run_terminal
from management.client.serving import echo, linked

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


class Shown(io.StringIO):
    """What has been written, for which one can wait."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    @override
    def write(self, text: str, /) -> int:
        self._written.set()
        return super().write(text)

    def text(self) -> str:
        """Give it without colours and movements of the cursor."""
        return ESCAPES.sub("", self.getvalue())

    async def until(self, text: str, times: int = 1) -> None:
        while self.text().count(text) < times:
            self._written.clear()
            await self._written.wait()


@contextlib.contextmanager
def keyboard_and_screen() -> Iterator[tuple[PipeInput, Shown]]:
    shown = Shown()
    output = Vt100_Output(shown, lambda: Size(rows=24, columns=80), term="xterm")
    with create_pipe_input() as keys, create_app_session(input=keys, output=output):
        yield keys, shown


@contextlib.asynccontextmanager
async def talking(
    handler: Callable[[ServerConnection], Awaitable[None]] = echo, *, plain: bool = True
) -> AsyncIterator[tuple[PipeInput, Shown, "asyncio.Task[Ended]"]]:
    with keyboard_and_screen() as (keys, shown):
        async with linked(handler) as link:
            task = asyncio.create_task(run_terminal(link, plain=plain))
            try:
                await shown.until("Ctrl+D closes")
                yield keys, shown, task
                await task
            finally:
                task.cancel()


async def test_what_is_typed_is_sent_and_what_comes_is_shown() -> None:
    async with talking() as (keys, shown, task):
        keys.send_text("hello\r")
        await shown.until("> hello")
        await shown.until("< hello")
        keys.send_text("/hex 0041\r")
        await shown.until("< binary, 2 bytes  00 41  .A")
        keys.send_text(f"{list(range(30))}\r")
        # Each member has a line of its own, in the message that is sent and in the one that comes.
        await shown.until("             29\r\n           ]", 2)
        keys.send_text("\x04")
        ended = await task
    assert (ended.code, ended.as_asked) == (1000, True)
    assert shown.text().index("> hello") < shown.text().index("< hello")
    # Colours are off; bold is none.
    assert "\x1b[0;3" not in shown.getvalue()


@pytest.mark.parametrize("keys_at_the_end", ["\x04", "\x03", "/quit\r", "/close 4000 bye\r"])
async def test_it_ends_as_one_likes(keys_at_the_end: str) -> None:
    async with talking() as (keys, _, task):
        keys.send_text(keys_at_the_end)
        ended = await task
    assert ended.code == (4000 if "4000" in keys_at_the_end else 1000)
    assert ended.as_asked


async def test_commands_are_carried_out_and_mistakes_told() -> None:
    async with talking() as (keys, shown, _):
        keys.send_text("\r/nothing\r")
        await shown.until("Not sent: there is no command /nothing")
        keys.send_text("/help\r")
        await shown.until("a file's content")
        keys.send_text("/ping\r")
        await shown.until("pong after")
        keys.send_text("/quit\r")


async def test_the_servers_end_ends_it_while_one_types() -> None:
    async def closing(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.close(1011, "oh no")

    async with talking(closing) as (keys, shown, task):
        keys.send_text("hello\r")
        await shown.until("> hello")
        keys.send_text("unfinished")
        ended = await task
    assert (ended.code, ended.reason, ended.as_asked) == (1011, "oh no", False)


async def test_a_ping_without_an_answer_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def never(link: object, payload: bytes) -> str:
        asked.set()
        return await asyncio.Future()

    monkeypatch.setattr("django_ws.management.client.link.Link.ping", never)
    async with talking() as (keys, _, task):
        keys.send_text("/ping\r")
        await asked.wait()
        keys.send_text("/quit\r")
        assert (await task).as_asked


async def test_colours_are_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with talking(plain=False) as (keys, shown, _):
        keys.send_text("[1]\r")
        await shown.until("< [1]")
        assert "\x1b[0;35m1" in shown.getvalue()
        keys.send_text("\x04")


# --- lines of earlier times ---------------------------------------------------------------------------


async def test_lines_are_kept_for_their_owner_alone(state: Path) -> None:
    async with talking() as (keys, shown, _):
        keys.send_text("a secret\r")
        await shown.until("< a secret")
        keys.send_text("\x04")
    assert history_file() == state / "django-ws" / "history"
    assert history_file().stat().st_mode & 0o777 == 0o600
    assert history_file().parent.stat().st_mode & 0o777 == 0o700
    async with talking() as (keys, shown, _):
        keys.send_text("\x1b[A\r")
        await shown.until("> a secret")
        keys.send_text("\x04")


async def test_where_no_lines_can_be_kept_it_works_without(state: Path) -> None:
    state.write_text("a file stands in the way")
    async with talking() as (keys, shown, _):
        keys.send_text("hello\r")
        await shown.until("< hello")
        keys.send_text("\x04")


def test_without_a_variable_the_place_is_the_standards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert history_file() == tmp_path / ".local/state/django-ws/history"


# --- keys ---------------------------------------------------------------------------------------------


def test_keys_wait_for_the_editor_and_the_terminal_is_as_it_was_afterwards() -> None:
    master, slave = pty.openpty()
    try:
        before = termios.tcgetattr(slave)
        with pytest.raises(ZeroDivisionError), terminal._untouched_input(slave):
            os.write(master, b"a\x04")
            assert os.read(slave, 10) == b"a\x04"
            assert not select.select([master], [], [], 0)[0]
            raise ZeroDivisionError
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


def test_without_a_terminal_nothing_is_changed() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing), terminal._untouched_input(reading):
        pass


# --- typing -------------------------------------------------------------------------------------------


def test_commands_are_completed() -> None:
    def completed(typed: str) -> list[str]:
        return [one.text for one in terminal._Commands().get_completions(Document(typed), CompleteEvent())]

    assert completed("/cl") == ["/close"]
    assert len(completed("/")) == 6
    assert completed("cl") == []
    assert completed("/close ") == []


def test_what_is_typed_is_coloured_line_by_line() -> None:
    line_at = terminal._Colours().lex_document(Document("/ping\n1"))
    assert line_at(0)[0] == ("class:command", "/ping")
    assert line_at(1) == [("class:json.number", "1")]
    assert line_at(2) == []
