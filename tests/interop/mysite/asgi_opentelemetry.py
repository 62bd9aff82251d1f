"""OpenTelemetry outside; one span for each websocket, named by its route."""

from typing import Any

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware, get_default_span_details
from opentelemetry.trace import TracerProvider

from django_ws import get_websocket_application
from django_ws.exceptions import NoRouteError
from django_ws.interfaces import ASGIApplication
from django_ws.routing import DjangoResolver, path_info
from django_ws.signals import websocket_denied
from interop.mysite.spans import note_status

websocket_denied.connect(note_status)

sockets = get_websocket_application()
routes = DjangoResolver()


# ASGI: scopes are open dicts.
def span_details(scope: Any) -> tuple[str, dict[str, Any]]:
    if scope["type"] != "websocket":
        return get_default_span_details(scope)
    try:
        route = "/" + routes.resolve(path_info(scope)).route
    except NoRouteError:
        return "websocket", {}
    return route, {"http.route": route}


def traced(provider: TracerProvider | None = None) -> ASGIApplication:
    return OpenTelemetryMiddleware(
        sockets,
        tracer_provider=provider,  # None: the one of the process
        default_span_details=span_details,
        exclude_spans=["receive", "send"],
    )


application = traced()
