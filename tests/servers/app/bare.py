"""Bare ASGI applications, by which the habits of the servers are measured without anything of django-ws."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from servers.app.journal import note

# ASGI: scopes and events are open dicts.
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BareError(Exception):
    """Raised on purpose."""


# ASGI: scopes are open dicts.
async def bare(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Do what the path names."""
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    key = query["id"]
    note(key, "begin")
    try:
        await _act(scope["path"].strip("/").removeprefix("bare/"), key, query, scope, receive, send)
    finally:
        note(key, "end")


async def _act(
    act: str,
    key: str,
    query: dict[str, str],
    # ASGI: scopes are open dicts.
    scope: dict[str, Any],
    receive: Receive,
    send: Send,
) -> None:
    assert (await receive())["type"] == "websocket.connect"
    if act == "scope":
        extensions = scope.get("extensions") or {}
        note(key, "scope", denial="websocket.http.response" in extensions, spec=scope["asgi"].get("spec_version"))
        await send({"type": "websocket.close"})
        return
    if act == "return-early":
        return
    if act == "raise-early":
        raise BareError
    await send({"type": "websocket.accept", "headers": [(b"x-greeting", b"hello")]})
    match act:
        case "return-late":
            return
        case "raise-late":
            raise BareError
        case "empty":
            await send({"type": "websocket.send", "text": ""})
            await send({"type": "websocket.send", "text": "after"})
            await _listen(key, receive)
        case "close":
            message = {"type": "websocket.close", "code": int(query["code"]), "reason": query.get("reason", "")}
            note(key, "close", outcome=await _outcome(send(message)))
            await _listen(key, receive)
        case "listen":
            await _listen(key, receive)
            note(key, "send", outcome=await _outcome(send({"type": "websocket.send", "text": "late"})))
        case "send-after-close":
            await send({"type": "websocket.close", "code": 1000})
            note(key, "send", outcome=await _outcome(send({"type": "websocket.send", "text": "late"})))
        case "pending":
            listening = asyncio.ensure_future(receive())
            await asyncio.sleep(0.05)
            closing = asyncio.ensure_future(send({"type": "websocket.close", "code": 1000}))
            await asyncio.wait([listening], timeout=1)
            listening.cancel()
            await closing
        case "flood":
            for number in range(1000):
                await send({"type": "websocket.send", "bytes": bytes(1 << 16)})
                note(key, "sent", number=number)
        case _:
            raise AssertionError(act)


async def _listen(key: str, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            note(key, "disconnect", code=message.get("code"), reason=message.get("reason") or "")
            return
        note(key, "receive", size=len(message.get("text") or message.get("bytes") or ""))


async def _outcome(sending: Awaitable[None]) -> str:
    """Say what became of a send."""
    try:
        await sending
    except OSError:
        return "OSError"
    except RuntimeError:
        return "RuntimeError"
    except Exception:
        return "Exception"
    return "silent"
