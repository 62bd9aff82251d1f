"""The applications. Each module has ``application(kind)``, and the same routes for the same work.

==========  =================================================================
``json``    JSON text in, decoded, encoded, out
``text``    text in, the same text out
``fast``    as ``json``, by a fast codec (ours alone; the ceiling's stays ``json``)
``orm``     a database query of 20 ms for each message (ours and Channels)
``ping``    idle, with ``start_ping`` (ours alone)
``fanout``  JSON text in, decoded, encoded, out to every socket of the route
``burst``   not one of them; for each text, as many as :data:`BURST` go out to them
==========  =================================================================

Where the environment has :data:`ENGINE`, the last two reach the sockets of all processes, over that Valkey.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any, Final, Literal, TypeAlias

__all__ = [
    "BURST",
    "ENGINE",
    "MANY",
    "OWN",
    "PATHS",
    "STALLED",
    "Application",
    "Kind",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "Stack",
]

Kind: TypeAlias = Literal["json", "text", "fast", "orm", "ping", "fanout", "burst"]
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
    "fanout": "/fanout/",
    "burst": "/fanout/burst/",
}
"""Where each kind of socket is."""

BURST: Final = 10_000
"""How many messages are published at once, one after the other without a pause."""

ENGINE: Final = "BENCHMARKS_ENGINE"
"""The variable of the environment with the URL of the Valkey that joins the processes; without it each is alone."""

STALLED: Final = "/fanout/stalled/"
"""As ``fanout``, but it is sent so much at once that a client that does not read stops it."""

OWN: Final = "/fanout/own/"
"""As ``fanout``, and each subscribes to a topic of its own besides."""

MANY: Final = "/fanout/many/"
"""Told a number, it subscribes to so many topics, and answers with the number."""
