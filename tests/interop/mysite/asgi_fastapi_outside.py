"""FastAPI outside, the whole of Django and its sockets mounted under a prefix."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, WebSocket

from django_ws import get_websocket_application
from interop.mysite.lifespan import running

sockets = get_websocket_application()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    async with running(sockets):
        yield {"pool": "a pool"}


application = FastAPI(lifespan=lifespan)


@application.get("/api/pool")
async def pool(request: Request) -> str:
    return str(request.state.pool)


@application.websocket("/api/ws")
async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"FastAPI got {await websocket.receive_text()}")
    await websocket.close()


application.mount("/django", sockets)
