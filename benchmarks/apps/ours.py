"""django-ws, as its documentation shows it."""

from typing import TYPE_CHECKING, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from typing_extensions import override

from benchmarks.apps.django_setup import configure, slow_query

configure(__name__)

from benchmarks.apps import MANY, OWN, PATHS, STALLED  # noqa: E402
from benchmarks.apps.ours_fanout import Burst, FanOut, Many, Own, Stalled  # noqa: E402
from django_ws import JSON, JSONEncodable, WebSocketHandler, get_websocket_application  # noqa: E402 - Django first
from django_ws.codecs.msgspec import MsgspecCodec  # noqa: E402
from django_ws.middleware import DjangoMiddleware  # noqa: E402
from django_ws.urls import path  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.apps import Application, Kind, Stack
    from django_ws.interfaces import Middleware, MiddlewareFactory, Next

__all__ = ["application", "with_django_middleware", "with_middleware"]


class Echo(WebSocketHandler):
    """JSON in, JSON out."""

    @override
    async def on_message(self, data: JSON, /) -> None:
        await self.send(data)


class TextEcho(WebSocketHandler[str, str]):
    """Text in, text out."""

    @override
    async def on_message(self, data: str, /) -> None:
        await self.send(data)


class FastEcho(WebSocketHandler[JSON, JSONEncodable]):
    """JSON in, JSON out, by the fast codec."""

    codec = MsgspecCodec()

    @override
    async def on_message(self, data: JSON, /) -> None:
        await self.send(data)


class Query(WebSocketHandler[str, str]):
    """A blocking query for each message."""

    @override
    async def on_message(self, data: str, /) -> None:
        await sync_to_async(slow_query)()
        await self.send(data)


class Ping(WebSocketHandler):
    """Idle, with a ping now and then."""

    @override
    async def on_open(self) -> None:
        _ = self.start_ping()


class OftenPing(Ping):
    """As many pings by a tenth of the sockets."""

    ping_interval = 5.9


urlpatterns: Final = [
    path("json/", Echo),
    path("text/", TextEcho),
    path("fast/", FastEcho),
    path("orm/", Query),
    path("ping/", Ping),
    path("ping/often/", OftenPing),
    path(PATHS["fanout"][1:], FanOut),
    path(PATHS["burst"][1:], Burst),
    path(STALLED[1:], Stalled),
    path(OWN[1:], Own),
    path(MANY[1:], Many),
]


_STARTPROJECT: Final = (
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
"""As ``django-admin startproject`` writes it."""

_STACKS: "Final[Mapping[Stack, tuple[str, ...]]]" = {
    "startproject": _STARTPROJECT,
    "async": ("benchmarks.apps.async_middleware.labelling",) * len(_STARTPROJECT),
}


def application(_kind: "Kind | None" = None, /) -> "Application":
    """Give the one application of all routes."""
    return get_websocket_application()


def with_middleware(middleware: "Sequence[MiddlewareFactory]", /) -> "Application":
    """Give the application with that middleware around every socket."""
    return get_websocket_application(middleware=middleware)


def with_django_middleware(stack: "Stack", /) -> "Application":
    """Give the application with ``DjangoMiddleware`` around every socket, and that stack as ``MIDDLEWARE``."""

    def factory(next_: "Next") -> "Middleware":
        # Without override_settings(), whose signal would have every application made again.
        before = settings.MIDDLEWARE
        settings.MIDDLEWARE = list(_STACKS[stack])
        try:
            return DjangoMiddleware(next_)
        finally:
            settings.MIDDLEWARE = before

    return get_websocket_application(middleware=[factory])
