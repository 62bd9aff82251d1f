"""Records the lives of the socket in examples/explain/room.py, as they happen; the pictures are drawn from that.

The application is the real one, with its resolver, a middleware and a socket that note when they are reached; its
server and client are ``Peer``. Time stands still but where a life needs it. Write the record anew, at the top of the
repository, with ``python -m tests.docs.life``.
"""

import asyncio
import json
import logging
import os
import sys
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from typing_extensions import override

if TYPE_CHECKING:
    from django.http import HttpRequest

    from django_ws.application import WebSocketApplication
    from django_ws.interfaces import Endpoint, Match, Next
    from django_ws.testing import Clock, Peer

ROUTES = "routes_of_the_life"
RECORD = Path(__file__).resolve().parents[2] / "docs" / "explain" / "life.json"

_at: ContextVar[str] = ContextVar("at", default="server")
"""Whose code runs: that of the server, of django-ws, of the middleware, of the socket, or of its task."""

Event = tuple[str, str]
"""Where, as ``"server > socket"`` or ``"socket"``, and what."""


class Journal:
    """What happened, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def note(self, what: str) -> None:
        self.events.append((_at.get(), what))

    def arrow(self, source: str, target: str, what: str) -> None:
        self.events.append((f"{source} > {target}", what))

    @contextmanager
    def call(self, target: str, what: str) -> Iterator[None]:
        """Note the way in, and how it comes back."""
        source = _at.get()
        self.arrow(source, target, what)
        _at.set(target)
        back = "returns"
        try:
            yield
        except BaseException as error:
            back = type(error).__name__
            raise
        finally:
            _at.set(source)
            self.arrow(target, source, back)


class Noted(logging.Handler):
    """Notes each line of the log."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.journal = journal

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.journal.note(f"logs {record.levelname}")


def task_factory(journal: Journal) -> Any:
    """Make tasks whose cancellations are noted, where they are the socket's."""

    class Task(asyncio.Task[Any]):
        @override
        def cancel(self, msg: Any | None = None) -> bool:
            target = {"asgi-application": "socket", "Recorded:clock": "task"}.get(self.get_name())
            if target == _at.get():
                journal.note("cancels itself")
            elif target is not None:
                journal.arrow(_at.get(), target, "cancel()")
            return super().cancel(msg)

    return lambda loop, coroutine, **options: Task(coroutine, loop=loop, **options)


def label(event: Any) -> str:
    details = [str(event[key]) for key in ("code", "status") if event.get(key) is not None]
    return " ".join([event["type"], *details])


def socket_class(journal: Journal) -> type:
    """Derive from the page's socket one that notes."""
    from examples.explain.room import Room

    async def guard(request: "HttpRequest") -> None:
        journal.note("its guards")

    class Recorded(Room):
        guards = (guard,)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            journal.arrow(_at.get(), "socket", "is made")
            super().__init__(*args, **kwargs)

        @override
        async def run(self) -> Any:
            with journal.call("socket", "run()"):
                return await super().run()

        @override
        async def on_connect(self) -> None:
            journal.note("on_connect()")
            if "stranger" in self.request.GET:
                from django.core.exceptions import PermissionDenied

                raise PermissionDenied

        @override
        async def on_open(self) -> None:
            journal.note("on_open()")
            await super().on_open()

        @override
        async def clock(self) -> None:
            journal.arrow("socket", "task", "begins")
            _at.set("task")
            try:
                await super().clock()
            finally:
                journal.note("its finally blocks")

        @override
        async def on_message(self, data: str) -> None:
            journal.note("on_message()")
            try:
                await super().on_message(data)
            except asyncio.CancelledError:
                journal.note("on_message() is cancelled")
                raise

        @override
        async def on_error(self, error: Exception) -> None:
            journal.note("on_error()")

        @override
        async def on_close(self) -> None:
            journal.note("on_close()")

    Recorded.__qualname__ = "Recorded"
    return Recorded


def make_application(journal: Journal) -> "WebSocketApplication":
    from django_ws import get_websocket_application
    from django_ws.routing import DjangoResolver
    from django_ws.urls import path

    # A module of our own making has what we give it.
    urlconf: Any = types.ModuleType(ROUTES)
    urlconf.urlpatterns = [path("room/", socket_class(journal))]
    sys.modules[urlconf.__name__] = urlconf
    routes = DjangoResolver(urlconf.__name__)

    class Resolver:
        def resolve(self, path: str, /) -> "Match":
            journal.note("the route")
            return routes.resolve(path)

    def middleware(next_: "Next") -> "Callable[[Endpoint], Coroutine[Any, Any, object]]":
        async def call(ws: "Endpoint") -> object:
            with journal.call("middleware", "the socket"):
                return await next_(ws)

        return call

    async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
        raise AssertionError

    return get_websocket_application(no_http, resolver=Resolver(), middleware=[middleware])


@contextmanager
def noting(journal: Journal) -> Iterator[None]:
    """Note what the application does itself, what it logs, and the signals."""
    from django.test import override_settings

    from django_ws import application, handshake, signals
    from django_ws.admission import Admission

    read, enter, leave = handshake.read_handshake, Admission.enter_address, Admission.leave

    def read_handshake(scope: Any) -> Any:
        journal.note("Host and Origin")
        return read(scope)

    def enter_address(self: Admission, address: str) -> Any:
        journal.note("room for the address")
        return enter(self, address)

    def leave_address(self: Admission, key: str | None) -> None:
        if key is not None:
            journal.note("the place is free again")
        leave(self, key)

    async def opened(**_: object) -> None:
        journal.note("websocket_opened")

    async def closed(**_: object) -> None:
        journal.note("websocket_closed")

    async def denied(**_: object) -> None:
        journal.note("websocket_denied")

    receivers = {"opened": opened, "closed": closed, "denied": denied}
    handler, logger = Noted(journal), logging.getLogger("django_ws")
    for name, receiver in receivers.items():
        getattr(signals, f"websocket_{name}").connect(receiver)
    logger.addHandler(handler)
    propagated, logger.propagate = logger.propagate, False
    try:
        with (
            patch.object(application, "read_handshake", read_handshake),
            patch.object(Admission, "enter_address", enter_address),
            patch.object(Admission, "leave", leave_address),
            override_settings(WS_UNLIMITED_ADDRESSES=[]),
        ):
            yield
    finally:
        logger.propagate = propagated
        logger.removeHandler(handler)
        for name, receiver in receivers.items():
            getattr(signals, f"websocket_{name}").disconnect(receiver)


