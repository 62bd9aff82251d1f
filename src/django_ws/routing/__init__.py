"""Layer 2: which socket a path means, by Django's own URL resolver, and the handshake as Django's request."""

from django_ws.routing.origin import Verdict, check_origin
from django_ws.routing.paths import path_info, script_prefix
from django_ws.routing.request import WebSocketRequest
from django_ws.routing.resolver import DjangoMatch, DjangoResolver, RouteNotFound, default_urlconf

__all__ = [
    "DjangoMatch",
    "DjangoResolver",
    "RouteNotFound",
    "Verdict",
    "WebSocketRequest",
    "check_origin",
    "default_urlconf",
    "path_info",
    "script_prefix",
]
