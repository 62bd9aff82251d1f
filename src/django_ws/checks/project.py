"""The system checks of the application, its routes and its middleware."""

from typing import TYPE_CHECKING, Final

from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from django_ws.checks.messages import error_message, is_told, told, warning_message
from django_ws.checks.settings import fault_of_codec
from django_ws.conf import get_settings, wrong_settings
from django_ws.handler import as_factory
from django_ws.management.applications import application_name, import_application, look_into
from django_ws.management.routes import asks_for_user, guards_of, needless_slashes
from django_ws.middleware import compose
from django_ws.routing import DjangoResolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django_ws.application import WebSocketApplication

__all__ = ["check_project"]

_WITHOUT_USER: Final = frozenset({"django_ws.middleware.SessionMiddleware", "django_ws.middleware.LocaleMiddleware"})
_DJANGO: Final = "django_ws.middleware.DjangoMiddleware"
_DJANGO_USER: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"


def check_project(**_: object) -> list[CheckMessage]:
    """Check the application, its routes and its middleware: E002 to E006, W001, W005, W009."""
    known = wrong_settings()
    found: list[CheckMessage] = []
    application: object = None
    failed: ImproperlyConfigured | None = None
    name = application_name()
    try:
        application = import_application(name) if isinstance(name, str) else None
    except ImproperlyConfigured as error:
        failed = error
    ours, plain = look_into(application)
    messages = [*known]
    if not known:
        fault = fault_of_codec()
        found += _check_routes(ours, fault)
        found += _check_middleware()
        messages += [message.msg for message in found]
        if fault is not None:
            messages.append(str(fault))
    if name is None:
        found.append(warning_message("W001", "There is no setting ASGI_APPLICATION, so the application is not checked"))
    elif not isinstance(name, str):
        found.append(error_message("E002", f"ASGI_APPLICATION is {name!r}, but must be a dotted name"))
    elif plain:
        text = f"ASGI_APPLICATION names {name!r}, which is Django's own handler and refuses websockets"
        found.append(error_message("E003", text))
    elif failed is not None and not is_told(failed.__cause__, messages):
        found.append(error_message("E002", str(failed)))
    return found


def _check_routes(ours: "WebSocketApplication | None", codec_fault: Exception | None) -> "Iterator[CheckMessage]":
    """Check every route; with a resolver or middleware of the application's own, only what it uses."""
    used = {} if ours is None else vars(ours)
    resolver: object = used.get("_resolver") or DjangoResolver()
    if not isinstance(resolver, DjangoResolver):
        return
    try:
        targets = list(resolver.targets())
    except Exception as error:  # noqa: BLE001 - a URLconf may fail in any way
        yield error_message(
            "E004", told(resolver.urlconf, f"The websocket URLconf {resolver.urlconf!r} cannot be imported", error)
        )
        return
    for route in needless_slashes(resolver):
        text = f"{resolver.urlconf}, route {route!r}: it begins with a slash, and so matches only a path with two"
        yield warning_message("W009", text)
    without_user = used.get("_middleware") is None and _sets_no_user(get_settings().middleware)
    for route, target in targets:
        where = f"{resolver.urlconf}, route {route!r}"
        try:
            as_factory(target)
        except Exception as error:  # noqa: BLE001 - a class may fail in any way
            # A codec that cannot be made is told once, as E008, and not for each route that speaks JSON.
            if str(error) != str(codec_fault):
                yield error_message("E005", f"{where}: {told('', 'it is no socket', error)}")
            continue
        if without_user and any(map(asks_for_user, guards_of(target))):
            yield warning_message("W005", f"{where}: its guards ask for a user, but nothing in WS_MIDDLEWARE sets one")


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
            yield error_message("E006", told(name, f"WS_MIDDLEWARE names {name!r}, which cannot be made", error))
