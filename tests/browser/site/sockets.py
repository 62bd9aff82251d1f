"""Its sockets: those that a handshake is about. Each says what it has to say, and ends."""

import asyncio
import logging

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from typing_extensions import override

from django_ws import Denial, WebSocket, WebSocketHandler
from django_ws.guards import login_required, permission_required

logger = logging.getLogger("site")


class Whoami(WebSocketHandler[str, str]):
    """Says whose connection it is."""

    @override
    async def on_open(self) -> None:
        user = await self.request.auser()
        await self.send(user.get_username() or "nobody")
        await self.close()


@login_required
class Private(Whoami):
    """The same, for who is logged in."""


@permission_required("auth.delete_user")
class Moderators(Whoami):
    """The same, for who has a permission."""


# Its guard is to be asked, not LoginRequiredMiddleware. Django types the decorator for functions.
login_not_required(Private)  # type: ignore[type-var]


class WhoamiByClose(Whoami):
    """The same, which a script can tell apart from one that is not there."""

    denial = Denial.CLOSE


class TokenWhoami(Whoami):
    """The same; a browser that offers a token wants one of the other subprotocols answered."""

    subprotocols = ("chat.v1",)


class Cookies(WebSocketHandler[str, list[str]]):
    """Names the cookies that came with the handshake."""

    @override
    async def on_open(self) -> None:
        await self.send(sorted(self.request.COOKIES))
        await self.close()


class SetsCookie(Cookies):
    """Sets one itself."""

    @override
    async def on_connect(self) -> None:
        await self.accept(headers=[("set-cookie", "own=made-by-the-socket; Path=/")])


class Chat(WebSocketHandler[str, str]):
    """Speaks two subprotocols, the second version rather than the first."""

    subprotocols = ("chat.v2", "chat.v1")

    @override
    async def on_open(self) -> None:
        logger.info("chat opened with %s", self.subprotocol)
        await self.send(str(self.subprotocol))
        await self.close()


class StrictChat(Chat):
    """Speaks nothing else."""

    subprotocol_required = True


class Refusing(WebSocketHandler):
    """Refuses the handshake in the way that the path names."""

    @override
    async def on_connect(self) -> HttpResponseBase | None:
        match self.kwargs["how"]:
            case "permission":
                raise PermissionDenied("not in this room")
            case "missing":
                raise Http404
            case "fault":
                raise RuntimeError("a detail that is nobody's business")
            case "elsewhere":
                return redirect("/elsewhere/?room=7")
            case "login":
                return redirect("/login/")
            case "far":
                return redirect(f"/elsewhere/{'x' * 200}/")
            case "cookie":
                response = HttpResponse(status=403)
                response.set_cookie("refused", "yes")
                return response
            case status:
                return HttpResponse(status=int(status))


class RefusingOverHTTP(Refusing):
    denial = Denial.HTTP


class RefusingByClose(Refusing):
    denial = Denial.CLOSE


async def hold(ws: WebSocket[str, str]) -> None:
    """Stay open until the client leaves."""
    async for _ in ws:
        pass


class Never(WebSocketHandler):
    """Does not answer the handshake."""

    @override
    async def on_connect(self) -> HttpResponseBase | None:
        logger.info("waiting in on_connect: %s", self.request.path)
        await asyncio.Event().wait()
        return None


class NeverOverHTTP(Never):
    denial = Denial.HTTP
