from collections.abc import Callable, Coroutine

from django.contrib.auth.models import User
from django.core.signing import BadSignature, loads
from django.http import HttpRequest, HttpResponse
from typing_extensions import override

from django_ws import Endpoint, Next
from django_ws.middleware import TokenMiddleware


async def user_of(key: str) -> User | None:
    """Keys are made by django.core.signing.dumps(user.pk, salt="api-key"); yours may be rows of a table."""
    try:
        pk = loads(key, salt="api-key")
    except BadSignature:
        return None
    return await User.objects.filter(pk=pk, is_active=True).afirst()


def api_key(next_: Next) -> Callable[[Endpoint], Coroutine[object, object, object]]:
    """Programs, which can set headers: Authorization: Bearer <key>."""

    async def middleware(ws: Endpoint) -> object:
        scheme, _, key = ws.request.headers.get("Authorization", "").partition(" ")
        user = await user_of(key) if scheme.lower() == "bearer" else None
        if user is None:
            return HttpResponse("Unauthorized\n", status=401)

        async def auser() -> User:
            return user

        ws.request.user, ws.request.auser = user, auser
        return await next_(ws)

    return middleware


class ApiKeyMiddleware(TokenMiddleware):
    """Pages, which cannot: the key comes as a subprotocol."""

    PREFIX = "api-key."
    token_required = True

    @override
    async def get_user(self, token: str, request: HttpRequest) -> User | None:
        return await user_of(token.replace("~", ":"))  # a subprotocol may hold no colon
