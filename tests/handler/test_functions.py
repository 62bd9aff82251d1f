"""handler/functions.py"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from typing_extensions import override

from django_ws.codecs.json import JSON
from django_ws.guards import _put
from django_ws.handler import BytesCodec, WebSocket, WebSocketHandler, as_factory
from django_ws.handler.options import options_of
from django_ws.interfaces import Connection
from django_ws.routing import WebSocketRequest
from django_ws.signals import websocket_opened
from django_ws.testing import FakeConnection, FakeEndpoint, FakeGuard, websocket_scope

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


async def test_a_function_begins_when_all_have_been_told_that_it_opens() -> None:
    journal: list[object] = []

    async def told(sender: object, **_: object) -> None:
        await asyncio.sleep(0)
        journal.append(sender)

    async def brief(ws: WebSocket[str, str]) -> None:
        journal.append("begun")

    websocket_opened.connect(told)
    try:
        await run(brief, FakeConnection())
    finally:
        websocket_opened.disconnect(told)
    assert journal == [brief, "begun"]


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


def test_a_factory_may_be_of_any_shape() -> None:
    def plain(request: HttpRequest, connection: Connection, /) -> FakeEndpoint:
        raise NotImplementedError

    def rest(*args: Any, **kwargs: Any) -> FakeEndpoint:
        raise NotImplementedError

    class Maker:
        def __call__(self, request: WebSocketRequest, connection: Connection) -> FakeEndpoint:
            raise NotImplementedError

    def nothing() -> None: ...

    for factory in (plain, rest, Maker(), Maker().__call__, partial(plain), nothing, min):
        assert as_factory(factory) == factory


def test_a_partial_function_takes_the_messages_that_it_is_annotated_with() -> None:
    async def room(ws: WebSocket[bytes, bytes], name: str) -> None: ...

    factory: Any = as_factory(partial(partial(room, name="x")))
    decode: Any = options_of(factory, WebSocket).decode
    assert isinstance(decode.__self__, BytesCodec)


def test_a_wrapped_or_partial_function_is_a_function() -> None:
    @wraps(echo)
    async def wrapped(ws: WebSocket[str, str]) -> None:
        await echo(ws)

    for target in (wrapped, partial(room, name="x")):
        assert isinstance(as_factory(target), type)


def test_a_function_of_any_is_taken() -> None:
    async def anything(ws: Any) -> None: ...

    assert isinstance(as_factory(anything), type)


class Rooms:
    """What a function may be besides a function."""

    async def room(self, ws: WebSocket[bytes, str], number: int = 0) -> None:
        await ws.send(f"{number} {(await ws.receive())!r}")

    async def ticks(self, ws: WebSocket[bytes, str], number: int = 0) -> AsyncIterator[str]:
        async for data in ws:
            yield f"{number} {data!r}"


class Callable_:
    async def __call__(self, ws: WebSocket[bytes, str], number: int = 0) -> None:
        await Rooms().room(ws, number)


class Yielding:
    async def __call__(self, ws: WebSocket[bytes, str], number: int = 0) -> AsyncIterator[str]:
        async for text in Rooms().ticks(ws, number):
            yield text


@pytest.mark.parametrize(
    "target", [Rooms().room, Rooms().ticks, Callable_(), Yielding()], ids=["method", "generator", "object", "yielding"]
)
async def test_methods_partials_and_callable_objects_are_functions_too(target: Any) -> None:
    for each, number in ((target, 0), (partial(target, number=7), 7), (partial(partial(target), number=8), 8)):
        connection = FakeConnection([b"x"])
        await run(each, connection)
        assert connection.sent == [f"{number} b'x'"]


async def ticks(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    yield "tick"


class NoSocket: ...


def sync_room(ws: "WebSocket[str, str]", room_id: int) -> None: ...


def sync_untyped(ws, room_id):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - as a newcomer may write it
    ...


def sync_alone(client):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - the same
    ...


def sync_odd(connection: "django_ws.WebSocket[str]", *, room_id: int) -> None: ...  # type: ignore[name-defined]  # noqa: F821


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
        (sync_room, r"sync_room is an ordinary function: write «async def».*SyncWebSocketHandler"),
        (partial(sync_room, room_id=1), r"is an ordinary function"),
        (sync_untyped, r"sync_untyped is an ordinary function"),
        (sync_alone, r"sync_alone is an ordinary function"),
        (sync_odd, r"sync_odd is an ordinary function"),
        (unreadable, r"unreadable cannot be read at run time.*'Elsewhere'"),
        (undecodable, r"undecodable takes messages of type int"),
        (Undecodable, r"Undecodable takes messages of type int"),
    ],
)
def test_what_is_no_socket_is_refused_by_name(target: object, message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        as_factory(target)


# --- what guards it -------------------------------------------------------------------------------


async def denied(target: object) -> bool:
    """Whether a guard denies the handshake, before anything was opened."""
    connection = FakeConnection()
    response = await run(target, connection)
    assert (response is not None) == (connection.accepted is None)
    return isinstance(response, HttpResponse)


def refusing() -> FakeGuard:
    return FakeGuard(HttpResponse(status=402))


async def untouched(ws: WebSocket[str, str], number: int = 0) -> None:
    raise AssertionError("it must not be reached")


def fresh() -> Any:
    """A function of a test's own, to put guards on."""

    async def function(ws: WebSocket[str, str], number: int = 0) -> None:
        await untouched(ws, number)

    return function


