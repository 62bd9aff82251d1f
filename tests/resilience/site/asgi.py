"""The ASGI application."""

from django_ws import get_websocket_application, refusals

# The scenarios count the lines, which a limit otherwise writes once a minute.
refusals._SECONDS = 0.0  # type: ignore[misc]

application = get_websocket_application()
