"""Starlette, as its documentation shows it."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from benchmarks.apps import Application, Kind

__all__ = ["application"]


async def json_echo(websocket: WebSocket) -> None:
    """JSON in, JSON out."""
    await websocket.accept()
    try:
        while True:
            await websocket.send_json(await websocket.receive_json())
    except WebSocketDisconnect:
        pass


async def text_echo(websocket: WebSocket) -> None:
    """Text in, text out."""
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


def application(_kind: "Kind | None" = None, /) -> "Application":
    """Give the one application of all routes."""
    return Starlette(routes=[WebSocketRoute("/json/", json_echo), WebSocketRoute("/text/", text_echo)])
