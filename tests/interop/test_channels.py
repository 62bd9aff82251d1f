"""Channels around django-ws, beside it and behind it, and a room that both share."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

for needed in ("channels", "rest_framework", "ninja", "fastapi", "opentelemetry.instrumentation.asgi"):
    pytest.importorskip(needed, reason="a package of the test group is not installed")

from channels.layers import get_channel_layer  # type: ignore[import-untyped]
from django.test import override_settings

from django_ws.testing import Peer, websocket_scope
from interop.conftest import Load
from interop.mysite.lifespan import running
from interop.mysite.settings_scope_user import WS_MIDDLEWARE
from interop.support import ask, denied, http

BEHIND = ["asgi_channels_beside", "asgi_channels_behind"]
OWN_PAGE = [("origin", "http://localhost")]


# ASGI: scopes are open dicts.
def as_user(path: str, cookie: str) -> dict[str, Any]:
    return websocket_scope(path, headers=[("cookie", cookie)])


# --- Channels outside -----------------------------------------------------------------------------


async def test_ours_is_the_websocket_of_their_router(load: Load) -> None:
    application = load("asgi_channels_outside").application
    assert await ask(application, "hello", websocket_scope("/asked/")) == "hello"
    assert (await http(application, "/hello/")).body == b"hello from /hello/"
    peer = await denied(application, websocket_scope("/nowhere/"))
    assert peer.denied_status == 404
    peer = await denied(application, websocket_scope("/denied/"))
    assert (peer.denied_status, peer.denied_body) == (402, b"pay first")


async def test_their_user_is_in_the_scope_and_ours_on_the_request(load: Load, alice: str) -> None:
    application = load("asgi_channels_outside").application
    for question in ("scope user", "user"):
        assert await ask(application, question, as_user("/asked/", alice)) == "alice"
        assert await ask(application, question, websocket_scope("/asked/")) == "AnonymousUser"


async def test_our_guards_can_ask_their_user(load: Load, alice: str, user_of_the_scope: None) -> None:
    application = load("asgi_channels_outside").application
    assert await ask(application, "user", as_user("/members/", alice)) == "alice"
    peer = await denied(application, websocket_scope("/members/"))
    assert peer.denied_status == 401


@pytest.fixture
def user_of_the_scope(project: None) -> Iterator[None]:
    with override_settings(WS_MIDDLEWARE=WS_MIDDLEWARE):
        yield


async def test_what_we_send_with_the_accept_goes_through_their_stack(load: Load, alice: str) -> None:
    application = load("asgi_channels_outside").application
    async with Peer(application, as_user("/asked/", alice)) as peer:
        assert await peer.connect()
    assert peer.accepted_headers == [(b"x-own", b"yes")]


async def test_their_router_hands_us_the_lifespan_by_which_sockets_are_drained(load: Load) -> None:
    application = load("asgi_channels_outside").application
    async with running(application):
        peer = Peer(application, websocket_scope("/asked/"))
        _ = peer.start()
        assert await peer.connect()
    assert await peer.wait_closed() == 1012
    await peer.wait()


async def test_without_that_entry_their_router_has_no_lifespan(load: Load) -> None:
    module = load("asgi_channels_outside")
    bare = module.ProtocolTypeRouter({"http": module.sockets, "websocket": module.sockets})
    with pytest.raises(ValueError, match="No application configured for scope type 'lifespan'"):
        async with running(bare):
            pass


# --- Channels beside and behind -------------------------------------------------------------------


@pytest.mark.parametrize("name", BEHIND)
async def test_each_socket_is_served_by_whoever_has_its_path(load: Load, name: str) -> None:
    application = load(name).application
    assert await ask(application, "hello", websocket_scope("/asked/")) == "hello"
    assert await ask(application, '"hello"', websocket_scope("/legacy/room/", headers=OWN_PAGE)) == '"hello"'
    assert (await http(application, "/hello/")).status == 200


@pytest.mark.parametrize("name", BEHIND)
async def test_a_room_of_both(load: Load, name: str) -> None:
    application = load(name).application
    async with (
        Peer(application, websocket_scope("/room/")) as ours,
        Peer(application, websocket_scope("/legacy/room/", headers=OWN_PAGE)) as theirs,
    ):
        assert await ours.connect()
        # on_open has joined the room before the first message is handled.
        ours.text('"first"')
        assert json.loads(await ours.receive()) == "first"
        assert await theirs.connect()
        theirs.text('{"from": "Channels"}')
        for peer in (theirs, ours):
            assert json.loads(await peer.receive()) == {"from": "Channels"}
        ours.text('{"from": "django-ws"}')
        for peer in (theirs, ours):
            assert json.loads(await peer.receive()) == {"from": "django-ws"}


async def test_who_has_left_is_no_longer_in_the_room(load: Load) -> None:
    application = load("asgi_channels_beside").application
    async with Peer(application, websocket_scope("/room/")) as peer:
        assert await peer.connect()
        peer.text("1")
        assert await peer.receive() == "1"
        assert len(get_channel_layer().groups["room"]) == 1
    assert "room" not in get_channel_layer().groups


async def test_the_origin_of_a_foreign_page_is_refused_by_both(load: Load) -> None:
    application = load("asgi_channels_beside").application
    for path in ("/asked/", "/legacy/room/"):
        peer = await denied(application, websocket_scope(path, headers=[("origin", "https://evil.example")]))
        assert peer.denied_status == 403


async def test_a_client_without_an_origin_is_refused_by_theirs_alone(load: Load) -> None:
    application = load("asgi_channels_beside").application
    assert await ask(application, "hello", websocket_scope("/asked/")) == "hello"
    peer = await denied(application, websocket_scope("/legacy/room/"))
    assert peer.denied_status == 403


async def test_a_path_that_nobody_knows(load: Load) -> None:
    beside = load("asgi_channels_beside").application
    peer = await denied(beside, websocket_scope("/nowhere/"))
    assert peer.denied_status == 404
    # Their router does not deny, it raises, of which each server makes a 500.
    for application, path in ((load("asgi_channels_behind").application, "/nowhere/"), (beside, "/legacy/x/")):
        with pytest.raises(ValueError, match="No route found for path"):
            async with Peer(application, websocket_scope(path, headers=OWN_PAGE)) as peer:
                await peer.connect()


async def test_ours_are_drained_and_theirs_are_left_to_the_server(load: Load) -> None:
    application = load("asgi_channels_beside").application
    ours = Peer(application, websocket_scope("/asked/"))
    async with Peer(application, websocket_scope("/legacy/room/", headers=OWN_PAGE)) as theirs:
        async with running(application):
            _ = ours.start()
            assert await ours.connect()
            assert await theirs.connect()
        assert await ours.wait_closed() == 1012
        await ours.wait()
        theirs.text('"still here"')
        assert await theirs.receive() == '"still here"'