class Stage:
    """One websocket of the application, and the time."""

    def __init__(self, journal: Journal, application: "WebSocketApplication", peer: "Peer", clock: "Clock") -> None:
        self.journal = journal
        self.application = application
        self.peer = peer
        self.clock = clock

    async def shut_down(self) -> None:
        """Be the server that is told to stop."""

        async def receive() -> dict[str, str]:
            self.journal.arrow("server", "django-ws", "lifespan.shutdown")
            _at.set("django-ws")
            return {"type": "lifespan.shutdown"}

        async def send(event: Any) -> None:
            self.journal.arrow("django-ws", "server", event["type"])

        before = _at.set("server")
        await self.application({"type": "lifespan"}, receive, send)
        _at.reset(before)


@asynccontextmanager
async def stage(query: str = "", origin: str = "http://localhost") -> AsyncIterator[Stage]:
    from django.urls import clear_url_caches

    from django_ws.testing import Peer, freeze_clock, websocket_scope

    journal = Journal()
    asyncio.get_running_loop().set_task_factory(task_factory(journal))
    with noting(journal), freeze_clock() as clock:
        application = make_application(journal)

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            async def noted_receive() -> Any:
                event = await receive()
                journal.arrow("server", _at.get(), label(event))
                return event

            async def noted_send(event: Any) -> None:
                journal.arrow(_at.get(), "server", label(event))
                await send(event)

            with journal.call("django-ws", "the scope"):
                await application(scope, noted_receive, noted_send)

        scope = websocket_scope("/room/", query=query, headers=[("origin", origin)])
        try:
            yield Stage(journal, application, Peer(serve, scope), clock)
        finally:
            asyncio.get_running_loop().set_task_factory(None)
            del sys.modules[ROUTES]
            # Django keeps what it has made of them, and the next life has others.
            clear_url_caches()


async def denied(query: str = "", origin: str = "http://localhost") -> list[Event]:
    async with stage(query, origin) as on:
        _ = on.peer.start()
        assert not await on.peer.connect()
        await on.peer.wait()
    return on.journal.events


async def begin() -> list[Event]:
    return (await ended(lambda on: on.clock.rest()))[0]


async def ended(end: Callable[[Stage], Awaitable[None]]) -> tuple[list[Event], list[Event]]:
    """Tell a life: what came before its end began, and what came then."""
    async with stage() as on:
        _ = on.peer.start()
        assert await on.peer.connect()
        await on.clock.rest()
        on.peer.text("hello")
        assert await on.peer.receive() == "HELLO"
        await on.clock.rest()
        before = len(on.journal.events)
        await end(on)
        on.peer.disconnect()
        await on.peer.wait()
    return on.journal.events[:before], on.journal.events[before:]


async def client_closes(on: Stage) -> None:
    on.peer.disconnect(1000)


async def client_vanishes(on: Stage) -> None:
    """It goes in the middle of a hook, so that the end must be noticed besides."""
    on.peer.text("wait")
    await on.clock.advance(1.5)
    on.peer.disconnect(1006)
    await on.clock.rest()
    on.journal.events.append(("", "WS_DISCONNECT_GRACE passes"))
    await on.clock.advance(10)


async def we_close(on: Stage) -> None:
    on.peer.text("leave")
    await on.peer.wait_closed()


async def hook_raises(on: Stage) -> None:
    on.peer.text("fail")
    await on.peer.wait_closed()


async def server_stops(on: Stage) -> None:
    await on.shut_down()


async def record() -> dict[str, list[Event]]:
    """Live every life."""
    ends = {
        "client-closes": client_closes,
        "client-vanishes": client_vanishes,
        "we-close": we_close,
        "hook-raises": hook_raises,
        "server-stops": server_stops,
    }
    found = {"begin": await begin()}
    for name, end in ends.items():
        before, found[name] = await ended(end)
        assert before == found["begin"], "each life begins in the same way"
    found["foreign-origin"] = await denied(origin="https://elsewhere.example")
    found["permission-denied"] = await denied(query="stranger")
    return found


def read() -> dict[str, list[Event]]:
    """Give what stands in the repository."""
    lives: dict[str, list[list[str]]] = json.loads(RECORD.read_text("utf-8"))
    return {name: [(where, what) for where, what in events] for name, events in lives.items()}


def write(lives: dict[str, list[Event]]) -> None:
    """Put it there, one event a line, so that a change is a small one."""
    parts = []
    for name, events in lives.items():
        lines = ",\n".join(f"    {json.dumps(event, ensure_ascii=False)}" for event in events)
        parts.append(f"  {json.dumps(name)}: [\n{lines}\n  ]")
    RECORD.write_text("{\n" + ",\n".join(parts) + "\n}\n", "utf-8")


if __name__ == "__main__":
    import django

    sys.path.append(str(Path(__file__).resolve().parents[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")
    django.setup()
    write(asyncio.run(record()))
