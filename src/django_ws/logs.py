"""What a log line about a socket carries besides its text: fields for JSON loggers, Sentry and the like.

Each line of the loggers ``django_ws`` and ``django_ws.*`` about one socket has these in its ``extra``, ``None`` where
it is not known or does not apply:

==============  ================================================================================
``route``       the route as it stands in the URLconf
``handler``     the qualified name of the socket's class or function
``code``        the close code
``status``      the HTTP status that the handshake was denied with
``duration``    seconds since the socket was opened
``user_id``     primary key of the user, where somebody has asked who it is; never a query for a log line
==============  ================================================================================

Nothing in a line is what a client sent, but for the path; the query string, cookies and messages may hold secrets.
"""

from typing import TYPE_CHECKING

from django_ws.users import known_user_id

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import ResolverMatch

    from django_ws.interfaces import Match

__all__ = ["fields"]


def fields(
    request: "HttpRequest | None",
    handler: str | None,
    *,
    code: int | None = None,
    status: int | None = None,
    duration: float | None = None,
) -> dict[str, object]:
    """Give the ``extra`` of a log line.

    Args:
        request: The handshake; ``None`` where it could not be read.
        handler: The qualified name of the socket.
        code: The close code.
        status: The HTTP status of a denial.
        duration: Seconds since the socket was opened.
    """
    # A request of ours knows what it was resolved to without becoming Django's whole request for it.
    match: Match | ResolverMatch | None = getattr(request, "match", None) or getattr(request, "resolver_match", None)
    return {
        "route": None if match is None else match.route,
        "handler": handler,
        "code": code,
        "status": status,
        "duration": duration,
        "user_id": None if request is None else known_user_id(request),
    }
