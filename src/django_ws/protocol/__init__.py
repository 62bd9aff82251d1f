"""Layer 1: the ASGI websocket protocol (www.rst, "WebSocket"), typed. Imports neither Django nor asyncio.

:mod:`~django_ws.protocol.events` names what may happen, :mod:`~django_ws.protocol.states` tables when it may,
:mod:`~django_ws.protocol.machine` holds a connection to the tables, :mod:`~django_ws.protocol.asgi` is the edge to
ASGI's dicts, and :class:`ASGIConnection` is what the handler gets.
"""

from django_ws.close_codes import CloseCode
from django_ws.protocol.connection import ASGIConnection
from django_ws.protocol.events import (
    Accept,
    ApplicationEvent,
    Close,
    Connect,
    DenialBody,
    DenialEnd,
    DenialStart,
    Disconnect,
    Lost,
    PeerEvent,
    Receive,
    Send,
)
from django_ws.protocol.machine import Machine
from django_ws.protocol.states import ApplicationState, PeerState

__all__ = [
    "ASGIConnection",
    "Accept",
    "ApplicationEvent",
    "ApplicationState",
    "Close",
    "CloseCode",
    "Connect",
    "DenialBody",
    "DenialEnd",
    "DenialStart",
    "Disconnect",
    "Lost",
    "Machine",
    "PeerEvent",
    "PeerState",
    "Receive",
    "Send",
]
