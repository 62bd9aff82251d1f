"""The user whom an ASGI middleware has put into the scope, for the guards and hooks of django-ws."""

from typing import Any, cast

from django_ws.interfaces import Endpoint, Middleware, Next


def scope_user(next_: Next) -> Middleware:
    async def middleware(ws: Endpoint) -> object:
        # Django: an ASGIRequest's scope is what the server and its middleware gave.
        request = cast(Any, ws.request)
        user = request.scope["user"]

        # The user is of the project's own model.
        async def auser() -> Any:
            return user

        request.user, request.auser = user, auser
        return await next_(ws)

    return middleware
