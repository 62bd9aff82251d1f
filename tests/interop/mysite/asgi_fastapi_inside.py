"""django-ws outside, FastAPI behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, WebSocket

from django_ws import get_websocket_application
from interop.mysite.lifespan import both


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"pool": "a pool"}


api = FastAPI(lifespan=lifespan)


@api.get("/api/pool")
async def pool(request: Request) -> str:
    return str(request.state.pool)


@api.websocket("/api/ws")
async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"FastAPI got {await websocket.receive_text()}")
    await websocket.close()


sockets = get_websocket_application(api)
lifespans = both(api, sockets)


# ASGI: scopes and events are open dicts.
async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespans(scope, receive, send)
    elif scope["type"] == "websocket" and scope["path"].startswith("/api/"):
        await api(scope, receive, send)
    else:
        await sockets(scope, receive, send)
