"""The websocket URLconf, resolved by Django's own resolver.

What a URLconf is: https://docs.djangoproject.com/en/stable/topics/http/urls/.
"""

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, final

from django.core.exceptions import ImproperlyConfigured
from django.urls import Resolver404, ResolverMatch, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern
from django.utils.translation import get_language

from django_ws.conf import get_settings
from django_ws.exceptions import NoRouteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_ws.conf import WebSocketSettings

__all__ = ["DjangoMatch", "DjangoResolver", "RouteNotFound", "default_urlconf", "websocket_urlconf"]

_KNOWN: Final = 1024
"""Paths that are remembered. Each has a route of its own, unless that is an open regular expression."""
_KNOWN_LENGTH: Final = 256
"""Characters that a remembered path may have: what a stranger can make us hold is bounded."""


class RouteNotFound(NoRouteError, Resolver404):  # noqa: N818 - named as Django names Http404 and Resolver404
    """No websocket route matches the path; also Django's ``Resolver404``, so a ``Http404``: denied with 404."""


@final
class DjangoMatch:
    """A :class:`~django_ws.interfaces.Match` over Django's ``ResolverMatch``.

    See https://docs.djangoproject.com/en/stable/ref/urlresolvers/#django.urls.ResolverMatch.

    Args:
        resolver_match: What Django's resolver found.
        urlconf: Dotted name of the URLconf that it was found in.
    """

    __slots__ = ("_found", "factory", "route", "urlconf")

    def __init__(self, resolver_match: ResolverMatch, urlconf: str, /) -> None:
        self._found: ResolverMatch = resolver_match
        self.urlconf: str = urlconf
        """Dotted name of the URLconf."""
        self.factory: object = resolver_match.func
        """The route's target."""
        self.route: str = resolver_match.route
        """The route as it stands in the URLconf."""

    @property
    def resolver_match(self) -> ResolverMatch:
        """A ``ResolverMatch`` of the asker's own: Django's middleware may change its dicts."""
        match = ResolverMatch.__new__(ResolverMatch)
        vars(match).update(vars(self._found))
        match.kwargs = dict(match.kwargs)
        return match

    # Django: captured values have the types of the route's converters.
    @property
    def args(self) -> tuple[Any, ...]:
        """The captured positional values."""
        return self._found.args

    # Django: captured values have the types of the route's converters.
    @property
    def kwargs(self) -> dict[str, Any]:
        """The captured named values and the route's extra arguments."""
        return self._found.kwargs


@final
class DjangoResolver:
    """The :class:`~django_ws.interfaces.Resolver` of ``ROOT_WS_URLCONF``.

    Everything of Django's URL dispatcher works: ``path``, ``re_path``, ``include``, converters, namespaces
    (https://docs.djangoproject.com/en/stable/topics/http/urls/).

    A path that captures nothing is resolved once; Django's resolver, which walks the routes and builds a
    ``ResolverMatch`` for each level of includes, is most of what a connection costs.

    Args:
        urlconf: Dotted name of the URLconf; ``None`` follows the settings, also when a test overrides them.
    """

    __slots__ = ("_django", "_known", "_name", "_settings", "_translated", "_urlconf")

    def __init__(self, urlconf: str | None = None) -> None:
        self._urlconf: str | None = urlconf
        self._settings: WebSocketSettings | None = None
        self._name: str = ""
        self._django: URLResolver | None = None
        self._translated: bool = False
        self._known: dict[tuple[str, str | None], DjangoMatch] = {}

    @property
    def urlconf(self) -> str:
        """Dotted name of the URLconf in force."""
        settings = get_settings()
        if settings is not self._settings:
            self._name = self._urlconf or websocket_urlconf()
            self._settings = settings
        return self._name

    def resolve(self, path: str, /) -> DjangoMatch:
        """Find the route of ``path``.

        Args:
            path: Begins with a slash; free of ``root_path``.

        Raises:
            RouteNotFound: There is none.
        """
        urlconf = self.urlconf
        resolver = get_resolver(urlconf)
        if resolver is not self._django:
            self._known.clear()
            self._translated = _is_translated(resolver)
            self._django = resolver
        # Django's look at the language costs more than all the rest here.
        key = (path, get_language() if self._translated else None)
        match = self._known.get(key)
        if match is None:
            try:
                match = DjangoMatch(resolver.resolve(path), urlconf)
            except Resolver404 as error:
                raise RouteNotFound(f"no websocket route in {urlconf} matches {path!r}") from error
            # What a converter made is of this connection alone; a path without such is as good as its route.
            if not match.args and not match.kwargs and len(path) <= _KNOWN_LENGTH:
                if len(self._known) >= _KNOWN:
                    self._known.clear()
                self._known[key] = match
        return match

    def targets(self) -> "Iterator[tuple[str, object]]":
        """Give every route of the URLconf, as (route, target), includes followed; imports the URLconf.

        Raises:
            ImproperlyConfigured: The URLconf does not exist, or is no URLconf.
        """
        urlconf = self.urlconf
        if not _module_exists(urlconf):
            raise ImproperlyConfigured(
                f"There is no websocket URLconf {urlconf!r}. Create that module beside your URLconf, with "
                "urlpatterns = [path('ws/', MySocket)], or name another one in ROOT_WS_URLCONF."
            )
        yield from _walk("", get_resolver(urlconf))


def websocket_urlconf() -> str:
    """Give the dotted name of the project's websocket URLconf: ``ROOT_WS_URLCONF``, else the default."""
    return get_settings().urlconf or default_urlconf()


def default_urlconf() -> str:
    """Give the name ``ws_urls`` beside ``ROOT_URLCONF``: only the last component of the name changes."""
    root = get_settings().root_urlconf
    package, dot, _ = root.rpartition(".")
    return f"{package}{dot}ws_urls"


def _module_exists(name: str) -> bool:
    # A module that was run as a script, or made by hand, is there without a spec.
    if name in sys.modules:
        return True
    # Only the absence of the module itself is reported so; an import error inside it shows as what it is.
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return False
        raise


# Where Django's patterns keep what the route was written as: a text, or a lazy one to be translated.
_WRITTEN: Final[dict[type, str]] = {RoutePattern: "_route", RegexPattern: "_regex"}


def _is_translated(resolver: URLResolver) -> bool:
    """Say whether the language has a part in the routes: ``i18n_patterns``, a lazy text, or a pattern of the user's."""
    for pattern in resolver.url_patterns:
        attribute = _WRITTEN.get(type(pattern.pattern))
        if attribute is None or not isinstance(getattr(pattern.pattern, attribute, None), str):
            return True
        if isinstance(pattern, URLResolver) and _is_translated(pattern):
            return True
    return False


def _walk(prefix: str, resolver: URLResolver) -> "Iterator[tuple[str, object]]":
    for pattern in resolver.url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _walk(route, pattern)
        else:
            yield route, pattern.callback
