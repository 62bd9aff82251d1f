"""Which routes are near to a path that has none."""

import re
from difflib import SequenceMatcher
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.urls import Resolver404

from django_ws.management.routes import Route, routes_of
from django_ws.routing import DjangoResolver

__all__ = ["near_routes", "route_of"]

_MOST: Final = 5
_LIKE: Final = 0.5
_CAPTURE: Final = re.compile(r"<[^>]*>|\(\?P<\w+>[^)]*\)")
_ANY: Final = "\0"


def route_of(path: str, /) -> Route | None:
    """Find the route of a path in this project; ``None`` where there is none, or no URLconf."""
    try:
        resolver = DjangoResolver()
        written = resolver.resolve(path).route
        return next((route for route in routes_of(resolver) if route.route == written), None)
    except (ImproperlyConfigured, ImportError, Resolver404):
        return None


def near_routes(path: str, /) -> list[str]:
    """Give the routes of this project that a path may have been meant for, the nearest first."""
    try:
        routes = [route.route for route in routes_of(DjangoResolver())]
    except (ImproperlyConfigured, ImportError):
        return []
    by_nearness = sorted(((_likeness(path.removeprefix("/"), route), route) for route in routes), reverse=True)
    return [f"/{route}" for likeness, route in by_nearness if likeness >= _LIKE or len(routes) <= _MOST][:_MOST]


def _likeness(path: str, route: str) -> float:
    """Compare segment by segment; what a route captures is like anything."""
    written = _CAPTURE.sub(_ANY, route).strip("^$/").split("/")
    asked = path.strip("/").split("/")
    alike = sum(
        1.0 if _ANY in of_route else SequenceMatcher(None, of_path, of_route).ratio()
        for of_path, of_route in zip(asked, written, strict=False)
    )
    return alike / max(len(asked), len(written))
