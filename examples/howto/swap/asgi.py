from django_ws import WebSocket, get_websocket_application

from .connection import measured
from .middleware import tracked
from .resolver import TableResolver


async def hello(ws: WebSocket[str, str], name: str) -> None:
    await ws.send(f"Hello, {name}.")
    async for text in ws:
        await ws.send(text)


application = get_websocket_application(
    resolver=TableResolver({"hello": hello}),
    middleware=["django_ws.middleware.AuthMiddleware", tracked],
    connection_factory=measured,
)
