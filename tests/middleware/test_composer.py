import functools
import sys
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed, PermissionDenied
from django.http import HttpRequest, HttpResponse

from django_ws.interfaces import Endpoint, Middleware, Next
from django_ws.middleware.composer import compose, load, run_endpoint


class Socket:
    """An endpoint that notes when it ran."""

    def __init__(self, notes: list[str] | None = None, result: object = "the end") -> None:
        self.request = HttpRequest()
        self.notes: list[str] = [] if notes is None else notes
        self.result = result

    async def run(self) -> object:
        self.notes.append("socket")
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def noting(name: str, notes: list[str]) -> Callable[[Next], Middleware]:
    def factory(next_: Next, /) -> Middleware:
        async def middleware(ws: Endpoint, /) -> object:
            notes.append(f"{name} in")
            try:
                return await next_(ws)
            finally:
                notes.append(f"{name} out")

        return middleware

    return factory


class InClassStyle:
    def __init__(self, get_response: Next) -> None:
        self.next = get_response

    async def __call__(self, ws: Endpoint) -> object:
        return ["class", await self.next(ws)]


def in_function_style(next_: Next) -> Middleware:
    async def middleware(ws: Endpoint, /) -> object:
        return ["function", await next_(ws)]

    return middleware


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give an importable module with a middleware of each style."""
    made = ModuleType("middleware_made_by_a_test")
    made.__dict__.update(
        {"InClassStyle": InClassStyle, "in_function_style": in_function_style, "not_callable": 3, "Nested": Socket}
    )
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


# --- order, results and exceptions -------------------------------------------------------------------


def test_no_middleware_costs_nothing() -> None:
    assert compose([]) is run_endpoint
    assert compose((), in_function_style(run_endpoint)) is not run_endpoint


async def test_the_innermost_next_runs_the_socket() -> None:
    socket = Socket()
    assert await run_endpoint(socket) == "the end"
    assert socket.notes == ["socket"]


async def test_the_first_is_outermost() -> None:
    notes: list[str] = []
    chain = compose([noting("a", notes), noting("b", notes), noting("c", notes)])
    assert await chain(Socket(notes)) == "the end"
    assert notes == ["a in", "b in", "c in", "socket", "c out", "b out", "a out"]


async def test_classes_and_functions_may_be_mixed_named_or_given(module: ModuleType) -> None:
    name = module.__name__
    chain = compose([InClassStyle, f"{name}.in_function_style", in_function_style, f"{name}.InClassStyle"])
    assert await chain(Socket()) == ["class", ["function", ["function", ["class", "the end"]]]]


async def test_one_chain_serves_every_socket() -> None:
    chain = compose([InClassStyle])
    assert await chain(Socket(result=1)) == ["class", 1]
    assert await chain(Socket(result=2)) == ["class", 2]


async def test_an_innermost_of_ones_own_is_wrapped() -> None:
    async def innermost(ws: Endpoint, /) -> object:
        return "mine"

    assert await compose([in_function_style], innermost)(Socket()) == ["function", "mine"]


async def test_a_factory_is_called_once_with_what_is_further_in() -> None:
    calls: list[Next] = []

    def factory(next_: Next) -> Middleware:
        calls.append(next_)
        return in_function_style(next_)

    chain = compose([factory])
    assert calls == [run_endpoint]
    await chain(Socket())
    await chain(Socket())
    assert calls == [run_endpoint]


async def test_a_response_passes_outwards() -> None:
    response = HttpResponse("no", status=401)

    def refusing(next_: Next) -> Middleware:
        async def middleware(ws: Endpoint, /) -> object:
            return response

        return middleware

    notes: list[str] = []
    socket = Socket(notes)
    assert await compose([noting("a", notes), refusing, noting("never", notes)])(socket) is response
    assert notes == ["a in", "a out"]


@pytest.mark.parametrize("error", [PermissionDenied("no"), ValueError("odd"), MiddlewareNotUsed("too late")])
async def test_an_exception_passes_outwards_as_it_is(error: Exception) -> None:
    notes: list[str] = []
    with pytest.raises(type(error)) as raised:
        await compose([noting("a", notes), noting("b", notes)])(Socket(notes, error))
    assert raised.value is error
    assert notes == ["a in", "b in", "socket", "b out", "a out"]


async def test_an_outer_middleware_may_take_an_exception() -> None:
    def taking(next_: Next) -> Middleware:
        async def middleware(ws: Endpoint, /) -> object:
            try:
                return await next_(ws)
            except ValueError:
                return "taken"

        return middleware

    assert await compose([taking, InClassStyle])(Socket(result=ValueError())) == "taken"


async def test_a_middleware_that_is_not_used_is_left_out() -> None:
    def unused(next_: Next) -> Middleware:
        raise MiddlewareNotUsed

    notes: list[str] = []
    await compose([noting("a", notes), unused, noting("b", notes)])(Socket(notes))
    assert notes == ["a in", "b in", "socket", "b out", "a out"]
    assert compose([unused]) is run_endpoint


def test_an_error_of_a_factory_shows_as_itself() -> None:
    def broken(next_: Next) -> Middleware:
        raise KeyError("a setting of its own")

    with pytest.raises(KeyError, match="a setting of its own"):
        compose([broken])


# --- what may be a middleware ------------------------------------------------------------------------


async def with_limit(limit: int, next_: Next, ws: Endpoint) -> object:
    return [limit, await next_(ws)]


async def test_a_partial_of_an_async_function_is_a_middleware() -> None:
    def factory(next_: Next) -> Middleware:
        return functools.partial(with_limit, 3, next_)

    assert await compose([factory])(Socket()) == [3, "the end"]


class WithLimit:
    def __init__(self, next_: Next, limit: int = 1) -> None:
        self.next = next_
        self.limit = limit

    async def __call__(self, ws: Endpoint) -> object:
        return [self.limit, await self.next(ws)]

    async def serve(self, ws: Endpoint) -> object:
        return [-self.limit, await self.next(ws)]


async def test_a_partial_of_a_class_is_a_factory() -> None:
    chain = compose([functools.partial(WithLimit, limit=3), WithLimit])
    assert await chain(Socket()) == [3, [1, "the end"]]


async def test_a_bound_method_is_a_middleware() -> None:
    def factory(next_: Next) -> Middleware:
        return WithLimit(next_, 2).serve

    assert await compose([factory])(Socket()) == [-2, "the end"]


async def test_a_partial_of_an_async_object_is_a_middleware() -> None:
    class Flexible:
        async def __call__(self, ws: Endpoint, /, *, limit: int) -> object:
            return limit

    def factory(next_: Next) -> Middleware:
        return functools.partial(functools.partial(Flexible()), limit=4)

    assert await compose([factory])(Socket()) == 4


async def test_an_object_that_is_marked_as_async_is_a_middleware() -> None:
    class Marked:
        def __init__(self, next_: Next) -> None:
            self.next = next_
            markcoroutinefunction(self)

        def __call__(self, ws: Endpoint, /) -> Awaitable[object]:
            return self.next(ws)

    entry: Any = Marked
    assert await compose([entry])(Socket()) == "the end"


async def test_an_object_may_be_a_factory() -> None:
    class Factory:
        def __call__(self, next_: Next, /) -> Middleware:
            return InClassStyle(next_)

    assert await compose([Factory()])(Socket()) == ["class", "the end"]


async def test_a_factory_whose_signature_cannot_be_read_is_called_all_the_same() -> None:
    class Secretive:
        __signature__ = "none of your business"

        def __call__(self, next_: Next, /) -> Middleware:
            return in_function_style(next_)

    assert await compose([Secretive()])(Socket()) == ["function", "the end"]


async def test_more_arguments_with_defaults_do_no_harm() -> None:
    def factory(next_: Next, limit: int = 3, *more: object, **options: object) -> Middleware:
        async def middleware(ws: Endpoint, /, limit: int = limit) -> object:
            return [limit, await next_(ws)]

        return middleware

    assert await compose([factory])(Socket()) == [3, "the end"]


# --- what may not ------------------------------------------------------------------------------------


def takes_nothing() -> Middleware:
    raise NotImplementedError


def takes_two(next_: Next, more: object) -> Middleware:
    raise NotImplementedError


def takes_by_name(*, next_: Next) -> Middleware:
    raise NotImplementedError


class TakesNothing:
    async def __call__(self, ws: Endpoint) -> object:
        raise NotImplementedError


async def async_factory(next_: Next) -> Middleware:
    raise NotImplementedError


def gives_nothing(next_: Next) -> None:
    pass


def gives_a_number(next_: Next) -> int:
    return 3


def gives_a_sync_function(next_: Next) -> Callable[[Endpoint], None]:
    def middleware(ws: Endpoint) -> None:
        raise NotImplementedError

    return middleware


class SyncClass:
    def __init__(self, next_: Next) -> None:
        pass

    def __call__(self, ws: Endpoint) -> object:
        raise NotImplementedError


def gives_one_without_arguments(next_: Next) -> Callable[[], Awaitable[None]]:
    async def middleware() -> None:
        raise NotImplementedError

    return middleware


def gives_one_of_two_arguments(next_: Next) -> Callable[[Endpoint, object], Awaitable[None]]:
    async def middleware(ws: Endpoint, more: object) -> None:
        raise NotImplementedError

    return middleware


class ASGIStyle:
    def __init__(self, app: Next) -> None:
        pass

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        raise NotImplementedError


NO_FACTORY = (
    "The websocket middleware {name} cannot be called with the next one: a class needs __init__(self, next), "
    "a function takes next and gives back an async callable"
)
IS_ASYNC = (
    "The websocket middleware {name} is an async function itself; it must be a plain one that takes next "
    "and gives back an async function of ws"
)
NOT_ASYNC = (
    "The websocket middleware {name} must be async: a class needs async def __call__(self, ws), "
    "a function must give back an async function of ws"
)
NOT_ONE = "The websocket middleware {name} must be callable with one argument, the socket"
WRONG: list[tuple[Any, str, str]] = [
    (takes_nothing, "'takes_nothing'", NO_FACTORY),
    (takes_two, "'takes_two'", NO_FACTORY),
    (takes_by_name, "'takes_by_name'", NO_FACTORY),
    (TakesNothing, "'TakesNothing'", NO_FACTORY),
    (functools.partial(in_function_style, run_endpoint), "'partial'", NO_FACTORY),
    (3, "'int'", NO_FACTORY),
    (None, "'NoneType'", NO_FACTORY),
    (async_factory, "'async_factory'", IS_ASYNC),
    (gives_nothing, "'gives_nothing'", NOT_ASYNC),
    (gives_a_number, "'gives_a_number'", NOT_ASYNC),
    (gives_a_sync_function, "'gives_a_sync_function'", NOT_ASYNC),
    (SyncClass, "'SyncClass'", NOT_ASYNC),
    (gives_one_without_arguments, "'gives_one_without_arguments'", NOT_ONE),
    (gives_one_of_two_arguments, "'gives_one_of_two_arguments'", NOT_ONE),
    (ASGIStyle, "'ASGIStyle'", NOT_ONE),
]


@pytest.mark.parametrize(("entry", "name", "complaint"), WRONG)
def test_what_is_no_middleware_is_refused_by_its_name(entry: Any, name: str, complaint: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        compose([InClassStyle, entry, InClassStyle])
    assert str(refused.value) == complaint.format(name=name)


@pytest.mark.parametrize(
    ("entry", "complaint"), [(entry, complaint) for entry, _, complaint in WRONG if callable(entry)]
)
def test_a_named_entry_is_refused_by_the_name_that_the_settings_use(
    entry: Any, complaint: str, module: ModuleType
) -> None:
    module.__dict__["Entry"] = entry
    with pytest.raises(ImproperlyConfigured) as refused:
        compose([f"{module.__name__}.Entry"])
    assert str(refused.value) == complaint.format(name=f"'{module.__name__}.Entry'")


# --- names -------------------------------------------------------------------------------------------


def test_a_name_is_loaded(module: ModuleType) -> None:
    assert load(f"{module.__name__}.InClassStyle") is InClassStyle


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nodots", "nodots doesn't look like a module path"),
        ("", " doesn't look like a module path"),
        ("no_such_package.Middleware", "No module named 'no_such_package'"),
        (
            "middleware_made_by_a_test.NoSuch",
            'Module "middleware_made_by_a_test" does not define a "NoSuch" attribute/class',
        ),
    ],
)
def test_a_name_that_cannot_be_imported_is_refused(name: str, why: str, module: ModuleType) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        compose([name])
    assert str(refused.value) == f"WS_MIDDLEWARE names {name!r}, which cannot be imported: {why}"
    assert isinstance(refused.value.__cause__, ImportError)


def test_a_name_of_something_that_cannot_be_called_is_refused(module: ModuleType) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        load(f"{module.__name__}.not_callable")
    assert str(refused.value) == (
        "WS_MIDDLEWARE names 'middleware_made_by_a_test.not_callable', which is no class and no function but a int"
    )
