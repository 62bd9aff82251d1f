"""Uvicorn as development and tests want it: quiet, prompt, and telling when it has started and when it stops.

The only module that needs uvicorn; :mod:`django_ws.management.serving` imports it when it serves.
"""

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import uvicorn
from typing_extensions import override

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from django_ws.interfaces import ASGIApplication

__all__ = ["Server", "config_of"]

_UNTRUE: Final = "ASGI callable returned without completing handshake."
"""What uvicorn logs of a handshake that was denied with a response, too."""


def _is_true(record: logging.LogRecord) -> bool:
    return record.msg != _UNTRUE


def config_of(application: "ASGIApplication", graceful_seconds: int, /) -> uvicorn.Config:
    """Give how ``application`` is served.

    Args:
        application: What is served.
        graceful_seconds: How long requests and sockets may take to end at a shutdown.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_true)  # once: logging knows it again
    return uvicorn.Config(
        application,
        # Django's code blocks it no less than any other, and asyncio's own tells where.
        loop="asyncio",
        # What is "auto" was the deprecated one until uvicorn 0.50.
        ws="websockets-sansio" if find_spec("websockets") is not None else "wsproto",
        # Logging is the project's and Django's.
        log_config=None,
        log_level="warning",
        access_log=False,
        # REMOTE_ADDR is who is connected, as with Django's own server.
        proxy_headers=False,
        timeout_graceful_shutdown=graceful_seconds,
    )


class Server(uvicorn.Server):
    """The server.

    Args:
        config: By :func:`config_of`.
        on_started: Called when the application has started.
        on_stopping: Called when the server begins to stop.
    """

    def __init__(
        self, config: uvicorn.Config, *, on_started: "Callable[[], None]", on_stopping: "Callable[[], None]"
    ) -> None:
        super().__init__(config)
        self._on_started: Callable[[], None] = on_started
        self._on_stopping: Callable[[], None] = on_stopping

    @override
    async def startup(self, sockets: "list[socket.socket] | None" = None) -> None:
        """Start, and tell so."""
        await super().startup(sockets=sockets)
        self._on_started()

    @override
    async def shutdown(self, sockets: "list[socket.socket] | None" = None) -> None:
        """Tell so, and stop."""
        self._on_stopping()
        await super().shutdown(sockets=sockets)

    def serve_on(self, listening: "socket.socket", /) -> None:
        """Serve on a socket that is bound already, until ``should_exit`` or a signal.

        Raises:
            RuntimeError: The application said that it cannot start.
        """
        try:
            self.run(sockets=[listening])
        except SystemExit as error:
            raise RuntimeError("The application cannot start: its lifespan.startup failed") from error
