"""Says who is at the other end of a websocket."""

from importlib import import_module

from django.conf import settings
from django.contrib import auth

from django_ws import Endpoint, Next


class SessionUserMiddleware:
    """Sets `ws.request.session` and `ws.request.user`, as Django's own two middleware do for a page."""

    def __init__(self, next_: Next) -> None:
        self.next = next_
        self.session_store = import_module(settings.SESSION_ENGINE).SessionStore

    async def __call__(self, ws: Endpoint) -> object:
        request = ws.request
        request.session = self.session_store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        request.user = await auth.aget_user(request)
        return await self.next(ws)
