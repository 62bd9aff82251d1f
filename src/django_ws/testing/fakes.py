"""A fake of every joint but the connection: small, scripted, and held to the joint's Protocol by a type test."""

from typing import TYPE_CHECKING, Any, final

from django_ws.exceptions import ConnectionClosed, NoRouteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import ResolverMatch

    from django_ws.interfaces import Connection, Data, Endpoint, Middleware, Next

__all__ = ["FakeCodec", "FakeEndpoint", "FakeGuard", "FakeMatch", "FakeMiddleware", "FakeResolver"]


@final
class FakeGuard:
    """A :class:`~django_ws.interfaces.Guard` that always decides the same.

    Args:
        answer: What it denies with: a response, or an exception to raise; ``None``: it lets everybody in.
    """

    def __init__(self, answer: "HttpResponseBase | Exception | None" = None) -> None:
        self.answer: HttpResponseBase | Exception | None = answer
        """What it denies with."""
        self.asked: list[HttpRequest] = []
        """The requests that it was asked about."""

    async def __call__(self, request: "HttpRequest", /) -> "HttpResponseBase | None":
        """Decide.

        Raises:
            Exception: The answer, where that is an exception.
        """
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@final
class FakeMatch:
    """A :class:`~django_ws.interfaces.Match` by hand.

    Args:
        factory: The route's target.
        *args: What the route captured without a name.
        route: The route.
        **kwargs: What the route captured by name.
    """

    # Django: captured values have the types of the route's converters.
    def __init__(self, factory: object, /, *args: Any, route: str = "fake/", **kwargs: Any) -> None:
        self.factory: object = factory
        """The route's target."""
        self.args: tuple[Any, ...] = args
        """What the route captured without a name."""
        self.kwargs: dict[str, Any] = kwargs
        """What the route captured by name."""
        self.route: str = route
        """The route."""
        self.resolver_match: ResolverMatch | None = None
        """No ``ResolverMatch``."""
        self.urlconf: str | None = None
        """No URLconf."""


@final
class FakeResolver:
    """A :class:`~django_ws.interfaces.Resolver` over a dict.

    Args:
        routes: Path -> target, or a whole :class:`FakeMatch`.
    """

    def __init__(self, routes: "Mapping[str, object]", /) -> None:
        self.routes: Mapping[str, object] = routes
        """Path -> target."""
        self.asked: list[str] = []
        """The paths that were resolved."""

    def resolve(self, path: str, /) -> FakeMatch:
        """Look ``path`` up.

        Raises:
            NoRouteError: It is not there.
        """
        self.asked.append(path)
        if path not in self.routes:
            raise NoRouteError(path)
        target = self.routes[path]
        return target if isinstance(target, FakeMatch) else FakeMatch(target, route=path)


class FakeEndpoint:
    """An :class:`~django_ws.interfaces.Endpoint` that accepts, echoes, and notes that it ran.

    Args:
        request: The handshake.
        connection: The frames.
        *args: What the route captured without a name.
        **kwargs: What the route captured by name.
    """

    # Django: captured values have the types of the route's converters.
    def __init__(self, request: "HttpRequest", connection: "Connection", /, *args: Any, **kwargs: Any) -> None:
        self.request: HttpRequest = request
        """The handshake."""
        self.connection: Connection = connection
        """The frames."""
        self.args: tuple[Any, ...] = args
        """What the route captured without a name."""
        self.kwargs: dict[str, Any] = kwargs
        """What the route captured by name."""
        self.runs: int = 0
        """How often it ran."""

    async def run(self) -> object:
        """Accept and echo until the end."""
        self.runs += 1
        try:
            await self.connection.accept()
            while True:
                rest = self.connection.send(await self.connection.receive())
                if rest is not None:
                    await rest
        except ConnectionClosed:
            return None


@final
class FakeMiddleware:
    """A :class:`~django_ws.interfaces.MiddlewareFactory` that notes what passes through.

    Args:
        name: Stands in the notes.
        notes: Where they go; share one list to see the order.
    """

    def __init__(self, name: str = "fake", notes: list[str] | None = None) -> None:
        self.name: str = name
        """Stands in the notes."""
        self.notes: list[str] = [] if notes is None else notes
        """``"<name> in"`` and ``"<name> out"``, in order."""

    def __call__(self, next_: "Next", /) -> "Middleware":
        """Wrap ``next_``."""

        async def middleware(ws: "Endpoint", /) -> object:
            self.notes.append(f"{self.name} in")
            try:
                return await next_(ws)
            finally:
                self.notes.append(f"{self.name} out")

        return middleware


@final
class FakeCodec:
    """A :class:`~django_ws.interfaces.Codec` of ``str`` that notes what passes through."""

    def __init__(self) -> None:
        self.decoded: list[Data] = []
        """What was decoded, in order."""
        self.encoded: list[str] = []
        """What was encoded, in order."""

    def decode(self, data: "Data", /) -> str:
        """Give ``data`` as text."""
        self.decoded.append(data)
        return data if isinstance(data, str) else data.decode()

    def encode(self, message: str, /) -> str:
        """Give ``message``."""
        self.encoded.append(message)
        return message
