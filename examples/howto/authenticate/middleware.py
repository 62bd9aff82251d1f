from django.contrib.auth.models import User
from django.core.signing import BadSignature, loads
from django.http import HttpRequest
from typing_extensions import override

from django_ws.middleware import TokenMiddleware


class ApiKeyMiddleware(TokenMiddleware):
    """Clients that are no browsers; their keys are made by django.core.signing.dumps(user.pk, salt="api-key")."""

    PREFIX = "api-key."
    token_required = True

    @override
    async def get_user(self, token: str, request: HttpRequest) -> User | None:
        try:
            pk = loads(token.replace("~", ":"), salt="api-key")  # a subprotocol may hold no colon
        except BadSignature:
            return None
        return await User.objects.filter(pk=pk, is_active=True).afirst()
