"""Litestar, as its documentation shows it."""

from typing import TYPE_CHECKING, Any

from litestar import Litestar, WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

if TYPE_CHECKING:
    from benchmarks.apps import Application, Kind

__all__ = ["application"]


# Litestar: the types of a socket's user, its auth and its state.
@websocket("/json/")
async def json_echo(socket: WebSocket[Any, Any, Any]) -> None:
    """JSON in, JSON out."""
    await socket.accept()
    try:
        while True:
            await socket.send_json(await socket.receive_json())
    except WebSocketDisconnect:
        pass


# See json_echo.
@websocket("/text/")
async def text_echo(socket: WebSocket[Any, Any, Any]) -> None:
    """Text in, text out."""
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


def application(_kind: "Kind | None" = None, /) -> "Application":
    """Give the one application of all routes."""
    return Litestar([json_echo, text_echo], openapi_config=None)
