"""The edge: ASGI's dicts in and out. No other module reads or builds one, but for the connection's two hot lines.

Parsing trusts nothing: a key that a server leaves out, sets to ``None`` or fills with the wrong type never becomes
a ``KeyError`` or a ``TypeError`` (ASGI www.rst, "WebSocket"; what real servers do stands in the docs, "Servers").
"""

from collections.abc import Container, Iterable, Mapping
from typing import Any, Final, assert_never, cast

from django_ws.close_codes import CloseCode
from django_ws.exceptions import RemoteProtocolError
from django_ws.protocol.events import (
    Accept,
    ApplicationEvent,
    Close,
    Connect,
    DenialBody,
    DenialEnd,
    DenialStart,
    Disconnect,
    PeerEvent,
    RawHeaders,
    Receive,
    Send,
)

__all__ = [
    "build",
    "build_data",
    "offered_subprotocols",
    "parse",
    "parse_data",
    "raw_headers",
    "supports_denial_response",
]


# ASGI: events are open dicts, so their values are Any.
def parse_data(message: Mapping[str, Any], /) -> str | bytes | None:
    """Take the data out of a ``websocket.receive``; ``None`` for any other event. The hot path of receiving.

    Raises:
        RemoteProtocolError: It has neither text nor bytes.
    """
    if message.get("type") != "websocket.receive":
        return None
    text: object = message.get("text")
    if isinstance(text, str):
        return text
    data: object = message.get("bytes")
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray):
        return bytes(data)
    raise RemoteProtocolError("the ASGI server sent a websocket.receive with neither text nor bytes")


# ASGI: events are open dicts, so their values are Any.
def parse(message: Mapping[str, Any], /) -> PeerEvent:
    """Turn an event of the server into a typed one.

    Raises:
        RemoteProtocolError: It is no event of the websocket protocol, or has no data.
    """
    kind: object = message.get("type")
    if kind == "websocket.disconnect":
        code: object = message.get("code")
        reason: object = message.get("reason")
        return Disconnect(
            code if isinstance(code, int) else CloseCode.NO_STATUS_RCVD,
            reason if isinstance(reason, str) else "",
        )
    if kind == "websocket.connect":
        return _CONNECT
    if kind == "websocket.receive":
        data = parse_data(message)
        return Receive("" if data is None else data)
    raise RemoteProtocolError(f"the ASGI server sent an event of unknown type {kind!r} to a websocket")


_CONNECT: Final = Connect()


# ASGI: events are open dicts, so their values are Any.
def build_data(data: str | bytes, /) -> dict[str, Any]:
    """Build a ``websocket.send``. The hot path of sending."""
    if isinstance(data, str):
        return {"type": "websocket.send", "text": data}
    return {"type": "websocket.send", "bytes": data}


# ASGI: events are open dicts, so their values are Any.
def build(event: ApplicationEvent, /) -> dict[str, Any]:
    """Turn a typed event into the dict that goes to the server."""
    # The kinds of every connection by plain comparisons: a match statement costs several times as much.
    if isinstance(event, Accept):
        return {"type": "websocket.accept", "subprotocol": event.subprotocol, "headers": list(event.headers)}
    if isinstance(event, Close):
        return {"type": "websocket.close", "code": int(event.code), "reason": event.reason}
    if isinstance(event, Send):
        return build_data(event.data)
    if isinstance(event, DenialStart):
        return {"type": "websocket.http.response.start", "status": event.status, "headers": list(event.headers)}
    match event:
        case DenialBody():
            return {"type": "websocket.http.response.body", "body": event.body, "more_body": True}
        case DenialEnd():
            return {"type": "websocket.http.response.body", "body": event.body, "more_body": False}
        case _:
            assert_never(event)


def raw_headers(headers: Iterable[tuple[str, str]], /) -> RawHeaders:
    """Encode headers as ASGI wants them: lower-case names, latin-1 (www.rst, "Accept").

    Raises:
        ValueError: A name or value that HTTP cannot carry (a line break, or a character beyond latin-1), or
            ``sec-websocket-protocol``, which the ``subprotocol`` argument sets.
    """
    return tuple([_raw_header(name, value) for name, value in headers])


def _raw_header(name: str, value: str) -> tuple[bytes, bytes]:
    if any(character in "\r\n\0" for character in name + value):
        raise ValueError(f"the header {name!r} has a line break or a NUL in it")
    try:
        raw = (name.lower().encode("latin-1"), value.encode("latin-1"))
    except UnicodeEncodeError as error:
        raise ValueError(f"the header {name!r} has a character that latin-1 cannot carry") from error
    if raw[0] == b"sec-websocket-protocol":
        raise ValueError("choose the subprotocol by accept(subprotocol=...), not by the sec-websocket-protocol header")
    return raw


# ASGI: scopes are open dicts, so their values are Any.
def offered_subprotocols(scope: Mapping[str, Any], /) -> tuple[str, ...]:
    """Read what the client offers, in its order of preference."""
    offered: object = scope.get("subprotocols")
    # Most clients offer none, and asking whether something is iterable is dear.
    if not offered or not isinstance(offered, Iterable) or isinstance(offered, str):
        return ()
    return tuple([name for name in cast("Iterable[object]", offered) if isinstance(name, str)])


# ASGI: scopes are open dicts, so their values are Any.
def supports_denial_response(scope: Mapping[str, Any], /) -> bool:
    """Say whether the server takes ``websocket.http.response.*`` (extensions.rst, "Websocket Denial Response")."""
    extensions: object = scope.get("extensions")
    return isinstance(extensions, Container) and "websocket.http.response" in cast("Container[object]", extensions)
