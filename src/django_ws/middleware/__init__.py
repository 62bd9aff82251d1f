"""Layer 3: the middleware around the life of every socket."""

from django_ws.middleware.composer import compose, load, run_endpoint

__all__ = ["compose", "load", "run_endpoint"]
