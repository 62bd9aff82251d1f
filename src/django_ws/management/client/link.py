"""The connection of ``ws_connect``: opened by the ``websockets`` library, and why it could not be."""

import contextlib
import json
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from django.core.management.base import CommandError
from django.utils.html import strip_tags
from typing_extensions import override
from websockets.asyncio.client import connect
from websockets.exceptions import (
    ConcurrencyError,
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
)

from django_ws.close_codes import CloseCode
from django_ws.denials import phrase
from django_ws.management.client.jsontext import is_json
from django_ws.management.client.near import near_routes, route_of
from django_ws.management.client.show import REFUSALS, close_text, printable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from websockets.asyncio.client import ClientConnection
    from websockets.http11 import Response
    from websockets.typing import Subprotocol

    from django_ws.management.client.address import Address

__all__ = ["Ended", "Link", "advice", "open_link"]

_MOST_BODY: Final = 2000
"""Characters of a denial's body that are shown."""
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_NOT_LOGGED_IN: Final = (302, 401, 403)
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_GOOD: Final = (CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a connection ended."""

    code: int
    reason: str
    by_us: bool
    """Whether we were first to close."""
    as_asked: bool
    """Whether it ended well: with 1000 or 1001, or with the code that we were asked to close with."""
    advice: str = ""
    """What may be done about it."""

    @override
    def __str__(self) -> str:
        """Tell it."""
        lost = self.code == CloseCode.ABNORMAL_CLOSURE
        whose = "" if self.by_us or lost else " by the server"
        text = f"Closed{whose} with {close_text(self.code, self.reason)}"
        return f"{text}\n{self.advice}" if self.advice else text


@final
class Link:
    """An open connection.

    Args:
        connection: Of the ``websockets`` library.
        address: Where it leads.
        user: Who came in; ``None``: nobody.
    """

    def __init__(self, connection: "ClientConnection", address: "Address", user: str | None, /) -> None:
        self._connection: ClientConnection = connection
        self._address: Address = address
        self._user: str | None = user
        self._last_text: str | None = None
        self._asked: int | None = None

    @property
    def greeting(self) -> str:
        """What has been agreed on, in one line."""
        chosen = self._connection.subprotocol
        who = f" as {self._user}" if self._user else ""
        return f"Connected to {self._address.url}{who}{f', subprotocol {chosen}' if chosen else ''}"

    async def send(self, message: str | bytes, /) -> None:
        """Send it; waits while the server does not read. That it has gone is told by the end of the messages."""
        if isinstance(message, str):
            self._last_text = message
        with contextlib.suppress(ConnectionClosed):
            await self._connection.send(message)

    async def messages(self) -> "AsyncGenerator[str | bytes, None]":
        """Give what comes, until the connection has ended."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                yield await self._connection.recv()

    async def ping(self, payload: bytes, /) -> str:
        """Ping, and tell what came of it."""
        try:
            pong = await self._connection.ping(payload or None)
            return f"pong after {1000 * await pong:.1f} ms"
        except ConcurrencyError:
            return "the pong of a ping with that text is still awaited"
        except ConnectionClosed:
            return "no pong: the connection ended before it"

    async def close(self, code: int, reason: str = "", /) -> None:
        """Close, and wait for the server's close frame, ten seconds at most."""
        if self._asked is None:
            self._asked = code
        await self._connection.close(code, reason)

    def leave(self) -> None:
        """Let go of it at once; after the end this does nothing."""
        self._connection.transport.abort()

    def ended(self) -> Ended:
        """Say how it ended; when it has."""
        protocol = self._connection.protocol
        received, sent = protocol.close_rcvd, protocol.close_sent
        # Where the library found a fault in what came, it closes, and the server may not have answered that.
        by_us = (
            sent is not None
            and protocol.close_rcvd_then_sent is not True
            and (received is not None or self._asked is None)
        )
        shown = sent if by_us else received
        code, reason = (CloseCode.ABNORMAL_CLOSURE.value, "") if shown is None else (shown.code, shown.reason)
        as_asked = code in _GOOD or code == self._asked
        return Ended(code=code, reason=reason, by_us=by_us, as_asked=as_asked, advice=self._advice(code))

    def _advice(self, code: int) -> str:
        if code in REFUSALS:
            return advice(code - 4000, self._address, self._user)
        if (
            code == CloseCode.INVALID_FRAME_PAYLOAD_DATA
            and self._last_text is not None
            and not is_json(self._last_text)
        ):
            return f"The last message is no JSON; a text as JSON stands in quotes: {json.dumps(self._last_text)}"
        return ""


class _Connect(connect):
    """Shows a redirect, where the library would follow it: with the cookies, and to a page that is no socket."""

    @override
    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def open_link(
    address: "Address",
    *,
    subprotocols: "Sequence[Subprotocol]" = (),
    seconds: float = 10.0,
    insecure: bool = False,
    user: str | None = None,
) -> Link:
    """Connect.

    Args:
        address: Where to.
        subprotocols: What is offered, the preferred first.
        seconds: For the whole handshake.
        insecure: Whether the certificate of a ``wss://`` server is not verified.
        user: Who comes in, for the advice.

    Raises:
        CommandError: It came to nothing; the message says why, with all of the server's answer.
    """
    context: ssl.SSLContext | None = None
    if address.url.startswith("wss:"):
        context = ssl.create_default_context()
        if insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    # What names its place goes there without a proxy.
    where: dict[str, Any] = {"host": address.host, "port": address.port} if address.is_direct else {}
    try:
        connection = await _Connect(
            address.url,
            origin=address.origin,  # type: ignore[arg-type] # a NewType of str
            subprotocols=subprotocols or None,
            additional_headers=address.headers,
            proxy=None if where else True,
            open_timeout=seconds,
            # It sends nothing that was not asked for: the server may stand in a debugger.
            ping_interval=None,
            max_size=None,
            ssl=context,
            **where,
        )
    except InvalidStatus as error:
        raise CommandError(_denial(error.response, address, user)) from error
    except ssl.SSLError as error:
        raise CommandError(f"TLS with {address.host}:{address.port} failed: {error}; see --insecure") from error
    except TimeoutError as error:
        raise CommandError(
            f"{address.url} did not answer the handshake within {seconds:g} seconds; see --timeout"
        ) from error
    except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError) as error:
        tls = "; does it speak TLS, as wss:// says?" if context else ""
        raise CommandError(f"{address.host}:{address.port} ended the connection in the handshake{tls}") from error
    except OSError as error:
        raise CommandError(
            f"Nothing serves at {address.host}:{address.port} ({error}).\n"
            "Start the server, with: python manage.py runserver; or say where it is with --host"
        ) from error
    except (InvalidHandshake, InvalidProxy, InvalidURI, ValueError) as error:
        raise CommandError(f"The handshake with {address.url} failed: {_with_cause(error)}") from error
    return Link(connection, address, user)


