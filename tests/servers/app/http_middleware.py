"""The ordinary middleware of the project, which runs around each handshake too."""

from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase


class Gate:
    """Answers the paths under ``/gate/`` in the way that the path names; marks every other answer."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self.get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]] = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        _, _, way = request.path.strip("/").partition("gate/")
        match way:
            case "login":
                return HttpResponseRedirect("/login/")
            case "maintenance":
                return HttpResponse("back soon\n", status=503, headers={"Retry-After": "60"})
            case "broken":
                raise ValueError("a fault in MIDDLEWARE")
            case _:
                response = await self.get_response(request)
        if way:
            response["X-Gate"] = way
            response.set_cookie("seen", "yes")
        return response
