"""How a handshake is refused: over HTTP, or by accepting and closing at once, which JavaScript can tell apart.

A browser tells a page nothing of a refused handshake but ``1006`` (WHATWG WebSockets, "fail the WebSocket connection").
With ``WS_DENIAL = "close"``, or ``denial = Denial.CLOSE`` on a class, the status goes out as a close code instead: 4000
and the status, so 4401, 4403, 4404, 4429; the reason is the status's phrase, or where a redirect leads if that fits
into 123 bytes. A redirect to ``LOGIN_URL`` is 4401.

What is refused before it is known who asks and for what (a wrong Host or Origin, an unreadable handshake, too many
connections of one address, a shutdown) is always refused over HTTP: such a client is owed no open connection.
"""

import asyncio
import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.http.response import StreamingHttpResponse
from django.shortcuts import resolve_url
from django.template.response import SimpleTemplateResponse

from django_ws.close_codes import MAX_REASON_BYTES
from django_ws.conf import Denial, get_settings
from django_ws.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase

    from django_ws.interfaces import Connection, Headers

__all__ = ["close", "denial_of", "deny", "deny_by_response", "phrase"]

_SECONDS: Final = 2.0
"""How long the server may take over a close frame or a denial: a client that does not read holds it up."""

_CODES: Final = 4000
"""Where an application's own close codes begin."""
_REDIRECTS: Final = range(300, 400)
_TRY_LATER: Final = {429: "5", 503: "5"}
"""Seconds after which a client may come back (RFC 9110 section 10.2.3)."""


def denial_of(target: object) -> Denial:
    """Give how handshakes for ``target`` are refused: its attribute ``denial``, else ``WS_DENIAL``."""
    declared: object = getattr(getattr(target, "view_class", target), "denial", None)
    return declared if isinstance(declared, Denial) else get_settings().denial


def phrase(status: int) -> str:
    """Give the phrase of an HTTP status, ``"Not Found"`` for 404."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Denied"


async def close(connection: "Connection", code: int, reason: str = "") -> None:
    """Send a close frame; a client that does not read holds it up, but not for long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS):
            await connection.close(code, reason)


async def deny(connection: "Connection", status: int, how: Denial = Denial.HTTP) -> bool:
    """Refuse with a status and its phrase, nothing else.

    Returns:
        Whether the answer went out: the client may have gone.
    """
    headers = [("content-type", "text/plain; charset=utf-8")]
    if status in _TRY_LATER:
        headers.append(("retry-after", _TRY_LATER[status]))
    body = f"{phrase(status)}\n".encode()
    return await _deny(connection, how, status, headers=headers, body=body, reason=phrase(status))


async def deny_by_response(connection: "Connection", response: "HttpResponseBase", how: Denial) -> bool:
    """Refuse with a response, as it is, or with its status as a close code.

    Returns:
        Whether the answer went out: the client may have gone.

    Raises:
        ValueError: A status or a header that cannot be sent.
    """
    # Before the headers, which rendering may change.
    try:
        body = await _body(response) if how is Denial.HTTP else b""
    finally:
        _close_files(response)
    location: str = response.headers.get("Location", "") if response.status_code in _REDIRECTS else ""
    status = response.status_code
    if location and how is Denial.CLOSE and _is_login(location):
        status = HTTPStatus.UNAUTHORIZED
    # A part of an address leads nowhere.
    fits = location and len(location.encode()) <= MAX_REASON_BYTES
    reason = location if fits else phrase(status)
    return await _deny(connection, how, status, headers=_headers(response), body=body, reason=reason)


async def _deny(
    connection: "Connection", how: Denial, status: int, *, headers: "Headers", body: bytes, reason: str
) -> bool:
    with contextlib.suppress(ConnectionClosed, TimeoutError):
        async with asyncio.timeout(_SECONDS):
            if how is Denial.HTTP:
                await connection.deny(status, headers, body)
                return True
            # A browser that has offered subprotocols fails the connection itself, with 1006, if none is chosen.
            cookies = [header for header in headers if header[0] == "set-cookie"]
            await connection.accept(next(iter(connection.subprotocols), None), cookies)
            await connection.close(_CODES + status, reason)
            return True
    return False


def _is_login(location: str) -> bool:
    return _without_query(location) == _without_query(resolve_url(django_settings.LOGIN_URL))


def _without_query(url: str) -> tuple[str, str, str]:
    return urlsplit(url)[:3]


def _headers(response: "HttpResponseBase") -> "Headers":
    cookies = [("set-cookie", morsel.OutputString()) for morsel in response.cookies.values()]
    return [*response.items(), *cookies]


def _close_files(response: "HttpResponseBase") -> None:
    """Close what the response was made of; its own ``close()`` would tell Django that a request has finished."""
    closers: list[Callable[[], object]] = getattr(response, "_resource_closers", [])
    for close_file in closers:
        with contextlib.suppress(Exception):
            close_file()
    closers.clear()


async def _body(response: "HttpResponseBase") -> bytes:
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        await sync_to_async(response.render)()
    if isinstance(response, StreamingHttpResponse):
        if response.is_async:
            return b"".join([part async for part in response])
        # Its iterator may block.
        return await sync_to_async(b"".join)(response)
    content: bytes = getattr(response, "content", b"")
    return content
