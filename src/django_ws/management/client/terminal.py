"""``ws_connect`` in a terminal: a line editor with history below, and above it what is sent and what comes."""

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app_session
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.shortcuts import print_formatted_text
from prompt_toolkit.styles import Style
from typing_extensions import override

from django_ws.close_codes import CloseCode
from django_ws.management.client.language import COMMANDS, Close, Help, Ping, Send, read_order
from django_ws.management.client.show import help_lines, input_pieces, message_lines, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from django_ws.management.client.jsontext import Fragments
    from django_ws.management.client.link import Ended, Link

__all__ = ["history_file", "run_terminal"]

# The terminal's own sixteen colours, so that its theme, light or dark, decides.
_STYLE: Final = Style.from_dict(
    {
        "in": "ansigreen bold",
        "out": "ansicyan bold",
        "prompt": "ansicyan bold",
        "time": "ansibrightblack",
        "note": "ansibrightblack",
        "told": "bold",
        "wrong": "ansired",
        "command": "ansimagenta",
        "binary": "ansiyellow",
        "json.key": "ansicyan",
        "json.string": "ansigreen",
        "json.number": "ansimagenta",
        "json.word": "ansimagenta",
        "json.mark": "ansibrightblack",
        "auto-suggestion": "ansibrightblack",
    }
)
_MARGIN: Final = 11
"""Columns of the time and the arrow before each line."""


def history_file() -> Path:
    """Give where the lines of earlier times are kept, by the XDG base directory specification."""
    home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "django-ws" / "history"


def _history() -> History:
    """Open it, readable for its owner alone: what is typed may be a secret."""
    path = history_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


@contextlib.contextmanager
def _untouched_input(file: int) -> "Generator[None]":
    """Let keys wait for the editor that are typed while it is not there: the terminal would show and swallow them.

    Args:
        file: Descriptor of the terminal; of anything else nothing is changed, nor where there is no ``termios``.
    """
    # Windows has no termios.
    if sys.platform == "win32" or not os.isatty(file):
        yield
        return
    import termios  # noqa: PLC0415 - see above

    before = termios.tcgetattr(file)
    changed = termios.tcgetattr(file)
    # Signals stay: Ctrl+C ends it also while the server reads nothing, so that no editor comes.
    changed[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(file, termios.TCSANOW, changed)
    try:
        yield
    finally:
        termios.tcsetattr(file, termios.TCSANOW, before)


async def run_terminal(link: "Link", *, plain: bool = False) -> "Ended":
    """Talk until either side ends it.

    Args:
        link: An open connection.
        plain: Without colours.
    """
    return await _Terminal(link, plain=plain).run()


@final
class _Terminal:
    def __init__(self, link: "Link", *, plain: bool) -> None:
        self._link: Link = link
        # None: as the terminal and NO_COLOR say.
        self._depth: ColorDepth | None = ColorDepth.DEPTH_1_BIT if plain else None
        self._pings: set[asyncio.Task[None]] = set()
        self._session: PromptSession[str] = PromptSession(
            [("class:prompt", "> ")],
            history=_history(),
            auto_suggest=AutoSuggestFromHistory(),
            completer=_Commands(),
            complete_while_typing=False,
            lexer=_Colours(),
            style=_STYLE,
            color_depth=self._depth,
            # The line is shown anew, with its time and an arrow.
            erase_when_done=True,
        )

    async def run(self) -> "Ended":
        self._tell(self._link.greeting)
        self._print([[("class:note", "A line is sent as you end it. /help lists the commands, Ctrl+D closes.")]])
        # What is shown needs the keys for nothing: in "cooked" mode the terminal would echo those typed meanwhile.
        setattr(get_app_session().input, "cooked_mode", contextlib.nullcontext)  # noqa: B010 - a method of its class
        with patch_stdout(raw=True), _untouched_input(get_app_session().input.fileno()):
            receiving = asyncio.create_task(self._receive())
            typing = asyncio.create_task(self._type())
            try:
                await asyncio.wait({receiving, typing}, return_when=asyncio.FIRST_COMPLETED)
                if typing.done():
                    typing.result()
                    await self._link.close(CloseCode.NORMAL_CLOSURE)
                await receiving
            finally:
                for task in (typing, receiving, *self._pings):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
        return self._link.ended()

    async def _receive(self) -> None:
        async for message in self._link.messages():
            self._message("class:in", "<", message)

    async def _type(self) -> None:
        """Carry out each line, until one is the end."""
        while True:
            try:
                line = await self._session.prompt_async()
            except (EOFError, KeyboardInterrupt):
                return
            try:
                order = read_order(line)
            except ValueError as error:
                self._print([[("class:wrong", printable(f"Not sent: {error}"))]])
                continue
            match order:
                case Send(message):
                    # Before it is sent, so that it stands above its answer.
                    self._message("class:out", ">", message)
                    await self._link.send(message)
                case Ping(payload):
                    task = asyncio.create_task(self._ping(payload))
                    self._pings.add(task)
                    task.add_done_callback(self._pings.discard)
                case Close(code, reason):
                    await self._link.close(code, reason)
                    return
                case Help():
                    self._print(help_lines())
                case _:
                    # A blank line.
                    pass

    async def _ping(self, payload: bytes) -> None:
        self._tell(await self._link.ping(payload))

    # --- what is shown ----------------------------------------------------------------------------------

    def _message(self, style: str, arrow: str, message: str | bytes) -> None:
        columns = get_app_session().output.get_size().columns
        head: Fragments = [("class:time", time.strftime("%H:%M:%S ")), (style, f"{arrow} ")]
        lines: list[Fragments] = []
        for number, line in enumerate(message_lines(message, columns - _MARGIN - 1)):
            lines.append([*(head if number == 0 else [("", " " * _MARGIN)]), *line])
        self._print(lines)

    def _tell(self, text: str) -> None:
        self._print([[("class:told", printable(text))]])

    def _print(self, lines: "list[Fragments]") -> None:
        """Show lines above the one that is being typed: at once, so that nothing comes between them."""
        pieces: list[tuple[str, str]] = []
        for line in lines:
            pieces += [*line, ("", "\n")]
        print_formatted_text(FormattedText(pieces), end="", style=_STYLE, color_depth=self._depth)


class _Colours(Lexer):
    @override
    def lex_document(self, document: "Document") -> "Callable[[int], StyleAndTextTuples]":
        lines = document.lines

        def line_at(number: int) -> "StyleAndTextTuples":
            return [*input_pieces(lines[number])] if number < len(lines) else []

        return line_at


class _Commands(Completer):
    @override
    def get_completions(self, document: "Document", complete_event: "CompleteEvent") -> "Iterable[Completion]":
        typed = document.text_before_cursor
        for name, (arguments, meaning) in COMMANDS.items():
            if typed.startswith("/") and name.startswith(typed):
                yield Completion(name, -len(typed), display=f"{name} {arguments}", display_meta=meaning)
