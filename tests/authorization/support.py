"""Sockets of users, for the tests of this folder."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from django.contrib.auth.models import User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.test import override_settings

from django_ws.handler.orders import Order
from django_ws.testing import FakeBroker, FakeConnection
from django_ws.topics import brokers
from handler.support import Noted, make, start, until


class Open:
    """One socket, open; ``async with``."""

    def __init__(self, pk: Any = None, session: str | None = None, cls: type[Noted] = Noted) -> None:
        self.connection = FakeConnection(end=None)
        self.socket: Noted = make(cls, self.connection)
        if pk is not None:
            user = User()
            user.pk = pk
            self.socket.request.user = user
        if session is not None:
            self.socket.request.session = SessionStore(session)

    async def __aenter__(self) -> Self:
        self.task = start(self.socket)
        await until(lambda: self.socket.journal)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()
        await self.task

    @property
    def code(self) -> int | None:
        return self.connection.close_code


async def in_thread(function: Callable[[], object]) -> None:
    """Run it in a thread that has no event loop, as a view or a task queue would."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)
        loop.call_soon_threadsafe(done.set)

    thread = threading.Thread(target=run)
    thread.start()
    await done.wait()
    thread.join()
    if errors:
        raise errors.pop()


@contextmanager
def fake_broker(timeout: float = 5.0) -> Iterator[FakeBroker]:
    """Let the default broker be a fake, which is not of one process to our code."""
    configured = {"default": {"BACKEND": "django_ws.testing.FakeBroker"}}
    with override_settings(WS_BROKERS=configured, WS_BROKER_TIMEOUT=timeout):
        broker = brokers["default"]
        assert isinstance(broker, FakeBroker)
        yield broker


def order(user: str | None = "7", session: str | None = None, id_: str = "1") -> Order:
    return Order(id_, user, session, 4401, f"order {id_}")
