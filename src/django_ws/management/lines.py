"""The lines that ``manage.py runserver`` writes: one for each HTTP request and for each step of a socket's life.

All go to the logger ``django.server``, as those of Django's own command do, with its colours, which go by a status:
https://docs.djangoproject.com/en/stable/ref/logging/#django-server.
"""

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from django_ws.close_codes import CloseCode
from django_ws.signals import websocket_closed, websocket_denied, websocket_opened

if TYPE_CHECKING:
    from django.http import HttpRequest

    from django_ws.handler import WebSocket
    from django_ws.interfaces import ASGIApplication, ASGIReceive, ASGISend, Scope

__all__ = ["RequestLines", "show_sockets"]

logger: Final = logging.getLogger("django.server")

_TIME: Final = "%d/%b/%Y %H:%M:%S"
_SWITCHING_PROTOCOLS: Final = 101
_OK: Final = 200
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500
_OF_THE_CLIENT: Final = frozenset(
    {
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_FRAME_PAYLOAD_DATA,
        CloseCode.POLICY_VIOLATION,
        CloseCode.MESSAGE_TOO_BIG,
    }
)


# --- HTTP ---------------------------------------------------------------------------------------------


class RequestLines:
    """An ASGI application around another one, which writes a line for each HTTP request that has been answered.

    Args:
        application: Gets everything as it comes.
    """

    def __init__(self, application: "ASGIApplication") -> None:
        self.application: ASGIApplication = application
        """The one inside."""

    async def __call__(self, scope: "Scope", receive: "ASGIReceive", send: "ASGISend") -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        status, size = _SERVER_ERROR, 0

        # ASGI: a message is a dict of values of any type.
        async def note(message: Any) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.application(scope, receive, note)
        finally:
            _write(status, '"%s" %d %d', _request_line(scope), status, size)


def _request_line(scope: "Scope") -> str:
    """Give the first line of a request as it was sent, but for what is no printable ASCII."""
    target: bytes = scope.get("raw_path") or str(scope["path"]).encode()
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    return f"{scope['method']} {_printable(target.decode('latin-1'))} HTTP/{scope['http_version']}"


# --- sockets ------------------------------------------------------------------------------------------


def show_sockets() -> None:
    """Write a line when a socket has opened, when it has closed, and when a handshake was denied."""
    # Once: a signal knows a receiver again.
    websocket_opened.connect(_opened)
    websocket_closed.connect(_closed)
    websocket_denied.connect(_denied)


# Django: a receiver gets more than it asks for, of any type; the messages of the socket do not matter here.
async def _opened(*, websocket: "WebSocket[Any, Any]", **_: Any) -> None:
    _write(_SWITCHING_PROTOCOLS, "WebSocket %s opened", _path(websocket.request))


# The same.
async def _closed(*, websocket: "WebSocket[Any, Any]", code: int, duration: float, **_: Any) -> None:
    status = _SERVER_ERROR if code == CloseCode.INTERNAL_ERROR else _CLIENT_ERROR if code in _OF_THE_CLIENT else _OK
    _write(status, "WebSocket %s closed with %d after %.3f s", _path(websocket.request), code, duration)


# The same.
async def _denied(*, request: "HttpRequest | None", status: int, reason: str, **_: Any) -> None:
    _write(status, "WebSocket %s denied with %d: %s", _path(request), status, reason)


def _path(request: "HttpRequest | None") -> str:
    """Give the path without the query string, which may hold a secret."""
    return "handshake" if request is None else _printable(request.path)


# --- both ---------------------------------------------------------------------------------------------


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


# logging: arguments of a line are of any type.
def _write(status: int, text: str, *args: Any) -> None:
    level = logging.INFO
    if status >= _CLIENT_ERROR:
        level = logging.ERROR if status >= _SERVER_ERROR else logging.WARNING
    logger.log(level, text, *args, extra={"status_code": status, "server_time": time.strftime(_TIME)})
