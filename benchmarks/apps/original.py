"""The original django-ws 1.0.2, as its README shows it; it takes and sends JSON alone.

It has the import name of ours, so that a type checker sees ours here: what it says of the original means nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from django.urls import path

from benchmarks.apps.django_setup import configure

configure(__name__)

if TYPE_CHECKING:
    from benchmarks.apps import Application, Kind

__all__ = ["application"]

# The original has no types.
_django_ws: Any = import_module("django_ws")
# The same.
_Handler: Any = _django_ws.WebSocketHandler


class Echo(_Handler):  # type: ignore[misc] # the original has no types
    """JSON in, JSON out."""

    async def on_message(self, data: object) -> None:
        """Send it back."""
        await self.send(data)


# Django: path() takes a view, not a class.
_echo: Any = Echo
urlpatterns: Final = [path("json/", _echo)]


def application(_kind: "Kind | None" = None, /) -> "Application":
    """Give the one application of all routes."""
    if _django_ws.__version__ != "1.0.2":
        raise RuntimeError(f"this is django-ws {_django_ws.__version__}, not the original")
    made: Application = _django_ws.get_websocket_application()
    return made
