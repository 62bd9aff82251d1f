"""How the application ends a connection that its socket has not ended: the answer, the log line, the signal.

Each fault is logged here, once, and nothing of it reaches the client.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.http.response import HttpResponseBase

from django_ws.admission import TooManyConnectionsError
from django_ws.close_codes import CloseCode
from django_ws.conf import Denial
from django_ws.denials import close, denial_of, deny, deny_by_response, phrase
from django_ws.exceptions import ConnectionClosed, NoRouteError
from django_ws.handshake import ForeignOriginError, UnreadableHandshakeError
from django_ws.logs import fields
from django_ws.refusals import Limit, log_refusal
from django_ws.signals import announce, websocket_denied

if TYPE_CHECKING:
    from django_ws.interfaces import Connection, Scope
    from django_ws.routing import WebSocketRequest

__all__ = ["deny_by_result", "deny_with", "end_with_error", "handshake_too_late"]

logger: Final = logging.getLogger("django_ws")
access_logger: Final = logging.getLogger("django_ws.access")

_SERVER_ERROR: Final = 500


async def deny_by_result(scope: "Scope", request: "WebSocketRequest", connection: "Connection", result: object) -> None:
    """Deny with the response that came out of the chain; with 403 where nothing called the socket."""
    if isinstance(result, HttpResponseBase):
        if await deny_by_response(connection, result, denial_of(_target(request))):
            await _tell(scope, request, result.status_code, result.reason_phrase)
        return
    why = "a middleware returned without awaiting next"
    logger.warning("Forbidden: %s: %s", _name(scope, request), why, extra=_fields(request, 403))
    await deny_with(scope, request, connection, 403, why, how=denial_of(_target(request)))


async def deny_with(
    scope: "Scope",
    request: "WebSocketRequest | None",
    connection: "Connection",
    status: int,
    why: str,
    *,
    how: Denial = Denial.HTTP,
) -> None:
    """Deny with a status.

    Args:
        scope: The handshake as it came.
        request: The handshake; ``None`` where it could not be read, or is not to be looked at.
        connection: Not answered yet.
        status: The HTTP status.
        why: In a few words, for operators; the client is told the phrase of the status.
        how: Over HTTP, or by a close code.
    """
    if await deny(connection, status, how):
        await _tell(scope, request, status, why)


async def end_with_error(
    scope: "Scope", request: "WebSocketRequest | None", connection: "Connection", error: BaseException
) -> None:
    """Log a fault or a refusal once, and answer or close for it."""
    if connection.is_answered:
        await _close_with_error(scope, request, connection, error)
        return
    status, why = _status(error)
    name = _name(scope, request)
    extra = partial(_fields, request, status)
    if isinstance(error, TooManyConnectionsError):
        log_refusal(logger, error.limit, error.limit.value, f"{phrase(status)}: {name}: {why}", extra=extra)
    elif status == _SERVER_ERROR:
        logger.error("Websocket fault: %s", name, exc_info=error, extra=extra())
    else:
        text = f": {why}" if why else ""
        logger.warning("%s: %s%s", phrase(status), name, text, extra=extra())
    how = Denial.HTTP if _is_owed_nothing(request, error) else denial_of(_target(request))
    await deny_with(scope, request, connection, status, why or phrase(status), how=how)


async def handshake_too_late(scope: "Scope", request: "WebSocketRequest | None", connection: "Connection") -> None:
    """Deny a handshake whose middleware or ``on_connect`` took longer than ``WS_HANDSHAKE_TIMEOUT``."""
    why = f"the handshake took longer than {Limit.HANDSHAKE_TIME.value}"
    where = _route(request) or "the handshake"
    text = f"{phrase(503)}: {_name(scope, request)}: {why}"
    log_refusal(logger, Limit.HANDSHAKE_TIME, where, text, extra=partial(_fields, request, 503))
    await deny_with(scope, request, connection, 503, why, how=denial_of(_target(request)))


async def _close_with_error(
    scope: "Scope", request: "WebSocketRequest | None", connection: "Connection", error: BaseException
) -> None:
    if isinstance(error, PermissionDenied | SuspiciousOperation) and connection.is_open:
        extra = _fields(request, code=CloseCode.POLICY_VIOLATION)
        kind = type(error).__name__
        logger.warning("Closed with 1008: %s: %s", _name(scope, request), kind, extra=extra)
        await close(connection, CloseCode.POLICY_VIOLATION)
    elif not isinstance(error, ConnectionClosed) or connection.is_open:
        extra = _fields(request, code=CloseCode.INTERNAL_ERROR)
        logger.error("Websocket fault: %s", _name(scope, request), exc_info=error, extra=extra)
        await close(connection, CloseCode.INTERNAL_ERROR)


def _status(error: BaseException) -> tuple[int, str]:
    """Give the status of a denial for ``error``, and what may be said of it in the log."""
    match error:
        case TooManyConnectionsError():
            return 429, str(error)
        case NoRouteError() | Http404():
            return 404, ""
        case PermissionDenied():
            return 403, str(error)
        case UnreadableHandshakeError():
            return 400, str(error)
        case SuspiciousOperation():
            return 400, ""
        case _:
            return _SERVER_ERROR, ""


def _is_owed_nothing(request: "WebSocketRequest | None", error: BaseException) -> bool:
    """Say whether it was refused before it was known who asks for what; such a client gets no open connection."""
    if request is None or isinstance(error, UnreadableHandshakeError | ForeignOriginError):
        return True
    return isinstance(error, TooManyConnectionsError) and error.limit is Limit.CONNECTIONS_PER_ADDRESS


def _target(request: "WebSocketRequest | None") -> object:
    """Give what stands in the route; ``None`` where there is none."""
    match = None if request is None else request.match
    return None if match is None else match.factory


def _route(request: "WebSocketRequest | None") -> str | None:
    match = None if request is None else request.match
    return None if match is None else match.route


def _name(scope: "Scope", request: "WebSocketRequest | None") -> str:
    """Name a handshake in a log line: its path, without the query string, which may hold a secret, and its route."""
    path = repr(str(scope.get("path", "")))
    route = _route(request)
    return path if route is None else f"{path} (route {route!r})"


def _fields(
    request: "WebSocketRequest | None", status: int | None = None, *, code: int | None = None
) -> dict[str, object]:
    handler: str | None = getattr(_target(request), "__qualname__", None)
    return fields(request, handler, status=status, code=code)


async def _tell(scope: "Scope", request: "WebSocketRequest | None", status: int, why: str) -> None:
    """Tell operators that a handshake was refused."""
    if access_logger.isEnabledFor(logging.INFO):
        extra = _fields(request, status)
        access_logger.info("denied %s with %d: %s", _name(scope, request), status, why, extra=extra)
    if websocket_denied.receivers:
        await announce(websocket_denied, _target(request), request=request, status=status, reason=why)
