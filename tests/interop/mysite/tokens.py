"""The tokens of Django REST framework, for sockets."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.authtoken.models import Token  # type: ignore[import-untyped]
from typing_extensions import override

from django_ws.middleware import TokenMiddleware


class RestTokenMiddleware(TokenMiddleware):
    @override
    async def get_user(self, token: str, request: HttpRequest) -> AbstractBaseUser | AnonymousUser | None:
        tokens = Token.objects.select_related("user").filter(key=token, user__is_active=True)
        found = await tokens.afirst()
        return found.user if found else None