def _with_cause(error: BaseException) -> str:
    cause = error.__cause__
    return f"{error}" if cause is None else f"{error}: {_with_cause(cause)}"


def _denial(response: "Response", address: "Address", user: str | None) -> str:
    status = response.status_code
    lines = [f"The handshake was denied: {status} {response.reason_phrase or phrase(status)}"]
    lines += [f"  {name}: {printable(value)}" for name, value in response.headers.raw_items()]
    body = (response.body or b"").decode("utf-8", "replace")
    kind = response.headers.get("content-type", "")
    lines += _body(body, is_html="html" in kind)
    told = advice(status, address, user)
    return "\n".join([*lines, *([told] if told else [])])


def _body(body: str, *, is_html: bool) -> list[str]:
    if not body.strip():
        return []
    if is_html:
        title = _TITLE.search(body)
        text = " ".join(strip_tags(title[1]).split()) if title else "without a title"
        return ["", f"  an HTML page of {len(body)} characters: {printable(text)}", ""]
    shown = [f"  {line}" for line in printable(body[:_MOST_BODY]).rstrip().splitlines()]
    more = [f"  ({len(body) - _MOST_BODY} more characters)"] if len(body) > _MOST_BODY else []
    return ["", *shown, *more, ""]


def advice(status: int, address: "Address", user: str | None, /) -> str:
    """Say what may be done about a denial; empty where nothing is known.

    Args:
        status: The HTTP status of the denial.
        address: Where it came from.
        user: Who came in; ``None``: nobody.
    """
    if status in _NOT_LOGGED_IN and user is None:
        return "Nobody is logged in; --user NAME comes in as a user of this project." + _of_origin(address)
    if status == _FORBIDDEN:
        return _of_origin(address).strip()
    if status != _NOT_FOUND:
        return ""
    route = route_of(address.path)
    if route is not None:
        return f"This project has a route for it, {route.route}, so {route.handler} or a middleware denied it."
    near = near_routes(address.path)
    if not near:
        return f"This project has no route like {address.path}; manage.py ws_urls lists all of them."
    return "\n".join(
        [f"This project has no route for {address.path}. Near to it are:", *(f"  {name}" for name in near)]
    )


def _of_origin(address: "Address") -> str:
    return "" if address.is_own_origin else f" Or the origin {address.origin} may not come in: see WS_ALLOWED_ORIGINS."
