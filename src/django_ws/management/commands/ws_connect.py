"""``manage.py ws_connect PATH``: talk to a socket from the terminal, or from a script."""

import asyncio
import contextlib
import os
import signal
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO, cast

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from django_ws.management.client.address import read_address
from django_ws.management.client.login import logged_in
from django_ws.management.client.show import printable

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from django.core.management.base import CommandParser, OutputWrapper

    from django_ws.management.client.address import Address
    from django_ws.management.client.link import Ended, Link

__all__ = ["Command"]

_ENDS: Final = ("SIGTERM", "SIGHUP")
"""Signals at which the session of ``--user`` is removed, too."""


class Command(BaseCommand):
    """A client of a running server; in a pipe it reads lines, writes messages, and ends with a status."""

    help = "Connect to a websocket of a running server, and talk to it: line by line, in colours, or in a pipe."
    # A project with a fault may be what one wants to look at.
    requires_system_checks: "list[str] | tuple[str, ...] | Literal['__all__']" = ()

    # Django: what call_command() may give besides.
    stealth_options: tuple[str, ...] = ("stdin",)

    @override
    def add_arguments(self, parser: "CommandParser") -> None:
        """Add the path and the options."""
        parser.add_argument("path", help="the path, like /ws/echo/, or a whole ws:// URL")
        parser.add_argument(
            *("--host", "--url"),
            dest="server",
            help="where the server is: a URL, a host, HOST:PORT or a port (default: WS_BASE_URL, else 127.0.0.1:8000)",
        )
        parser.add_argument("--user", metavar="NAME", help="come in as this user: a session is made and removed again")
        parser.add_argument("--subprotocol", action="append", default=[], help="offer it; the preferred first")
        parser.add_argument(
            "--header", action="append", default=[], metavar="'NAME: VALUE'", help="send it with the handshake"
        )
        parser.add_argument("--origin", help="the page that asks (default: the server's own); '' for none")
        parser.add_argument("--insecure", action="store_true", help="do not verify the certificate of a wss:// server")
        parser.add_argument("--timeout", type=float, default=10.0, help="seconds for the handshake (10)")
        parser.add_argument(
            "--wait", type=float, default=1.0, help="in a pipe: seconds of silence after the last line (1)"
        )
        parser.add_argument("--receive", type=int, metavar="N", help="in a pipe: end when N messages have come")

    # Django: options are of any type.
    @override
    def handle(self, *_args: object, **options: Any) -> None:
        """Connect and talk.

        Raises:
            CommandError: It could not be connected, or did not end well; exit status 1.
        """
        stdin = cast("TextIO", options.get("stdin", sys.stdin))
        interactive = stdin.isatty() and self.stdout.isatty()
        _check_installed(interactive=interactive)
        path, server = cast("str", options["path"]), cast("str | None", options["server"])
        address = read_address(path, server=server, headers=options["header"], origin=options["origin"])
        with logged_in(options["user"]) as cookie:
            if cookie is not None:
                address = address.with_cookie(cookie)
            talk = self._talk(address, stdin, interactive=interactive, options=options)
            try:
                ended = asyncio.run(_until_signal(talk))
            except (KeyboardInterrupt, asyncio.CancelledError):
                raise CommandError("The connection was left as the process was interrupted") from None
            except BrokenPipeError as error:
                _discard(self.stdout)
                raise CommandError("Nobody reads the output any more") from error
        if not ended.as_asked:
            raise CommandError(str(ended))
        self._tell(str(ended))

    # Django: options are of any type.
    async def _talk(
        self, address: "Address", stdin: TextIO, *, interactive: bool, options: "dict[str, Any]"
    ) -> "Ended":
        from django_ws.management.client.link import open_link  # noqa: PLC0415 - websockets is an extra

        link = await open_link(
            address,
            subprotocols=options["subprotocol"],
            seconds=options["timeout"],
            insecure=options["insecure"],
            user=options["user"],
        )
        try:
            return await self._run(link, stdin, interactive=interactive, options=options)
        finally:
            link.leave()

    # Django: options are of any type.
    async def _run(self, link: "Link", stdin: TextIO, *, interactive: bool, options: "dict[str, Any]") -> "Ended":
        if interactive:
            from django_ws.management.client.terminal import run_terminal  # noqa: PLC0415 - prompt_toolkit is an extra

            return await run_terminal(link, plain=options["no_color"])
        from django_ws.management.client.pipe import run_pipe  # noqa: PLC0415 - it comes with the above

        self._tell(link.greeting)
        return await run_pipe(link, stdin, self._write, self._tell, wait=options["wait"], receive=options["receive"])

    def _write(self, message: str) -> None:
        # As it came, unless a terminal would obey it; and at once, as its reader waits for it.
        self.stdout.write(printable(message) if self.stdout.isatty() else message)
        self.stdout.flush()

    def _tell(self, text: str) -> None:
        self.stderr.write(text, str)


def _discard(stream: "OutputWrapper") -> None:
    """Let what its buffer still holds go nowhere: as the process ends, Python would try to write it once more."""
    # What is no file has no descriptor.
    with contextlib.suppress(OSError):
        file = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, file)
        os.close(null)


def _check_installed(*, interactive: bool) -> None:
    needed = ("websockets", "prompt_toolkit") if interactive else ("websockets",)
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise CommandError(f"{' and '.join(missing)} must be installed: pip install 'django-ws[client]'")


async def _until_signal(talk: "Coroutine[Any, Any, Ended]") -> "Ended":
    """Run it; a signal that would end the process cancels it, so that all is unwound."""
    task = asyncio.ensure_future(talk)
    loop = asyncio.get_running_loop()
    # Windows has no such signals, and a thread that is not the main one may not ask for them.
    with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        for name in _ENDS:
            loop.add_signal_handler(getattr(signal, name), task.cancel)
    return await task
