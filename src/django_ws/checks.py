"""The system checks, for a project with ``"django_ws"`` in ``INSTALLED_APPS``: what each says is in docs/checks.md.

They find at ``manage.py check`` what else is found when the server starts, and all of it at once; and some things that
no start can find. ``manage.py check --tag django_ws`` runs them alone.
"""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, cast

from django.conf import settings as django_settings
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.utils.module_loading import import_string

from django_ws.application import WebSocketApplication
from django_ws.conf import NAMES, get_settings, wrong_settings
from django_ws.handler import as_factory
from django_ws.handler.codecs import json_codec
from django_ws.management.origins import has_more, why_never
from django_ws.management.routes import asks_for_user, guards_of
from django_ws.middleware import compose
from django_ws.reverse import base_url
from django_ws.routing import DjangoResolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["HINTS", "TAG", "check_origins", "check_project", "check_settings", "register_checks"]

TAG: Final = "django_ws"
"""The tag of all checks."""

HINTS: Final = {
    "E001": "Correct the setting. No route and no middleware is looked at until then.",
    "E002": "Correct ASGI_APPLICATION, the dotted name of the application in asgi.py, or what fails in that module.",
    "E003": "In asgi.py: from django_ws import get_websocket_application; application = get_websocket_application().",
    "E004": "Create ws_urls.py beside your URLconf with urlpatterns, or name another module in ROOT_WS_URLCONF.",
    "E005": "Put a WebSocketHandler class, its as_view() or an async function of the socket there.",
    "E006": "Correct the entry: a class or function that takes what is further in and gives an async callable of ws.",
    "E007": "Write scheme and host as a browser sends them, like 'https://example.com' or 'https://*.example.com'.",
    "E008": "Install the package, or correct the name; for msgspec: pip install 'django-ws[msgspec]'.",
    "E009": "Write scheme, host and port alone, like 'wss://example.com'.",
    "W001": "Set ASGI_APPLICATION = 'project.asgi.application', so that it can be checked; servers are told by name.",
    "W002": "Leave out what follows the host and port, a trailing slash too.",
    "W003": "Name the sites that may connect, unless no socket trusts a cookie.",
    "W004": "Write it as it stands in MIDDLEWARE, or remove it.",
    "W005": "Put 'django_ws.middleware.AuthMiddleware' or another one that sets request.user into WS_MIDDLEWARE.",
    "W006": "Name a cache that all processes share and that adds atomically: Redis, Valkey or Memcached.",
    "W007": "Correct the name.",
}
"""By id: what to do."""

_WITHOUT_USER: Final = frozenset({"django_ws.middleware.SessionMiddleware", "django_ws.middleware.LocaleMiddleware"})
_DJANGO: Final = "django_ws.middleware.DjangoMiddleware"
_DJANGO_USER: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"

_UNSHARED: Final[dict[type, str]] = {
    LocMemCache: "each process has its own, so that each counts for itself",
    DummyCache: "it keeps nothing, so that nothing is counted",
    FileBasedCache: "its add() is not atomic, so that a place may be given to two",
}

_INNER: Final = ("application", "app")
"""Where middleware around an application keeps it."""
_PASSING: Final = ("starlette.middleware.", "uvicorn.middleware.", "asgi_correlation_id.", "sentry_sdk.")
"""Modules of middleware that is known to hand on what is no HTTP."""
_DEEPEST: Final = 32

_LIKE: Final = 0.85
"""How alike a name must be to one of ours to be taken for it."""


def register_checks() -> None:
    """Register them; again does no harm."""
    register(check_settings, TAG)
    register(check_project, TAG)
    register(check_origins, TAG, Tags.security)


# --- settings ---------------------------------------------------------------------------------------


