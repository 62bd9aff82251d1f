"""``manage.py runserver``: Django's own command, which serves websockets too, by uvicorn.

It is Django's in all but the server: options, checks, banner, reloading, messages. Where websockets cannot be served it
says why, and serves as Django's does.
"""

import os
import re
import signal
import sys
import threading
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings as django_settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.management.base import OutputWrapper
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV
from typing_extensions import override

from django_ws.management.applications import application_name, import_application, look_into
from django_ws.management.lines import RequestLines, show_sockets
from django_ws.management.runservers import next_runserver
from django_ws.management.serving import ASGIServer, what_is_missing

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management.commands.runserver import Command as _Base
    from django.core.servers.basehttp import WSGIServer

    from django_ws.interfaces import ASGIApplication
else:
    _Base = next_runserver()

__all__ = ["Command"]

_BANNER: Final = re.compile(r"Starting (?:WSGI )?development server")

_GRACE: Final = 1
"""Seconds for HTTP requests and hooks to end at Ctrl+C and at a reload, before they are cancelled."""
_PATIENCE: Final = 3.0
"""Seconds until the process ends, whatever still runs in it."""


class Command(_Base):
    """Django's command, with uvicorn in the place of its server."""

    help: str = f"{_Base.help} Serves websockets, too."

    serves_websockets: bool = True
    """So that the system checks know it in a command that extends it."""

    # Django: what a command is made with is of no type.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._application: ASGIApplication | None = None
        self._ending: _Ending = _Ending()

    # Django: options are of any type.
    @override
    def run(self, **options: Any) -> None:
        """Run the server, with the reloader or without; sockets that are open are closed at the end."""
        if options["use_reloader"] and os.environ.get(DJANGO_AUTORELOAD_ENV) != "true":
            _let_the_server_end()
        code = 0
        try:
            super().run(**options)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
            raise
        finally:
            self._ending.end(code)

    # The same.
    @override
    def get_handler(self, *args: Any, **options: Any) -> "WSGIHandler":
        """Give what is served: ``ASGI_APPLICATION``, with static files and lines in the log.

        Raises:
            ImproperlyConfigured: It cannot be imported.
        """
        why_not = what_is_missing() or self._why_no_sockets()
        if why_not:
            self._application = None
            self.stderr.write(self.style.WARNING(f"No websockets are served: {why_not}"))
            return super().get_handler(*args, **options)
        application = cast("ASGIApplication", self._application)
        if options.get("use_static_handler", False) and (django_settings.DEBUG or options["insecure_serving"]):
            # django-stubs: it takes Django's own handler alone.
            application = cast("ASGIApplication", ASGIStaticFilesHandler(cast("Any", application)))
        show_sockets()
        # Django asks for it after this.
        self.server_cls: type[WSGIServer] = self._ending.server_class()
        # Django gives it to the server, which is ours, and does nothing else with it.
        return cast("WSGIHandler", RequestLines(application))

    def _why_no_sockets(self) -> str:
        """Import the application, and say why it serves no websockets; empty where it may."""
        name = application_name()
        if not isinstance(name, str):
            return "set ASGI_APPLICATION = 'project.asgi.application', the dotted name of the application in asgi.py"
        application = import_application(name)
        _, plain = look_into(application)
        if plain:
            return (
                f"ASGI_APPLICATION names {name!r}, which is Django's own handler; in asgi.py: "
                "from django_ws import get_websocket_application; application = get_websocket_application()"
            )
        self._application = cast("ASGIApplication", application)
        return ""

    @override
    def on_bind(self, server_port: int) -> None:
        """Print Django's banner, with the name of the server in it."""
        if self._application is None:
            super().on_bind(server_port)
            return
        stdout = self.stdout
        self.stdout: OutputWrapper = OutputWrapper(StringIO())
        try:
            super().on_bind(server_port)
            banner = self.stdout.getvalue()
        finally:
            self.stdout = stdout
        self.stdout.write(_BANNER.sub("Starting ASGI/uvicorn development server", banner), ending="")
        self.stdout.flush()


class _Ending:
    """The end of the process: sockets are told of it, and nothing holds it up for long."""

    def __init__(self) -> None:
        self._server: ASGIServer | None = None
        self._stopped: threading.Event = threading.Event()
        self._code: int = 0

    def server_class(self) -> type[ASGIServer]:
        """Give the class of the server that this ends."""
        ending = self

        class DevelopmentServer(ASGIServer):
            graceful_seconds: int = _GRACE
            on_stopping: "Callable[[], None]" = staticmethod(ending._begin)

            @override
            def serve_forever(self, poll_interval: float = 0.5) -> None:
                ending._server = self
                try:
                    super().serve_forever(poll_interval)
                finally:
                    ending._stopped.set()

        return DevelopmentServer

    def end(self, code: int) -> None:
        """Stop the server, if one runs on another thread than this, and wait for it.

        Args:
            code: The exit status that the process is about to end with.
        """
        self._code = code
        if self._server is not None:
            self._server.stop()
            self._stopped.wait(_PATIENCE)

    def _begin(self) -> None:
        """Let the process end after a while whatever happens, as it does when Django's own server is stopped.

        The interpreter would wait for each thread that runs a synchronous view or hook.
        """
        timer = threading.Timer(_PATIENCE, self._cut_off)
        timer.daemon = True
        timer.start()

    def _cut_off(self) -> None:
        sys.stderr.write("A view or a hook is still running; it is cut off.\n")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self._code)


def _let_the_server_end() -> None:
    """Give the reloader's child time to close its sockets at Ctrl+C, which the terminal sends to both processes.

    ``subprocess`` would kill it after a quarter of a second. A second Ctrl+C is not waited after.
    """

    def interrupted(number: int, _frame: "FrameType | None") -> None:
        signal.signal(number, signal.default_int_handler)
        timer = threading.Timer(_PATIENCE + 1, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGINT, interrupted)
