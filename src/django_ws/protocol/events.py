"""The events of the ASGI websocket protocol, typed, free of I/O.

One frozen dataclass for each message of the ASGI specification's "WebSocket" section, the "Websocket Denial
Response" extension included. The events of the peer (the client, as the ASGI server tells it) are received, those
of the application are sent.

The class of an event is also its key in the transition tables of :mod:`django_ws.protocol.states`.
"""

from dataclasses import dataclass
from typing import TypeAlias

from django_ws.close_codes import CloseCode

__all__ = [
    "Accept",
    "ApplicationEvent",
    "Close",
    "Connect",
    "DenialBody",
    "DenialEnd",
    "DenialStart",
    "Disconnect",
    "Lost",
    "PeerEvent",
    "RawHeaders",
    "Receive",
    "Send",
]

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Header names (lower case) and values as ASGI carries them."""


@dataclass(frozen=True, slots=True)
class Connect:
    """``websocket.connect``: the client asks for a websocket."""


@dataclass(frozen=True, slots=True)
class Receive:
    """``websocket.receive``: a message came in. On an open connection its ``data`` travels without this shell."""

    data: str | bytes
    """``str`` for a text frame, ``bytes`` for a binary one."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """``websocket.disconnect``: the connection has ended."""

    code: int = CloseCode.NO_STATUS_RCVD
    """The close code; 1005 where the client or the server named none (RFC 6455 section 7.1.5)."""
    reason: str = ""
    """The close reason; empty where there was none."""


@dataclass(frozen=True, slots=True)
class Lost:
    """No event of the wire: the server's ``send`` raised, so the peer has gone before its ``Disconnect`` was read.

    ASGI www.rst, "Disconnected Client": concurrent code may learn of the end by an ``OSError`` from ``send`` first.
    """


@dataclass(frozen=True, slots=True)
class Accept:
    """``websocket.accept``: the handshake succeeds."""

    subprotocol: str | None = None
    """The one chosen of those that the client offered (RFC 6455 section 4.2.2)."""
    headers: RawHeaders = ()
    """More headers for the response; never ``sec-websocket-protocol``."""


@dataclass(frozen=True, slots=True)
class Send:
    """``websocket.send``: a message goes out. On an open connection its ``data`` travels without this shell."""

    data: str | bytes
    """``str`` for a text frame, ``bytes`` for a binary one."""


@dataclass(frozen=True, slots=True)
class Close:
    """``websocket.close``: a close frame goes out; before the handshake is answered, it is refused with 403."""

    code: int = CloseCode.NORMAL_CLOSURE
    """A code that may stand in a close frame (RFC 6455 section 7.4)."""
    reason: str = ""
    """At most 123 bytes of UTF-8 (RFC 6455 section 5.5)."""


@dataclass(frozen=True, slots=True)
class DenialStart:
    """``websocket.http.response.start``: the handshake is refused with an HTTP response."""

    status: int = 403
    """The HTTP status, 200 to 599; not an informational one."""
    headers: RawHeaders = ()
    """The response's headers."""


@dataclass(frozen=True, slots=True)
class DenialBody:
    """``websocket.http.response.body`` with ``more_body``: a part of the denial's body."""

    body: bytes = b""
    """The bytes of this part."""


@dataclass(frozen=True, slots=True)
class DenialEnd:
    """``websocket.http.response.body`` without ``more_body``: the last part of the denial's body."""

    body: bytes = b""
    """The bytes of this part."""


PeerEvent: TypeAlias = Connect | Receive | Disconnect | Lost
"""What the peer may do."""

ApplicationEvent: TypeAlias = Accept | Send | Close | DenialStart | DenialBody | DenialEnd
"""What the application may do."""
