"""FastAPI, and so Starlette, around django-ws and behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

for needed in ("channels", "rest_framework", "ninja", "fastapi", "opentelemetry.instrumentation.asgi"):
    pytest.importorskip(needed, reason="a package of the test group is not installed")

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from django_ws import get_websocket_application
from django_ws.interfaces import ASGIApplication
from django_ws.testing import Peer, websocket_scope
from interop.conftest import Load
from interop.mysite.lifespan import running
from interop.support import ask, denied, http

BOTH_WAYS = ["asgi_fastapi_outside", "asgi_fastapi_inside"]


async def no_database() -> None:
    raise LookupError("no database")


async def opened(application: ASGIApplication, path: str) -> Peer:
    peer = Peer(application, websocket_scope(path))
    _ = peer.start()
    assert await peer.connect()
    return peer


# --- theirs outside -------------------------------------------------------------------------------


async def test_the_whole_of_django_is_under_the_prefix(load: Load) -> None:
    application = load("asgi_fastapi_outside").application
    assert (await http(application, "/django/hello/")).body == b"hello from /django/hello/"
    answer = await ask(application, "paths", websocket_scope("/django/asked/"))
    assert answer == "/django/asked/ /asked/ /django/hello/"
    peer = await denied(application, websocket_scope("/django/nowhere/"))
    assert peer.denied_status == 404
    peer = await denied(application, websocket_scope("/django/denied/"))
    assert (peer.denied_status, peer.denied_body) == (402, b"pay first")


async def test_a_prefix_within_a_prefix_of_the_server(load: Load) -> None:
    inner = load("asgi_fastapi_outside").application
    application = Starlette(routes=[Mount("/v1", inner)])
    scope = websocket_scope("/root/v1/django/asked/", root_path="/root")
    assert await ask(application, "paths", scope) == "/root/v1/django/asked/ /asked/ /root/v1/django/hello/"


async def test_what_is_outside_of_the_prefix_is_theirs(load: Load) -> None:
    application = load("asgi_fastapi_outside").application
    assert (await http(application, "/hello/")).json() == {"detail": "Not Found"}
    peer = await denied(application, websocket_scope("/asked/"))
    assert peer.denied_status == 403


async def test_the_state_of_their_lifespan_is_in_the_scope_of_our_sockets(load: Load) -> None:
    application = load("asgi_fastapi_outside").application
    async with running(application) as state:
        assert (await http(application, "/api/pool", state=dict(state))).json() == "a pool"
        scope = websocket_scope("/django/asked/", state=dict(state))
        assert await ask(application, "state", scope) == "{'pool': 'a pool'}"


async def test_our_sockets_are_drained_within_their_lifespan(load: Load) -> None:
    application = load("asgi_fastapi_outside").application
    async with running(application):
        peer = await opened(application, "/django/asked/")
    assert await peer.wait_closed() == 1012
    await peer.wait()


async def test_a_mount_alone_gets_no_lifespan(project: None) -> None:
    application = Starlette(routes=[Mount("/django", get_websocket_application())])
    async with running(application):
        peer = await opened(application, "/django/asked/")
    peer.text("still here")
    assert await peer.receive() == "still here"
    peer.disconnect()
    await peer.wait()


# --- theirs behind --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH_WAYS)
async def test_their_websockets_stay_theirs(load: Load, name: str) -> None:
    application = load(name).application
    assert await ask(application, "this", websocket_scope("/api/ws")) == "FastAPI got this"


async def test_http_is_theirs_and_other_sockets_ours(load: Load) -> None:
    application = load("asgi_fastapi_inside").application
    async with running(application) as state:
        assert (await http(application, "/api/pool", state=dict(state))).json() == "a pool"
        assert (await http(application, "/hello/")).json() == {"detail": "Not Found"}
        assert await ask(application, "hello", websocket_scope("/asked/")) == "hello"


async def test_an_http_application_alone_gets_neither_websockets_nor_lifespan(load: Load) -> None:
    module = load("asgi_fastapi_inside")
    started: list[FastAPI] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        started.append(app)
        yield

    api = FastAPI(lifespan=lifespan)
    api.add_api_websocket_route("/api/ws", module.ws)
    application = get_websocket_application(api)
    async with running(application) as state:
        peer = await denied(application, websocket_scope("/api/ws"))
        assert peer.denied_status == 404
    assert (started, state) == ([], {})


async def test_our_sockets_are_drained_before_their_lifespan_ends(load: Load) -> None:
    module = load("asgi_fastapi_inside")
    order: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        order.append(f"the pool is closed, the socket with {peer.close_code}")

    module.api.router.lifespan_context = lifespan
    async with running(module.application):
        peer = await opened(module.application, "/asked/")
        order.append(f"shutdown, the socket with {peer.close_code}")
    await peer.wait()
    assert order == ["shutdown, the socket with None", "the pool is closed, the socket with 1012"]


@pytest.mark.parametrize("name", BOTH_WAYS)
async def test_a_lifespan_of_theirs_that_fails_fails_the_start(load: Load, name: str) -> None:
    module = load(name)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await no_database()
        yield

    (module.application if name == BOTH_WAYS[0] else module.api).router.lifespan_context = lifespan
    with pytest.raises(LookupError, match="no database"):
        async with running(module.application):
            pass


async def test_an_application_that_only_says_that_it_failed_fails_the_start() -> None:
    # ASGI: scopes and events are open dicts.
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="has not completed its startup"):
        async with running(application):
            pass