async def test_a_function_has_the_guards_that_were_put_on_it() -> None:
    passed = FakeGuard()
    assert await denied(_put(passed, _put(refusing(), fresh())))
    assert len(passed.asked) == 1


async def test_no_way_to_wrap_a_function_loses_its_guards() -> None:
    def decorator(function: Any) -> Any:
        @wraps(function)
        async def wrapper(ws: WebSocket[str, str], *args: Any) -> None:
            await function(ws, *args)

        return wrapper

    def forgetful(function: Any) -> Any:
        wrapper = wraps(function, updated=())(decorator(function))
        vars(wrapper).pop("guards", None)
        return wrapper

    class Rooms:
        async def room(self, ws: WebSocket[str, str]) -> None:
            await untouched(ws)

    _put(refusing(), Rooms.room)
    guarded = _put(refusing(), fresh())
    for target in (
        guarded,
        partial(guarded, number=1),
        partial(partial(guarded), number=1),
        decorator(guarded),
        decorator(partial_of(guarded)),
        forgetful(guarded),
        partial(forgetful(guarded)),
        _put(FakeGuard(), partial(guarded)),
        _put(FakeGuard(), decorator(partial_of(guarded))),
        Rooms().room,
    ):
        assert await denied(target), target


def partial_of(function: Any) -> Any:
    made = partial(function)
    vars(made).update(__name__="partial", __qualname__="partial", __module__=__name__)
    return made


async def test_each_guard_is_asked_once_the_outermost_first() -> None:
    order: list[str] = []

    class Guard:
        def __init__(self, name: str) -> None:
            self.name = name

        async def __call__(self, request: HttpRequest, /) -> HttpResponseBase | None:
            order.append(self.name)
            return HttpResponse(status=402) if self.name == "inner" else None

    @wraps(function := _put(Guard("middle"), _put(Guard("inner"), fresh())))
    async def wrapper(ws: WebSocket[str, str]) -> None:
        await function(ws)

    assert await denied(_put(Guard("outer"), partial(_put(Guard("wrapper"), wrapper))))
    assert order == ["outer", "wrapper", "middle", "inner"]


async def test_a_view_brings_its_guards_and_its_decorators_before_those_of_the_class() -> None:
    last = refusing()

    class Room(WebSocketHandler[str, str]):
        guards = [last]

    for target in (
        Room.as_view(),
        _put(first := FakeGuard(), Room.as_view()),
        never_cache(Room.as_view()),
        Room,
    ):
        assert await denied(target)
    assert len(first.asked) == 1
    assert len(last.asked) == 4
    assert await denied(_put(refusing(), Chat.as_view()))
    assert not await denied(never_cache(Chat.as_view()))
    assert not await denied(Chat.as_view())
    assert await denied(_put(refusing(), never_cache(Chat.as_view())))


