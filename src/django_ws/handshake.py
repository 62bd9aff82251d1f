"""A handshake as it comes: read, and its Host and Origin checked, before any code of the user runs."""

from typing import TYPE_CHECKING, Final

from django.core.exceptions import PermissionDenied, SuspiciousOperation

from django_ws.routing import Verdict, WebSocketRequest, check_origin

if TYPE_CHECKING:
    from django_ws.interfaces import Scope

__all__ = ["ForeignOriginError", "UnreadableHandshakeError", "read_handshake"]

# By a name of its own: on Python 3.11 a member of an Enum, asked for by its class, costs as much as a coroutine.
_ALLOWED: Final = Verdict.ALLOWED


class UnreadableHandshakeError(SuspiciousOperation):
    """A handshake that cannot be read or comes to a host that is not ours: denied with 400."""


class ForeignOriginError(PermissionDenied):
    """A handshake from another site: denied with 403."""


def read_handshake(scope: "Scope") -> WebSocketRequest:
    """Make the request of a handshake that may be looked at.

    Raises:
        UnreadableHandshakeError, ForeignOriginError: It may not; the text says why, and holds nothing of the client.
    """
    if not isinstance(scope.get("path"), str):
        raise UnreadableHandshakeError("it has no path")
    try:
        request = WebSocketRequest(scope)
        verdict = check_origin(scope, request)
    except UnicodeDecodeError as error:
        raise UnreadableHandshakeError("its query string is not UTF-8") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise UnreadableHandshakeError("it cannot be read as a request") from error
    if verdict is _ALLOWED:
        return request
    raise (UnreadableHandshakeError if verdict is Verdict.BAD_HOST else ForeignOriginError)(verdict.value)
