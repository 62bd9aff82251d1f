"""The applications. Each module has ``application(kind)``, and the same routes for the same work.

=========  =================================================================
``json``   JSON text in, decoded, encoded, out
``text``   text in, the same text out
``fast``   as ``json``, by a fast codec (ours alone; the ceiling's stays ``json``)
``orm``    a database query of 20 ms for each message (ours and Channels)
``ping``   idle, with ``start_ping`` (ours alone)
=========  =================================================================
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any, Final, Literal, TypeAlias

__all__ = ["PATHS", "Application", "Kind", "Message", "Receive", "Scope", "Send", "Stack"]

Kind: TypeAlias = Literal["json", "text", "fast", "orm", "ping"]
Stack: TypeAlias = Literal["startproject", "async"]
# ASGI: scopes and events are dicts of anything.
Scope: TypeAlias = MutableMapping[str, Any]
# See Scope.
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
# Frameworks type these three each in their own way.
Application: TypeAlias = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]

PATHS: Final[Mapping[Kind, str]] = {
    "json": "/json/",
    "text": "/text/",
    "fast": "/fast/",
    "orm": "/orm/",
    "ping": "/ping/",
}
"""Where each kind of socket is."""
