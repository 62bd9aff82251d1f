"""The ``WS_*`` settings: typed, checked, in one place."""

from django_ws.conf.reading import NAMES, get_settings, wrong_settings
from django_ws.conf.values import DISCONNECT_ON, MEMORY, BrokerSettings, Denial, WebSocketSettings

__all__ = [
    "DISCONNECT_ON",
    "MEMORY",
    "NAMES",
    "BrokerSettings",
    "Denial",
    "WebSocketSettings",
    "get_settings",
    "wrong_settings",
]
