"""``{% ws_url %}``: the absolute URL of a socket, in a template.

::

    {% load django_ws %}
    <main data-socket="{% ws_url 'room' room_id=room.pk %}">

The host is that of the request in the context, put there by ``django.template.context_processors.request``; without one
it is ``WS_BASE_URL``. ``{% ws_url 'room' room_id=3 as url %}`` keeps it in a variable.
"""

from typing import TYPE_CHECKING, Any, Final

from django import template

from django_ws.reverse import ws_reverse

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.template import Context

__all__ = ["register", "ws_url"]

register: Final = template.Library()


# Django: what a converter turns into a part of the path is of any type.
@register.simple_tag(takes_context=True)
def ws_url(context: "Context", viewname: str, /, *args: Any, **kwargs: Any) -> str:
    """Give the URL of the route ``viewname``.

    Raises:
        NoReverseMatch: No route of that name takes these values.
        ValueError: There are positional and named ones together.
        DisallowedHost: The request's host is not in ``ALLOWED_HOSTS``.
        ImproperlyConfigured: There is neither a request in the context nor ``WS_BASE_URL``.
    """
    request: HttpRequest | None = context.get("request")
    return ws_reverse(viewname, args=args or None, kwargs=kwargs or None, request=request)
