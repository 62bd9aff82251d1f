"""handler/functions.py"""

import asyncio
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from django_ws.handler import WebSocket, WebSocketHandler, as_factory
from django_ws.handler.json import JSON
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeConnection, FakeEndpoint, websocket_scope

if TYPE_CHECKING:
    from decimal import Decimal


async def echo(ws: WebSocket[str, str]) -> None:
    async for text in ws:
        await ws.send(text)


async def bare(ws):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - as a newcomer may write it
    await ws.send({"got": await ws.receive()})


async def room(ws: "WebSocket[bytes, str]", number: int, *, name: str = "") -> None:
    await ws.send(f"{number} {name} {(await ws.receive())!r}")


async def plain(ws: WebSocket) -> None:
    await ws.send(await ws.receive())


async def late(ws: WebSocket[str, str], amount: "Decimal") -> None:
    await ws.send(str(amount))


async def run(target: object, connection: FakeConnection, *args: object, **kwargs: object) -> object:
    factory = as_factory(target)
    return await factory(WebSocketRequest(websocket_scope()), connection, *args, **kwargs).run()


async def test_a_function_is_accepted_run_and_closed_with_1000_at_its_end() -> None:
    connection = FakeConnection(["x"], end=None)
    assert await run(bare, FakeConnection(['"x"'])) is None
    await run(room, connection_ := FakeConnection([b"x"], end=None), 7, name="lobby")
    assert connection_.accepted == (None, [])
    assert connection_.sent == ["7 lobby b'x'"]
    assert connection_.close_code == 1000
    connection.disconnect()


async def test_the_annotation_chooses_the_codec_and_none_means_json() -> None:
    for function, sent in ((echo, ["[1]"]), (bare, ['{"got":[1]}']), (plain, ["[1]"])):
        connection = FakeConnection(["[1]"])
        await run(function, connection)
        assert connection.sent == sent


async def test_an_annotation_of_another_argument_need_not_be_there_at_run_time() -> None:
    connection = FakeConnection()
    await run(late, connection, 5)
    assert connection.sent == ["5"]


async def test_the_clients_end_ends_the_loop_over_messages() -> None:
    connection = FakeConnection(["a", "b"], end=4000)
    assert await run(echo, connection) is None
    assert connection.sent == ["a", "b"]
    assert connection.close_code == 4000


async def test_a_client_that_has_gone_before_the_answer_runs_nothing() -> None:
    connection = FakeConnection()
    connection.disconnect()
    assert await run(echo, connection) is None


async def test_a_fault_passes_up_with_the_connection_open() -> None:
    async def fail(ws: WebSocket[str, str]) -> None:
        raise ZeroDivisionError

    connection = FakeConnection()
    with pytest.raises(ZeroDivisionError):
        await run(fail, connection)
    assert connection.is_open


async def test_a_cancellation_is_cleaned_up_after_and_raised_again() -> None:
    connection = FakeConnection(end=None)
    task = asyncio.ensure_future(run(echo, connection))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert connection.close_code == 1012


async def test_the_end_of_the_connection_in_a_receive_is_an_end_like_any_other() -> None:
    assert await run(bare, FakeConnection()) is None


async def test_a_socket_goes_by_the_functions_name() -> None:
    factory = as_factory(room)
    assert isinstance(factory, type)
    assert (factory.__name__, factory.__qualname__, factory.__module__) == ("room", "room", __name__)
    socket: Any = factory(WebSocketRequest(websocket_scope()), FakeConnection())
    assert socket._name == "room"


# --- what may stand in a route --------------------------------------------------------------------


class Chat(WebSocketHandler[str, str]): ...


class Undecodable(WebSocketHandler[int, str]): ...


def test_a_class_stands_for_itself_and_so_does_its_view() -> None:
    assert as_factory(Chat) is Chat
    assert as_factory(Chat.as_view()) is Chat
    assert as_factory(FakeEndpoint) is FakeEndpoint


def test_any_other_callable_is_taken_for_a_factory() -> None:
    factory = partial(FakeEndpoint)
    assert as_factory(factory) is factory


def test_a_wrapped_or_partial_function_is_a_function() -> None:
    @wraps(echo)
    async def wrapped(ws: WebSocket[str, str]) -> None:
        await echo(ws)

    for target in (wrapped, partial(room, name="x")):
        assert isinstance(as_factory(target), type)


def test_a_function_of_any_is_taken() -> None:
    async def anything(ws: Any) -> None: ...

    assert isinstance(as_factory(anything), type)


class NoSocket: ...


async def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def nothing() -> None: ...


async def unreadable(ws: "Elsewhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


async def undecodable(ws: WebSocket[int, JSON]) -> None: ...


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (NoSocket, r"NoSocket stands in a websocket route but is no socket: derive it from WebSocketHandler"),
        ("ws/", "'ws/' stands in a websocket route but is no socket: put a WebSocketHandler class"),
        (view, r"view must take a WebSocket first.*A plain HTTP view belongs into the HTTP URLconf"),
        (nothing, r"nothing must take the socket as its first argument"),
        (unreadable, r"unreadable cannot be read at run time.*'Elsewhere'"),
        (undecodable, r"undecodable takes messages of type int"),
        (Undecodable, r"Undecodable takes messages of type int"),
    ],
)
def test_what_is_no_socket_is_refused_by_name(target: object, message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        as_factory(target)
