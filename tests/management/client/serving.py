"""A server of the ``websockets`` library, which does what a test says, and a link to it."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from django_ws.management.client.address import Address, read_address
from django_ws.management.client.link import Link, open_link

Answer = Callable[[ServerConnection, Request], Response | None]


@contextlib.asynccontextmanager
async def server(
    handler: Callable[[ServerConnection], Awaitable[None]], answer: Answer | None = None
) -> AsyncIterator[str]:
    """Serve, and give the address as ``--host`` takes it."""
    async with serve(handler, "127.0.0.1", 0, process_request=answer) as serving:
        (listening,) = serving.sockets
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@contextlib.asynccontextmanager
async def linked(handler: Callable[[ServerConnection], Awaitable[None]], path: str = "/") -> AsyncIterator[Link]:
    """Give an open connection to a server whose sockets do what ``handler`` does."""
    async with server(handler) as where:
        yield await open_link(address_of(where, path))


def address_of(where: str, path: str = "/") -> Address:
    return read_address(path, server=where)


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)