def check_settings(**_: object) -> list[CheckMessage]:
    """Check each setting by itself: E001, E008, E009, W004, W006, W007."""
    wrong = wrong_settings()
    found: list[CheckMessage] = [_error("E001", text) for text in wrong]
    try:
        base_url()
    except ImproperlyConfigured as error:
        found.append(_error("E009", str(error)))
    found += [_warning("W007", text) for text in _misspelt()]
    if wrong:
        return found
    settings = get_settings()
    fault = _fault_of_codec()
    if fault is not None:
        name = f"WS_JSON_CODEC names {settings.json_codec!r}"
        found.append(_error("E008", _told(name, f"{name}, which cannot be used", fault)))
    found += [
        _warning("W004", f"WS_SKIP_MIDDLEWARE names {name!r}, which does not stand in MIDDLEWARE")
        for name in settings.skip_middleware
        if name not in django_settings.MIDDLEWARE
    ]
    found += [_warning("W006", text) for text in _unshared(settings.connections_cache)]
    return found


def _fault_of_codec() -> Exception | None:
    settings = get_settings()
    try:
        json_codec(settings.json_codec, settings.max_message_depth)
    except Exception as error:  # noqa: BLE001 - its module may fail in any way
        return error
    return None


def _misspelt() -> "Iterator[str]":
    known = {name for name in NAMES if "WS_" in name}
    for name in dir(django_settings):
        if name.startswith(("WS_", "ROOT_WS_")) and name not in known:
            for meant in get_close_matches(name, known, 1, _LIKE):
                yield f"There is no setting {name}, which has no effect; {meant} may be meant"


def _unshared(alias: str | None) -> "Iterator[str]":
    if alias is None:
        return
    try:
        backend: object = import_string(django_settings.CACHES[alias].get("BACKEND", ""))
    except ImportError:
        return  # Django tells it, when the cache is first asked for
    for unshared, why in _UNSHARED.items():
        if isinstance(backend, type) and issubclass(backend, unshared):
            yield f"WS_CONNECTIONS_CACHE is {alias!r}, a {backend.__name__}: {why}"


# --- the application, its routes and its middleware ---------------------------------------------------


def check_project(**_: object) -> list[CheckMessage]:
    """Check the application, its routes and its middleware: E002 to E006, W001, W005."""
    known = wrong_settings()
    found: list[CheckMessage] = []
    application: object = None
    failed: Exception | None = None
    name: object = getattr(django_settings, "ASGI_APPLICATION", None)
    try:
        application = import_string(name) if isinstance(name, str) else None
    except Exception as error:  # noqa: BLE001 - the module may fail in any way
        failed = error
    ours, plain = _look_into(application)
    told = [*known]
    if not known:
        fault = _fault_of_codec()
        found += _check_routes(ours, fault)
        found += _check_middleware()
        told += [message.msg for message in found]
        if fault is not None:
            told.append(str(fault))
    if name is None:
        found.append(_warning("W001", "There is no setting ASGI_APPLICATION, so the application is not checked"))
    elif not isinstance(name, str):
        found.append(_error("E002", f"ASGI_APPLICATION is {name!r}, but must be a dotted name"))
    elif plain:
        text = f"ASGI_APPLICATION names {name!r}, which is Django's own handler and refuses websockets"
        found.append(_error("E003", text))
    elif failed is not None and not _is_told(failed, told):
        found.append(_error("E002", _told(name, f"ASGI_APPLICATION names {name!r}, which cannot be imported", failed)))
    return found


def _look_into(application: object) -> tuple[WebSocketApplication | None, bool]:
    """Give our application, if it can be found, and whether there is surely none but Django's.

    What gets websockets in a wrapper that is not known nobody can tell.
    """
    sure = True
    for _ in range(_DEEPEST):
        if isinstance(application, WebSocketApplication):
            return application, False
        kept = cast("dict[str, object]", getattr(application, "__dict__", {}))
        inner = [kept[name] for name in _INNER if callable(kept.get(name))]
        # Django's has one in the handler of runserver's static files.
        if isinstance(application, ASGIHandler) and not inner:
            return None, sure
        if len(inner) != 1:
            break
        sure = sure and (isinstance(application, ASGIHandler) or type(application).__module__.startswith(_PASSING))
        application = inner[0]
    return None, False


