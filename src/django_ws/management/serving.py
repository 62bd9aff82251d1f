"""Uvicorn on the socket of Django's development server: for ``manage.py runserver`` and for the live server of tests.

All of the binding, and what is said where it fails, is Django's.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, cast

from django.core.servers.basehttp import WSGIRequestHandler, WSGIServer
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.interfaces import ASGIApplication
    from django_ws.management.uvicorn import Server

__all__ = ["ASGIServer", "what_is_missing"]

_INSTALL: Final = "pip install 'django-ws[server]'"


def what_is_missing() -> str:
    """Say what is not installed that websockets are served with, and what to do; empty where nothing is missing."""
    if find_spec("uvicorn") is None:
        return f"uvicorn is not installed: {_INSTALL}"
    if find_spec("websockets") is None and find_spec("wsproto") is None:
        return f"uvicorn has neither websockets nor wsproto to speak websockets with: {_INSTALL}"
    return ""


def _nothing() -> None:
    """Stand for nobody who wants to be told."""


class ASGIServer(WSGIServer):
    """Django's development server, with uvicorn on its socket in place of a loop of its own.

    Args:
        server_address: Host and port; 0: a free one.
        handler_class: As Django's own server takes it; has no part here.
        ipv6: Whether the host is an IPv6 address.
        allow_reuse_address: Whether a port may be taken that was in use a moment ago.
    """

    graceful_seconds: int = 10
    """How long HTTP requests and sockets may take to end, before they are cancelled."""
    on_started: "Callable[[], None]" = staticmethod(_nothing)
    """Called when the application has started, on the server's thread."""
    on_stopping: "Callable[[], None]" = staticmethod(_nothing)
    """Called when the server begins to stop, on the server's thread."""

    def __init__(
        self,
        server_address: tuple[str, int],
        handler_class: type[WSGIRequestHandler] = WSGIRequestHandler,
        *,
        ipv6: bool = False,
        allow_reuse_address: bool = True,
    ) -> None:
        super().__init__(server_address, handler_class, ipv6=ipv6, allow_reuse_address=allow_reuse_address)
        self._uvicorn: Server | None = None
        self._stopped: bool = False

    @override
    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until :meth:`stop`, or until a signal on the main thread; the socket is closed then.

        Raises:
            RuntimeError: The application said that it cannot start (``lifespan.startup.failed``).
        """
        from django_ws.management.uvicorn import Server, config_of  # noqa: PLC0415 - uvicorn is an extra

        application = cast("ASGIApplication", self.get_app())
        config = config_of(application, self.graceful_seconds)
        self._uvicorn = Server(config, on_started=self.on_started, on_stopping=self.on_stopping)
        self._uvicorn.should_exit = self._stopped
        try:
            self._uvicorn.serve_on(self.socket)
        finally:
            self.server_close()

    def stop(self) -> None:
        """Let every socket end with 1012, and stop; from any thread, and without waiting."""
        self._stopped = True
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True
