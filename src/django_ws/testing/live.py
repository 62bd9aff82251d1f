"""A live server for tests that need one: a browser, or a client in another language, over real connections.

It is the one of Django's ``LiveServerTestCase``, a thread of the test's process, but that uvicorn serves in it the
project as it is: websockets and HTTP, static and media files.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch
from urllib.parse import urlsplit

from asgiref.sync import SyncToAsync
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLiteWrapper
from django.test.testcases import LiveServerTestCase, LiveServerThread
from django.utils._os import safe_join
from django.utils.functional import classproperty
from django.views.static import serve
from typing_extensions import override

from django_ws.application import get_websocket_application
from django_ws.handler.lanes import run_on_lanes
from django_ws.management.applications import application_name, import_application, look_into
from django_ws.management.serving import ASGIServer, what_is_missing

if TYPE_CHECKING:
    from collections.abc import Generator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.http import HttpRequest
    from django.http.response import FileResponse, HttpResponse

    from django_ws.application import WebSocketApplication
    from django_ws.interfaces import ASGIApplication

__all__ = ["WebSocketLiveServerTestCase", "WebSocketLiveServerThread", "live_application", "live_server"]


class WebSocketLiveServerThread(LiveServerThread):
    """The thread; where it cannot start, ``error`` is what it failed with.

    Args:
        host: Where it listens.
        static_handler: As Django's thread takes it; files are served by :func:`live_application`.
        connections_override: Connections of the test's thread that all threads of the server use, too.
        port: 0: a free one.

    Raises:
        ImproperlyConfigured: What it serves with is not installed.
    """

    # Django: a handler of WSGI, of whatever class.
    def __init__(
        self,
        host: str,
        static_handler: Any = None,
        connections_override: "dict[str, BaseDatabaseWrapper] | None" = None,
        port: int = 0,
    ) -> None:
        missing = what_is_missing()
        if missing:
            raise ImproperlyConfigured(f"The live server cannot serve websockets: {missing}")
        super().__init__(host, static_handler, connections_override, port)
        self.daemon = True
        self._server: ASGIServer | None = None

    @override
    def run(self) -> None:
        """Serve, until :meth:`terminate`."""
        try:
            with _shared(self.connections_override or {}):
                application, ours = live_application()
                self._server = server = ASGIServer((self.host, self.port), allow_reuse_address=False)
                self.port: int = server.server_port
                # wsgiref: an application is of WSGI's type.
                server.set_app(cast("Any", application))
                server.on_started = self.is_ready.set
                try:
                    server.serve_forever()
                finally:
                    _start_again(ours)
        except Exception as error:  # noqa: BLE001 - it is raised in the test
            # django-stubs: it is of one class alone.
            self.error: ImproperlyConfigured | None = cast("Any", error)
        finally:
            self.is_ready.set()
            connections.close_all()

    @override
    def terminate(self) -> None:
        """Close every socket with 1012, and wait for their clean-up, ``on_close`` included, and for the thread."""
        if self._server is not None:
            self._server.stop()
        self.join()


class WebSocketLiveServerTestCase(LiveServerTestCase):
    """Django's ``LiveServerTestCase``, whose server serves websockets, too.

    ::

        class ChatTests(WebSocketLiveServerTestCase):
            async def test_echo(self):
                async with websockets.connect(f"{self.live_server_ws_url}/ws/echo/") as ws: ...

    What is served is ``ASGI_APPLICATION`` or, where that is not set or is Django's own, an application of the project's
    routes. Static files are those of ``django.contrib.staticfiles`` where it is installed, else those in
    ``STATIC_ROOT``; those in ``MEDIA_ROOT`` are served, too. ``host`` and ``port`` are Django's.
    """

    server_thread_class: type[LiveServerThread] = WebSocketLiveServerThread

    # Django's own decorator is not typed for what it is called on.
    @classproperty
    def live_server_ws_url(cls: Any) -> str:  # noqa: N805 - as Django writes it
        """``live_server_url``, but for the scheme, which is ``ws``."""
        return f"ws://{cls.host}:{cls.server_thread.port}"


@contextlib.contextmanager
def live_server(host: str = "localhost", port: int = 0) -> "Generator[WebSocketLiveServerThread]":
    """Run the thread, as :class:`WebSocketLiveServerTestCase` does, where there is no test case.

    Args:
        host: Where it listens.
        port: 0: a free one.

    Raises:
        ImproperlyConfigured: What it serves with is not installed.
        Exception: What it has failed with as it started.
    """
    shared = {
        connection.alias: connection
        for connection in connections.all()
        if isinstance(connection, SQLiteWrapper) and connection.is_in_memory_db()
    }
    thread = WebSocketLiveServerThread(host, connections_override=dict(shared), port=port)
    for connection in shared.values():
        connection.inc_thread_sharing()
    try:
        thread.start()
        thread.is_ready.wait()
        if thread.error is not None:
            raise thread.error
        yield thread
    finally:
        thread.terminate()
        for connection in shared.values():
            connection.dec_thread_sharing()


# --- what is served -----------------------------------------------------------------------------------


def live_application() -> "tuple[ASGIApplication, WebSocketApplication | None]":
    """Give the project's application, with its static and media files, and the one of ours in it if it can be found.

    Raises:
        ImproperlyConfigured: ``ASGI_APPLICATION`` cannot be imported; or a setting, a middleware or a route is wrong.
    """
    name = application_name()
    application: Any = import_application(name) if isinstance(name, str) else None
    ours, plain = look_into(application)
    if application is None or plain:
        application = ours = get_websocket_application()
    application = _Files(application, django_settings.MEDIA_URL, django_settings.MEDIA_ROOT)
    if apps.is_installed("django.contrib.staticfiles"):
        application = ASGIStaticFilesHandler(application)
    else:
        application = _Files(application, django_settings.STATIC_URL, django_settings.STATIC_ROOT)
    return cast("ASGIApplication", application), ours


class _StartedError(Exception):
    """The application has said that it has started."""


def _start_again(ours: "WebSocketApplication | None") -> None:
    """Let sockets in again that tests open in this process: after its shutdown, an application denies every one."""

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(_message: object) -> None:
        raise _StartedError

    if ours is not None:
        with contextlib.suppress(_StartedError):
            asyncio.run(ours({"type": "lifespan"}, receive, send))


class _Files(ASGIStaticFilesHandler):
    """Serves the files of one folder; a path that leads to none goes on to the application.

    Args:
        application: The one inside.
        url: Where the files are; ``None`` or without a path: nowhere.
        root: The folder; ``None`` or empty: nowhere.
    """

    def __init__(self, application: Any, url: str | None, root: str | Path | None) -> None:
        self._url: str = url or ""
        self._root: str = str(root or "")
        super().__init__(application)

    @override
    def get_base_url(self) -> str:
        return self._url

    @override
    def _should_handle(self, path: str) -> bool:
        prefix = urlsplit(self._url).path
        if not self._root or not prefix.strip("/") or not super()._should_handle(path):
            return False
        try:
            return Path(safe_join(self._root, self.file_path(path))).is_file()
        except (SuspiciousFileOperation, ValueError):
            return False

    @override
    def serve(self, request: "HttpRequest") -> "HttpResponse | FileResponse":
        return serve(request, self.file_path(request.path), document_root=self._root)


# --- connections in memory ------------------------------------------------------------------------------


@contextlib.contextmanager
def _shared(shared: "dict[str, BaseDatabaseWrapper]") -> "Generator[None]":
    """Let every thread that has no connection of its own use these, as the threads of Django's live server do.

    Its threads are told each; those of an ASGI server are asgiref's and our lanes'.
    """
    create = connections.create_connection

    def create_or_share(alias: str) -> "BaseDatabaseWrapper":
        return shared[alias] if alias in shared else create(alias)

    def forget() -> None:
        for connection in connections.all(initialized_only=True):
            if shared.get(connection.alias) is connection:
                del connections[connection.alias]

    with patch.object(connections, "create_connection", create_or_share):
        try:
            yield
        finally:
            # Threads that outlive the server.
            forget()
            run_on_lanes(forget)
            SyncToAsync.single_thread_executor.submit(forget)
