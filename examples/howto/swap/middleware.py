from collections.abc import Callable, Coroutine

from django_ws import Endpoint, Next

open_sockets: set[Endpoint] = set()


def tracked(next_: Next) -> Callable[[Endpoint], Coroutine[object, object, object]]:
    async def middleware(ws: Endpoint) -> object:
        open_sockets.add(ws)
        try:
            return await next_(ws)  # the whole life of the socket
        finally:
            open_sockets.discard(ws)

    return middleware
