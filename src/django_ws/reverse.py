"""The absolute URL of a socket, by the name of its route in the websocket URLconf."""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from django_ws.routing.resolver import websocket_urlconf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest, QueryDict

__all__ = ["base_url", "ws_reverse"]

_SCHEMES: Final = ("ws", "wss")


def ws_reverse(
    # Django: a route's target stands for its name, too.
    viewname: "str | Callable[..., Any]",
    *,
    # Django: what a converter turns into a part of the path is of any type.
    args: "Sequence[Any] | None" = None,
    kwargs: "Mapping[str, Any] | None" = None,
    request: "HttpRequest | None" = None,
    query: "QueryDict | Mapping[str, Any] | None" = None,
) -> str:
    """Give the absolute URL of a socket: ``wss://example.com/ws/rooms/3/``.

    The path is that of Django's ``reverse()`` in ``ROOT_WS_URLCONF``, the script prefix included
    (https://docs.djangoproject.com/en/stable/ref/urlresolvers/#reverse).

    Args:
        viewname: The route's name, with its namespaces; or its target.
        args: Positional values for the route.
        kwargs: Named values for the route; not together with ``args``.
        request: Whose host it is, and ``wss`` if it is secure, as Django reads them: by a proxy's headers where
            ``USE_X_FORWARDED_HOST`` and ``SECURE_PROXY_SSL_HEADER`` say so. ``None``: ``WS_BASE_URL``.
        query: What follows the question mark.

    Raises:
        NoReverseMatch: No route of that name takes these values.
        ValueError: Both ``args`` and ``kwargs`` are given.
        DisallowedHost: The request's host is not in ``ALLOWED_HOSTS``.
        ImproperlyConfigured: There is neither a request nor ``WS_BASE_URL``, or that setting is wrong. A path alone is
            never given: where there is no request, in a mail or a task, nobody could tell whose it is.
    """
    # django-stubs knows fewer kinds of sequences, mappings and targets than Django takes.
    given: Any = {"args": args, "kwargs": kwargs, "query": query}
    target: Any = viewname
    path = reverse(target, urlconf=websocket_urlconf(), **given)
    if request is not None:
        return f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}{path}"
    base = base_url()
    if base is None:
        raise ImproperlyConfigured(
            f"The URL of the socket {viewname!r} needs a host: give ws_reverse() the request, or set WS_BASE_URL to "
            "the scheme and host of the sockets, like 'wss://example.com'"
        )
    return f"{base}{path}"


def base_url() -> str | None:
    """Give ``WS_BASE_URL``: scheme, host and port of the sockets where there is no request to tell them.

    Returns:
        ``None`` where it is not set.

    Raises:
        ImproperlyConfigured: It is not a ``ws://`` or ``wss://`` URL of a host alone.
    """
    value: object = getattr(django_settings, "WS_BASE_URL", None)
    if value is None or (isinstance(value, str) and _is_base(value)):
        return value
    raise ImproperlyConfigured(
        f"WS_BASE_URL is {value!r}, but must be None or scheme, host and port alone, like 'wss://example.com': the "
        "path comes from the route, and a prefix from FORCE_SCRIPT_NAME"
    )


def _is_base(value: str) -> bool:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return False
    # Put together anew it is the same only without path, query, fragment, and what urlsplit() leaves out or lowers.
    same = f"{url.scheme}://{url.netloc}" == value
    whole = "@" not in value and " " not in value and not url.netloc.endswith(":")
    return url.scheme in _SCHEMES and bool(url.hostname) and port != 0 and same and whole
