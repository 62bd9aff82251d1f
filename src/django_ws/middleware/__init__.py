"""Layer 3: the middleware around the life of every socket."""

from django_ws.middleware.auth import AuthMiddleware, SessionMiddleware
from django_ws.middleware.chain import SwitchingProtocols
from django_ws.middleware.composer import compose, load, run_endpoint
from django_ws.middleware.django import DjangoMiddleware
from django_ws.middleware.locale import LocaleMiddleware
from django_ws.middleware.tokens import SignedTokenMiddleware, TokenMiddleware, socket_token

__all__ = [
    "AuthMiddleware",
    "DjangoMiddleware",
    "LocaleMiddleware",
    "SessionMiddleware",
    "SignedTokenMiddleware",
    "SwitchingProtocols",
    "TokenMiddleware",
    "compose",
    "load",
    "run_endpoint",
    "socket_token",
]
