"""Middleware of the project, for websockets and for HTTP."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from django_ws import Endpoint, Next
from django_ws.middleware import SignedTokenMiddleware

logger = logging.getLogger("site")


class Noting:
    """Notes that code of the project has got the handshake; in WS_MIDDLEWARE."""

    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: Endpoint) -> object:
        logger.info("entered %s", ws.request.path)
        return await self.next(ws)


class Tokens:
    """Asks for a token under ``/ws/token/`` alone; in WS_MIDDLEWARE."""

    def __init__(self, next_: Next) -> None:
        self.next = next_
        self.tokens = SignedTokenMiddleware(next_)

    async def __call__(self, ws: Endpoint) -> object:
        step = self.tokens if ws.request.path.startswith("/ws/token/") else self.next
        return await step(ws)


class Cookies:
    """Sets cookies on each answer, one of them HttpOnly; in Django's MIDDLEWARE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/ws/"):
            response.set_cookie("seen", "by-scripts")
            response.set_cookie("hidden", "from-scripts", httponly=True)
        return response
