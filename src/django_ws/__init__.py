"""WebSockets that feel like Django."""

# The map of the package. Each layer imports the interfaces, the exceptions and the settings, never a sibling:
#
#   application   the composition root: one ASGI scope -> one life of a socket; faults end here
#     protocol    layer 1  the ASGI websocket protocol: events, tables, machine, connection (no Django, no asyncio)
#     routing     layer 2  ws_urls by Django's resolver, the request, Host and Origin
#     middleware  layer 3  the composer of WS_MIDDLEWARE
#     handler     layer 4  WebSocketHandler, its tasks, its outbox
#     topics      layer 5  publish from anywhere to every socket that subscribed, over an engine
#     limits      connections per address and per user, in one process and across all
#     guards      login_required and its like
#     codecs      what handlers and topics write messages with
#   urls          typed path, re_path, include
#   parts of the application: handshake (read and checked), handshake_timeout, admission (too many connections),
#                 denials (the answers), endings (what an end means, logged once)
#   authorization  disconnect() and what does it by itself;  standing: whether a login still holds
#   signals       websocket_opened, websocket_closed, websocket_denied;  logs, refusals, users: what layers share
#   testing       the test client, a strict in-process ASGI peer, and a fake of every joint
#   apps, checks, management, reverse, templatetags    what "django_ws" in INSTALLED_APPS brings
#   conf          the WS_* settings
#   interfaces    the joints: Protocols and aliases
#   exceptions    the error tree;  close_codes  CloseCode
#
# This façade is lazy (PEP 562), so that `import django_ws.protocol` brings no other layer with it.

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django_ws.application import get_websocket_application
    from django_ws.authorization import adisconnect, disconnect, disconnect_on_commit
    from django_ws.close_codes import CloseCode
    from django_ws.conf import Denial
    from django_ws.exceptions import (
        BrokerError,
        ConnectionClosed,
        DjangoWSError,
        InvalidMessageError,
        LocalProtocolError,
        MessageTooBigError,
        MessageTooDeepError,
        NoRouteError,
        PayloadTooBigError,
        ProtocolError,
        RemoteProtocolError,
        TopicGapError,
        TopicOverflowError,
        UnsupportedDataError,
    )
    from django_ws.handler import (
        JSON,
        TASK_CANCELLED,
        TASK_DUPLICATE_STARTED,
        TASK_WS_CLOSED,
        Flood,
        JSONEncodable,
        Overflow,
        SyncWebSocketHandler,
        WebSocket,
        WebSocketHandler,
    )
    from django_ws.interfaces import Endpoint, Middleware, Next
    from django_ws.routing import WebSocketRequest
    from django_ws.topics import Topic
else:
    # Hidden from type checkers, to which a module's __getattr__ makes every misspelt name a valid one.
    def __getattr__(name: str) -> object:
        """Import a public name from its home when it is first asked for."""
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(home), name)
        globals()[name] = value
        return value


__all__ = [
    "JSON",
    "TASK_CANCELLED",
    "TASK_DUPLICATE_STARTED",
    "TASK_WS_CLOSED",
    "BrokerError",
    "CloseCode",
    "ConnectionClosed",
    "Denial",
    "DjangoWSError",
    "Endpoint",
    "Flood",
    "InvalidMessageError",
    "JSONEncodable",
    "LocalProtocolError",
    "MessageTooBigError",
    "MessageTooDeepError",
    "Middleware",
    "Next",
    "NoRouteError",
    "Overflow",
    "PayloadTooBigError",
    "ProtocolError",
    "RemoteProtocolError",
    "SyncWebSocketHandler",
    "Topic",
    "TopicGapError",
    "TopicOverflowError",
    "UnsupportedDataError",
    "WebSocket",
    "WebSocketHandler",
    "WebSocketRequest",
    "adisconnect",
    "disconnect",
    "disconnect_on_commit",
    "get_websocket_application",
]

_HOMES: Final = {
    "django_ws.application": ("get_websocket_application",),
    "django_ws.authorization": ("adisconnect", "disconnect", "disconnect_on_commit"),
    "django_ws.close_codes": ("CloseCode",),
    "django_ws.exceptions": (
        "BrokerError",
        "ConnectionClosed",
        "DjangoWSError",
        "InvalidMessageError",
        "LocalProtocolError",
        "MessageTooBigError",
        "MessageTooDeepError",
        "NoRouteError",
        "PayloadTooBigError",
        "ProtocolError",
        "RemoteProtocolError",
        "TopicGapError",
        "TopicOverflowError",
        "UnsupportedDataError",
    ),
    "django_ws.conf": ("Denial",),
    "django_ws.handler": (
        "JSON",
        "TASK_CANCELLED",
        "TASK_DUPLICATE_STARTED",
        "TASK_WS_CLOSED",
        "Flood",
        "JSONEncodable",
        "Overflow",
        "SyncWebSocketHandler",
        "WebSocket",
        "WebSocketHandler",
    ),
    "django_ws.interfaces": ("Endpoint", "Middleware", "Next"),
    "django_ws.routing": ("WebSocketRequest",),
    "django_ws.topics": ("Topic",),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __dir__() -> list[str]:
    """List the public names too that have not been imported yet."""
    return sorted({*globals(), *__all__})
