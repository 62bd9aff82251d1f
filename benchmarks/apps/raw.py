"""The ceiling: what a decent engineer writes who needs no framework."""

import json
from typing import TYPE_CHECKING, Final

from benchmarks.apps import PATHS
from benchmarks.apps.raw_fanout import burst, fanout

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from benchmarks.apps import Application, Kind, Receive, Scope, Send

__all__ = ["application"]


async def json_echo(_scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Send each message back, decoded and encoded."""
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": json.dumps(json.loads(message["text"]))})


async def text_echo(_scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Send each text back."""
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message["text"]})


_APPLICATIONS: "Final[Mapping[str, Application]]" = {
    PATHS["json"]: json_echo,
    PATHS["text"]: text_echo,
    PATHS["fanout"]: fanout,
    PATHS["burst"]: burst,
}


def application(kind: "Kind | None" = None, /) -> "Application":
    """Give the socket of that kind itself, which has no routing to pay for; ``None``: both, found by their path."""
    return _route if kind is None else _APPLICATIONS[PATHS[kind]]


def _route(scope: "Scope", receive: "Receive", send: "Send") -> "Coroutine[object, object, None]":
    # No coroutine of its own: it would lie on the heap of every idle connection.
    return _APPLICATIONS[scope["path"]](scope, receive, send)