def _check_routes(ours: WebSocketApplication | None, fault_of_codec: Exception | None) -> "Iterator[CheckMessage]":
    """Check every route; with a resolver or middleware of the application's own, only what it uses."""
    used = {} if ours is None else vars(ours)
    resolver: object = used.get("_resolver") or DjangoResolver()
    if not isinstance(resolver, DjangoResolver):
        return
    try:
        targets = list(resolver.targets())
    except Exception as error:  # noqa: BLE001 - a URLconf may fail in any way
        yield _error(
            "E004", _told(resolver.urlconf, f"The websocket URLconf {resolver.urlconf!r} cannot be imported", error)
        )
        return
    without_user = used.get("_middleware") is None and _sets_no_user(get_settings().middleware)
    for route, target in targets:
        where = f"{resolver.urlconf}, route {route!r}"
        try:
            as_factory(target)
        except Exception as error:  # noqa: BLE001 - a class may fail in any way
            # A codec that cannot be made is told once, as E008, and not for each route that speaks JSON.
            if str(error) != str(fault_of_codec):
                yield _error("E005", f"{where}: {_told('', 'it is no socket', error)}")
            continue
        if without_user and any(map(asks_for_user, guards_of(target))):
            yield _warning("W005", f"{where}: its guards ask for a user, but nothing in WS_MIDDLEWARE sets one")


def _sets_no_user(middleware: "Iterable[str]") -> bool:
    """Say whether none of them surely sets ``request.user``; one that is not known may do so."""
    skipped = get_settings().skip_middleware
    django = [name for name in django_settings.MIDDLEWARE if name not in skipped]
    django_sets_none = _DJANGO_USER not in django and all(name.startswith("django.") for name in django)
    return all(name in _WITHOUT_USER or (name == _DJANGO and django_sets_none) for name in middleware)


def _check_middleware() -> "Iterator[CheckMessage]":
    """Make each entry of ``WS_MIDDLEWARE`` once, for trial and alone."""
    for name in get_settings().middleware:
        try:
            compose([name])
        except Exception as error:  # noqa: BLE001 - a middleware may fail in any way
            yield _error("E006", _told(name, f"WS_MIDDLEWARE names {name!r}, which cannot be made", error))


# --- origins ----------------------------------------------------------------------------------------


def check_origins(**_: object) -> list[CheckMessage]:
    """Check the origins that are let in: E007, W002, W003."""
    setting, origins = "WS_ALLOWED_ORIGINS", cast("object", getattr(django_settings, "WS_ALLOWED_ORIGINS", None))
    if origins is None:
        setting, origins = "CSRF_TRUSTED_ORIGINS", django_settings.CSRF_TRUSTED_ORIGINS
    if not isinstance(origins, (list, tuple)):
        return []  # E001
    found: list[CheckMessage] = []
    for origin in cast("Sequence[object]", origins):
        if not isinstance(origin, str):
            continue  # E001
        where = f"{setting} holds {origin!r}"
        if origin == "*":
            found.append(_warning("W003", f"{where}, which lets in every site with your users' cookies"))
            continue
        if setting == "CSRF_TRUSTED_ORIGINS" and "://" not in origin:
            continue  # Django's own check 4_0.E001
        never = why_never(origin)
        if never:
            found.append(_error("E007", f"{where}, which matches no site: {never}"))
        elif has_more(origin):
            found.append(_warning("W002", f"{where}, which has more than an origin's scheme, host and port"))
    return found


# --- messages ---------------------------------------------------------------------------------------


def _error(number: str, text: str) -> Error:
    return Error(text, hint=HINTS[number], id=f"django_ws.{number}")


def _warning(number: str, text: str) -> Warning:
    return Warning(text, hint=HINTS[number], id=f"django_ws.{number}")


def _told(name: str, what: str, error: Exception) -> str:
    """Tell an error with what it is about, unless it is one that tells that by itself."""
    if isinstance(error, ImproperlyConfigured) and name in str(error):
        return str(error)
    return f"{what}: {type(error).__name__}: {error}"


def _is_told(error: Exception, told: "Iterable[str]") -> bool:
    """Say whether the application cannot be made by what another message tells already."""
    text = str(error)
    return isinstance(error, ImproperlyConfigured) and any(text in other or other in text for other in told)
