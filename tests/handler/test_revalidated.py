"""handler/revalidated.py"""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, ClassVar
from weakref import ref

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from typing_extensions import override

from django_ws.handler import SyncWebSocketHandler, revalidated
from django_ws.handler.orders import Order
from django_ws.handler.runtime import runtime
from django_ws.testing import FakeConnection, FakeTopic
from handler.support import Noted, make, messages, opened, slow, start, turns, until


@pytest.fixture(autouse=True)
def infos(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_ws")


def endings(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    """Give the lines that say why, and the code in their fields."""
    return [
        (record.getMessage().partition(": ")[2], vars(record)["code"])
        for record in caplog.records
        if record.name == "django_ws"
    ]


def renewing(monkeypatch: pytest.MonkeyPatch, renew: Callable[[HttpRequest], Coroutine[Any, Any, bool]]) -> None:
    monkeypatch.setattr(revalidated, "renew_user", renew)


def answering(answer: "HttpResponseBase | Exception | None") -> Any:
    async def guard(request: HttpRequest) -> HttpResponseBase | None:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return guard


# --- by order -------------------------------------------------------------------------------------


async def test_an_order_closes_a_waiting_socket(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await opened()
    socket.ws_disconnect(4401, "banned")
    socket.ws_disconnect(4401, "banned")
    await task
    assert (connection.close_code, connection.close_reason) == (4401, "banned")
    assert socket.journal[-1] == "close 4401"
    assert endings(caplog)[0] == ("closed with 4401: banned", 4401)


async def test_an_order_lets_a_hook_have_its_grace() -> None:
    socket, connection, task = await slow()
    socket.ws_disconnect(4401, "banned")
    await until(lambda: connection.close_code)
    assert socket.journal == ["open", "first begun"]
    socket.go.set()
    await task
    assert socket.journal == ["open", "first begun", "first done", "close 4401"]


async def test_an_order_comes_to_nothing_where_the_socket_is_not_open_or_is_closing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket: Noted = make(Noted, FakeConnection(end=None))
    socket.ws_disconnect(4401, "banned")
    assert socket.ws_revalidate() is None
    task = start(socket)
    await until(lambda: socket.journal)
    await socket.close(1000)
    socket.ws_disconnect(4401, "banned")
    assert socket.ws_revalidate() is None
    await task
    socket.ws_disconnect(4401, "banned")
    assert socket.close_code == 1000
    assert "closed with 4401: banned" not in [text for text, _ in endings(caplog)]


async def test_an_ordered_socket_hears_no_more_events() -> None:
    socket, _, task = await slow()

    class Texts(FakeTopic[str]):
        type_of_events = str

    topic = Texts()
    await socket.subscribe(topic)
    assert topic.members == [socket]
    socket.ws_disconnect(4401, "banned")
    assert topic.members == []
    socket.go.set()
    await task


async def test_an_order_that_came_during_the_handshake_holds() -> None:
    gate = asyncio.Event()

    class Waiting(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await gate.wait()
            return None

    runtime().obey(Order("of another user", "8", None, 4401, "banned"))
    connection = FakeConnection(end=None)
    socket = make(Waiting, connection)
    socket.request.user = User(pk=7)
    task = start(socket)
    await turns()
    runtime().obey(Order("of this user", "7", None, 4401, "banned"))
    gate.set()
    await task
    assert connection.close_code == 4401


async def test_the_log_may_be_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "django_ws")
    socket, connection, task = await opened()
    socket.ws_disconnect(4401, "banned")
    await task
    assert connection.close_code == 4401
    assert caplog.records == []


# --- checked again --------------------------------------------------------------------------------


async def test_who_may_stay_stays() -> None:
    asked: list[str] = []

    class Asking(Noted):
        guards: ClassVar[Any] = [answering(None)]

        @override
        async def on_revalidate(self) -> bool:
            asked.append("hook")
            return await super().on_revalidate()

    socket, connection, task = await opened(Asking)
    for _ in range(2):
        check = socket.ws_revalidate()
        assert check is not None
        await check
    assert asked == ["hook", "hook"]
    assert connection.is_open
    await socket.close()
    await task


async def test_who_is_logged_out_is_closed_and_no_guard_is_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[HttpRequest] = []

    async def guard(request: HttpRequest) -> HttpResponseBase | None:
        asked.append(request)
        return None

    async def renew(request: HttpRequest) -> bool:
        return False

    renewing(monkeypatch, renew)
    socket, connection, task = await opened(Noted, guards=[guard])
    _ = socket.ws_revalidate()
    await task
    assert (connection.close_code, connection.close_reason) == (4401, "logged out")
    assert endings(caplog)[0] == ("closed with 4401: logged out", 4401)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (HttpResponse(status=401), 4401, "logged out"),
        (HttpResponse(status=403), 4403, "no longer permitted"),
        (HttpResponse(status=302), 4403, "no longer permitted"),
        (PermissionDenied(), 4403, "no longer permitted"),
        (Http404(), 4403, "no longer permitted"),
    ],
)
async def test_a_guard_that_says_no_closes(
    answer: "HttpResponseBase | Exception", code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    says: list[Any] = [None]

    async def guard(request: HttpRequest) -> HttpResponseBase | None:
        if isinstance(says[0], Exception):
            raise says[0]
        response: HttpResponseBase | None = says[0]
        return response

    socket, connection, task = await opened(Noted, guards=[guard])
    says[0] = answer
    _ = socket.ws_revalidate()
    await task
    assert (connection.close_code, connection.close_reason) == (code, reason)
    assert endings(caplog)[0] == (f"closed with {code}: {reason}", code)
    assert socket.journal == ["open", f"close {code}"]


async def test_the_hook_may_say_no() -> None:
    class Refusing(Noted):
        @override
        async def on_revalidate(self) -> bool:
            return False

    socket, connection, task = await opened(Refusing)
    _ = socket.ws_revalidate()
    await task
    assert connection.close_code == 4403


async def test_the_hook_may_be_an_ordinary_function() -> None:
    seen: list[object] = []

    class Refusing(SyncWebSocketHandler[str, str]):
        @override
        def on_revalidate(self) -> bool:
            seen.append(super().on_revalidate())
            return False

    connection = FakeConnection(end=None)
    socket: Any = make(Refusing, connection)  # type: ignore[type-var]
    task = asyncio.create_task(socket.run())
    await until(lambda: connection.is_open)
    check = socket.ws_revalidate()
    await check
    await task
    assert seen == [True]
    assert connection.close_code == 4403


async def test_a_check_that_fails_leaves_it_open_and_is_logged_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def renew(request: HttpRequest) -> bool:
        raise OSError("the database is away")

    renewing(monkeypatch, renew)
    socket, connection, task = await opened()
    for _ in range(2):
        check = socket.ws_revalidate()
        assert check is not None
        await check
    assert connection.is_open
    assert messages(caplog) == [
        "Noted: it could not be checked whether the client may stay, so it does; the next check may tell"
    ]
    assert socket.errors == []
    await socket.close()
    await task


async def test_a_check_does_not_take_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def renew(request: HttpRequest) -> bool:
        await asyncio.Event().wait()
        raise AssertionError

    renewing(monkeypatch, renew)
    monkeypatch.setattr(revalidated, "_CHECK_SECONDS", 0.001)
    socket, connection, task = await opened()
    check = socket.ws_revalidate()
    assert check is not None
    await check
    assert connection.is_open
    assert len(messages(caplog)) == 1
    await socket.close()
    await task


async def test_who_is_being_closed_already_is_not_closed_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go = asyncio.Event()

    async def renew(request: HttpRequest) -> bool:
        await go.wait()
        return False

    renewing(monkeypatch, renew)
    socket, connection, task = await slow()
    check = socket.ws_revalidate()
    assert check is not None
    await turns()
    socket._closing = True
    go.set()
    await check
    assert connection.is_open
    assert endings(caplog) == []
    socket._closing = False
    socket.go.set()
    await socket.close()
    await task


async def test_a_check_sees_what_the_middleware_has_set() -> None:
    tenant: ContextVar[str] = ContextVar("tenant")
    seen: list[str] = []

    class Asking(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            tenant.set("acme")
            return None

        @override
        async def on_revalidate(self) -> bool:
            seen.append(tenant.get("none"))
            return True

    socket, _, task = await opened(Asking)
    check = socket.ws_revalidate()
    assert check is not None
    await check
    assert seen == ["acme"]
    await socket.close()
    await task


# --- when -----------------------------------------------------------------------------------------


async def test_a_class_says_how_often() -> None:
    checked = asyncio.Event()

    class Often(Noted):
        revalidate = timedelta(milliseconds=20)

        @override
        async def on_revalidate(self) -> bool:
            checked.set()
            return True

    socket, _, task = await opened(Often)
    watch = runtime().revalidation
    assert len(watch) == 1
    await checked.wait()
    await socket.close()
    await task
    assert len(watch) == 0


async def test_without_it_nothing_is_looked_at() -> None:
    socket, _, task = await opened()
    assert len(runtime().revalidation) == 0
    await socket.close()
    await task


async def test_an_end_leaves_nothing_to_the_garbage_collector() -> None:
    async def life() -> "ref[Noted]":
        socket, _, task = await opened()
        check = socket.ws_revalidate()
        assert check is not None
        await check
        socket.ws_disconnect(4401, "banned")
        await task
        return ref(socket)

    gc.collect()
    gc.disable()
    try:
        found = await asyncio.create_task(life())
        await turns()
        assert found() is None
    finally:
        gc.enable()
