"""A plain HTTP client of ASGI applications, and a handshake that comes from one application's lifespan."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django_ws.interfaces import ASGIApplication
from django_ws.testing import Peer, websocket_scope


@dataclass
class Response:
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    # JSON: of any kind.
    def json(self) -> Any:
        return json.loads(self.body)


async def http(
    application: ASGIApplication,
    path: str,
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    # ASGI: scopes are open dicts.
    **more: Any,
) -> Response:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    raw += [(b"host", b"localhost"), (b"content-length", str(len(body)).encode())]
    scope = {
        **websocket_scope(path, **more),
        "type": "http",
        "scheme": "http",
        "method": method,
        "headers": raw,
        "extensions": {},
    }
    del scope["subprotocols"]
    response = Response()
    requests = [{"type": "http.request", "body": body, "more_body": False}]

    # ASGI: events are open dicts.
    async def receive() -> dict[str, Any]:
        # After the request: the client stays until it has its answer.
        return requests.pop() if requests else await asyncio.Future()

    # See above.
    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            response.status, response.headers = event["status"], list(event["headers"])
        else:
            response.body += event.get("body", b"")

    await application(scope, receive, send)
    return response


# ASGI: scopes are open dicts.
async def ask(application: ASGIApplication, what: str, scope: dict[str, Any]) -> str:
    async with Peer(application, scope) as peer:
        assert await peer.connect(), (peer.denied_status, peer.denied_body)
        peer.text(what)
        return str(await peer.receive())


# See ask().
async def denied(application: ASGIApplication, scope: dict[str, Any]) -> Peer:
    async with Peer(application, scope) as peer:
        assert not await peer.connect()
    return peer
