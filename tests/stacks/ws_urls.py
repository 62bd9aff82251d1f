"""Its websocket URLconf."""

import json
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest
from django.utils.translation import get_language
from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.urls import path


def _name_of(request: HttpRequest) -> str:
    # The first look at a lazy user is a query.
    return request.user.get_username()


class Asked(WebSocketHandler[str, str]):
    """Answers questions on its request and on what is in force in its hooks."""

    @override
    async def on_message(self, data: str, /) -> None:
        request = self.request
        if data == "user":
            user = await request.auser()
            answer = user.get_username() or "nobody"
        elif data == "verified":
            # django-otp adds the method to the user.
            user_with_otp: Any = await request.auser()
            answer = str(user_with_otp.is_verified())
        elif data == "request.user":
            answer = await sync_to_async(_name_of)(request)
        elif data == "language":
            answer = get_language() or ""
        elif data == "session":
            answer = json.dumps(dict(await request.session.aitems()))
        elif data == "transaction":
            answer = str(await sync_to_async(lambda: connection.in_atomic_block)())
        else:
            answer = str(getattr(request, data, "missing"))
        await self.send(answer)


class Open(Asked):
    """Is there for everybody."""


# Django types its decorator for functions.
login_not_required(Open)  # type: ignore[type-var]

urlpatterns = [
    path("asked/", Asked),
    path("open/", Open),
    path("accounts/", Asked),
    path("static/socket/", Asked),
]
