"""The middleware that comes ready, as its users name, subclass and call it."""

from datetime import timedelta, tzinfo
from typing import assert_type

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, JsonResponse
from typing_extensions import override

from django_ws import get_websocket_application
from django_ws.interfaces import MiddlewareFactory
from django_ws.middleware import (
    AuthMiddleware,
    LocaleMiddleware,
    SessionMiddleware,
    SignedTokenMiddleware,
    TokenMiddleware,
    socket_token,
)


class ApiTokenMiddleware(TokenMiddleware):
    """Looks a token up."""

    PREFIX = "token."
    token_required = True

    @override
    async def get_user(self, token: str, request: HttpRequest) -> AbstractBaseUser | None:
        return await User.objects.filter(username=token, is_active=True).afirst()


class GuestMiddleware(TokenMiddleware):
    """Lets everybody in who has a token."""

    @override
    async def get_user(self, token: str, request: HttpRequest) -> AnonymousUser:
        return AnonymousUser()


class PatientMiddleware(SignedTokenMiddleware):
    """Takes a token for longer."""

    max_age = timedelta(minutes=5)


class ProfileLocaleMiddleware(LocaleMiddleware):
    """Asks the user before the cookie."""

    timezone_cookie = "tz"

    @override
    async def get_language(self, request: HttpRequest) -> str | None:
        return request.GET.get("language") or await super().get_language(request)

    @override
    async def get_timezone(self, request: HttpRequest) -> tzinfo | str | None:
        user = await request.auser()
        zone: object = getattr(user, "timezone", None)
        return zone if isinstance(zone, str) else await super().get_timezone(request)


def ticket(request: HttpRequest) -> JsonResponse:
    """Hand out a token."""
    if not isinstance(request.user, User):
        return JsonResponse({}, status=403)
    token = socket_token(request.user)
    assert_type(token, str)
    return JsonResponse({"token": token}, headers={"Cache-Control": "no-store"})


factories: tuple[MiddlewareFactory, ...] = (
    AuthMiddleware,
    SessionMiddleware,
    LocaleMiddleware,
    SignedTokenMiddleware,
    ApiTokenMiddleware,
    GuestMiddleware,
    PatientMiddleware,
    ProfileLocaleMiddleware,
)


def application() -> None:
    get_websocket_application(middleware=[AuthMiddleware, PatientMiddleware, ProfileLocaleMiddleware])
