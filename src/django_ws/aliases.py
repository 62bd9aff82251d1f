"""The aliases that every layer speaks in; :mod:`django_ws.interfaces` gives them too. Imports nothing of ours."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

__all__ = ["ASGIReceive", "ASGISend", "ChannelMessage", "Data", "Frame", "Headers", "Scope"]

Data: TypeAlias = str | bytes
"""What one message carries: ``str`` is a text frame, ``bytes`` a binary one (RFC 6455 section 5.6)."""

Headers: TypeAlias = Iterable[tuple[str, str]]
"""Header names and values, in order; a name may come more than once. They go out as latin-1 (ASGI www.rst)."""

# ASGI's events and scopes are open dicts (www.rst: "servers may add keys"), so their values cannot be typed.
Scope: TypeAlias = Mapping[str, Any]
"""An ASGI connection scope (ASGI www.rst, "WebSocket Connection Scope"); read, never changed."""

ASGIReceive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
"""The server's ``receive``: gives the next event of the client (ASGI main.rst, "Applications")."""

ASGISend: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
"""The server's ``send``: takes the next event of the application (ASGI main.rst, "Applications")."""

ChannelMessage: TypeAlias = tuple[str, bytes]
"""What an engine carries: the name of a channel, and a payload, whose size is in bytes."""


class Frame(Protocol):
    """One message on its way to many connections."""

    made: object
    """What the first has made of it for the next of its kind; ``None``: nothing yet."""

    @property
    def data(self) -> Data:
        """The message."""
        ...
