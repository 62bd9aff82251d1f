"""Layer 3: the middleware around the life of every socket."""

from django_ws.middleware.composer import compose, load, run_endpoint
from django_ws.middleware.django import DjangoMiddleware, SwitchingProtocols

__all__ = ["DjangoMiddleware", "SwitchingProtocols", "compose", "load", "run_endpoint"]
