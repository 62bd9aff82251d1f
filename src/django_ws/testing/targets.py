"""What a test connects to: the project's application, or one socket without a URLconf."""

from typing import TYPE_CHECKING, Any, Final, NoReturn, cast, final

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.urls import ResolverMatch
from django.utils.module_loading import import_string

from django_ws.application import WebSocketApplication, get_websocket_application

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.interfaces import ASGIApplication

__all__ = ["OneRoute", "application_of", "no_http", "project_application"]

_FOLLOWED: Final = frozenset({"ASGI_APPLICATION", "ROOT_URLCONF", "ROOT_WS_URLCONF"})

_cache: "list[ASGIApplication]" = []


def project_application() -> "ASGIApplication":
    """Give the application that ``ASGI_APPLICATION`` names; where that is not one of ours, one of the project's routes.

    It is kept until a test overrides one of the settings that it depends on.

    Raises:
        ImportError: ``ASGI_APPLICATION`` names what cannot be imported.
        ImproperlyConfigured: A setting, a middleware or a route is wrong.
    """
    if not _cache:
        name: str | None = getattr(django_settings, "ASGI_APPLICATION", None)
        named: object = import_string(name) if name else None
        _cache.append(named if isinstance(named, WebSocketApplication) else get_websocket_application(no_http))
    return _cache[0]


def _forget(*, setting: str, **_: object) -> None:
    if setting in _FOLLOWED:
        _cache.clear()


setting_changed.connect(_forget, dispatch_uid="django_ws.testing.targets")


# ASGI: the three arguments are typed differently by every server and framework.
async def no_http(_scope: Any, _receive: Any, _send: Any, /) -> NoReturn:
    """Stand for the HTTP side, which no websocket comes to."""
    raise AssertionError("a test's websocket was taken for an HTTP request")


# Django: captured values have the types of the route's converters.
def application_of(target: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "ASGIApplication":
    """Make an application of one socket, in the middleware of the settings.

    Args:
        target: What may stand in a route.
        args: What the route would capture without a name.
        kwargs: What it would capture by name.

    Raises:
        ImproperlyConfigured: A setting or a middleware is wrong.
    """
    return get_websocket_application(no_http, resolver=OneRoute(target, args, kwargs))


@final
class OneRoute:
    """A :class:`~django_ws.interfaces.Resolver` by which every path leads to one socket, and its own match.

    Args:
        target: The socket.
        args: What the route captures without a name.
        kwargs: What it captures by name.
    """

    # Django: captured values have the types of the route's converters.
    def __init__(self, target: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.factory: object = target
        """The socket."""
        self.args: tuple[Any, ...] = args
        """What the route captures without a name."""
        self.kwargs: dict[str, Any] = kwargs
        """What it captures by name."""
        self.route: str = ""
        """The route."""
        self.urlconf: str | None = None
        """No URLconf."""

    @property
    def resolver_match(self) -> ResolverMatch:
        """What becomes ``request.resolver_match``."""
        # django-stubs: a match is of an HTTP view.
        view = cast("Callable[..., Any]", self.factory)
        return ResolverMatch(view, self.args, dict(self.kwargs), route=self.route)

    def resolve(self, path: str, /) -> "OneRoute":
        """Give itself, whatever the path."""
        del path
        return self