async def test_a_socket_of_a_guarded_view_is_of_its_class_and_of_no_other() -> None:
    known: list[type] = []

    class Registering(WebSocketHandler[str, str]):
        @override
        def __init_subclass__(cls, *, name: str) -> None:
            super().__init_subclass__()
            known.append(cls)

    class Room(Registering, name="room"):
        pass

    factory = as_factory(never_cache(Room.as_view()))
    socket: Any = factory(WebSocketRequest(websocket_scope()), FakeConnection(), 1, name="x")
    assert (type(socket), socket.args, socket.kwargs) == (Room, (1,), {"name": "x"})
    assert socket._sender is Room
    assert known == [Room]


def test_a_socket_function_is_what_its_signals_are_sent_by() -> None:
    async def main() -> None:
        socket: Any = as_factory(echo)(WebSocketRequest(websocket_scope()), FakeConnection())
        assert socket._sender is echo

    asyncio.run(main())


def test_a_guarded_view_of_something_that_asks_no_guards_is_refused() -> None:
    view: Any = Chat.as_view()
    view.view_class = FakeEndpoint
    factory = as_factory(_put(refusing(), view))
    with pytest.raises(ImproperlyConfigured, match="FakeEndpoint is guarded, but would ask no guard"):
        factory(WebSocketRequest(websocket_scope()), FakeConnection())


# To a type checker they take views alone, and rightly so.
for_views: Any = login_required
permitted: Any = permission_required("app.see")


def test_a_guarded_class_that_asks_no_guards_is_refused() -> None:
    declared = type("Declared", (FakeEndpoint,), {"guards": [refusing()]})
    for target in (declared, _put(refusing(), type("Decorated", (FakeEndpoint,), {}))):
        with pytest.raises(ImproperlyConfigured, match="is guarded, but would ask no guard: only what derives from"):
            as_factory(target)


async def test_a_guarded_factory_guards_what_it_makes() -> None:
    own = FakeGuard()

    class Room(WebSocketHandler[str, str]):
        guards = [own]

    def factory(request: HttpRequest, connection: Connection, /) -> Room:
        return Room(request, connection)

    assert not await denied(partial(Room))
    assert len(own.asked) == 1
    assert await denied(_put(refusing(), partial(Room)))
    assert await denied(partial(_put(refusing(), partial(Room))))
    assert await denied(_put(refusing(), factory))
    assert await denied(_put(refusing(), as_factory(fresh())))


async def test_a_class_may_be_guarded_after_it_was_used() -> None:
    class Room(WebSocketHandler[str, str]): ...

    assert not await denied(Room)
    assert await denied(_put(refusing(), Room))


class MixedIn(LoginRequiredMixin, WebSocketHandler[str, str]): ...


def plainly(function: Any) -> Any:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    "target",
    [
        for_views(Chat),
        for_views(echo),
        permitted(Chat),
        permitted(echo),
        never_cache(echo),
        for_views(ticks),
        plainly(ticks),
        for_views(Yielding().__call__),
        partial(for_views(echo)),
        plainly(echo),
        plainly(Chat),
        plainly(plainly(Chat)),
    ],
)
def test_a_decorator_for_views_around_a_socket_itself_is_refused_at_the_start(target: object) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"in a decorator for HTTP views.*django_ws\.guards.*as_view\(\)"):
        as_factory(target)


def test_djangos_mixins_are_refused_because_nothing_would_ask_them() -> None:
    for target in (MixedIn, MixedIn.as_view(), login_required(MixedIn.as_view())):
        with pytest.raises(ImproperlyConfigured, match=r"MixedIn derives from Django's LoginRequiredMixin, which"):
            as_factory(target)
