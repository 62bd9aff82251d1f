"""admission.py"""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from django_ws.admission import Admission, TooManyConnectionsError
from django_ws.application import WebSocketApplication
from django_ws.conf import WebSocketSettings
from django_ws.interfaces import Endpoint, Next
from django_ws.limits import SharedPlaces
from django_ws.testing import Peer, websocket_scope
from serving import Echo, denied, serving


def of(address: str | None) -> dict[str, Any]:
    return websocket_scope(client=None if address is None else (address, 50000))


async def status_of(application: WebSocketApplication, scope: dict[str, Any]) -> int | None:
    """Give the status of a handshake's denial; ``None`` if it was accepted, for a moment."""
    async with Peer(application, scope) as peer:
        await peer.connect()
    return peer.denied_status


# --- by address -----------------------------------------------------------------------------------


@override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=2)
async def test_an_address_has_so_many_connections_and_no_more() -> None:
    application = serving(Echo)
    async with Peer(application, of("203.0.113.5")) as first, Peer(application, of("203.0.113.5")) as second:
        assert await first.connect()
        assert await second.connect()
        assert await status_of(application, of("203.0.113.5")) == 429
        assert await status_of(application, of("203.0.113.6")) is None
        second.disconnect()
        await second.wait()
        assert await status_of(application, of("203.0.113.5")) is None
    assert len(application._admission) == 0


@override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=1)
async def test_a_handshake_is_counted_before_any_code_of_the_user_runs() -> None:
    entered = asyncio.Event()

    def stalling(next_: Next) -> Any:
        async def middleware(ws: Endpoint) -> object:
            entered.set()
            await asyncio.Event().wait()
            return await next_(ws)

        return middleware

    application = serving(Echo, stalling)
    first = Peer(application, of("203.0.113.5"))
    task = first.start()
    first.ask()
    await entered.wait()
    assert await status_of(application, of("203.0.113.5")) == 429
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(application._admission) == 0


@pytest.mark.parametrize("address", [None, "", "testclient", "127.0.0.1", "10.1.2.3", "::1", "fd00::1"])
@override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=1)
async def test_private_addresses_are_not_counted_unless_it_is_said_so(address: str | None) -> None:
    application = serving(Echo)
    async with Peer(application, of(address)) as peer:
        assert await peer.connect()
        assert await status_of(application, of(address)) is None
        assert len(application._admission) == 0


@override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=1, WS_UNLIMITED_ADDRESSES=["198.51.100.0/24"])
async def test_which_addresses_are_not_counted_can_be_said() -> None:
    application = serving(Echo)
    async with Peer(application, of("127.0.0.1")) as local, Peer(application, of("198.51.100.7")) as proxy:
        assert await local.connect()
        assert await proxy.connect()
        assert await status_of(application, of("127.0.0.1")) == 429
        assert await status_of(application, of("198.51.100.7")) is None


@override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=None)
async def test_without_a_limit_nobody_is_counted() -> None:
    application = serving(Echo)
    async with Peer(application, of("203.0.113.5")) as peer:
        assert await peer.connect()
        assert len(application._admission) == 0


async def test_a_connection_gives_its_place_back_where_it_took_it() -> None:
    application = serving(Echo)
    before = application._admission
    async with Peer(application, of("203.0.113.5")) as peer:
        assert await peer.connect()
        with override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=7):
            assert await status_of(application, of("203.0.113.5")) is None
            assert application._admission is not before
        assert len(before) == 1
    assert len(before) == 0


def test_the_default_stops_a_flood_from_one_address() -> None:
    admission = Admission(WebSocketSettings())
    address = admission.address(of("203.0.113.5"))
    assert address is not None
    for _ in range(256):
        assert admission.enter_address(address) is None
    with pytest.raises(TooManyConnectionsError, match=r"^203\.0\.113\.5 has 256 open connections"):
        admission.enter_address(address)


# --- by user --------------------------------------------------------------------------------------


class User:
    def __init__(self, pk: object) -> None:
        self.pk = pk


class Known:
    """Middleware that sets whom the query string names as the user, in the way that it names."""

    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: Endpoint) -> object:
        request: Any = ws.request
        name = request.GET.get("user")
        user = AnonymousUser() if name is None else User(name)
        match request.GET.get("way"):
            case "auser":

                async def auser() -> object:
                    return user

                request.auser = auser
            case "lazy":
                request.user = SimpleLazyObject(lambda: user)
            case "none":
                pass
            case _:
                request.user = user
        return await self.next(ws)


@pytest.mark.parametrize("way", ["user", "auser", "lazy"])
@override_settings(WS_MAX_CONNECTIONS_PER_USER=1)
async def test_a_user_has_so_many_connections_and_no_more(way: str) -> None:
    application = serving(Echo, Known)
    ann, ben = (websocket_scope(query=f"user={name}&way={way}") for name in ("ann", "ben"))
    async with Peer(application, ann) as first:
        assert await first.connect()
        assert (await denied(application, ann)).denied_status == 429
        assert await status_of(application, ben) is None
    assert await status_of(application, ann) is None
    assert len(application._admission) == 0


@pytest.mark.parametrize("query", ["", "way=auser", "way=lazy", "way=none"])
@override_settings(WS_MAX_CONNECTIONS_PER_USER=1)
async def test_nobody_is_not_counted(query: str) -> None:
    application = serving(Echo, Known)
    async with Peer(application, websocket_scope(query=query)) as first:
        assert await first.connect()
        assert await status_of(application, websocket_scope(query=query)) is None


@override_settings(WS_MAX_CONNECTIONS_PER_USER=None)
async def test_without_a_limit_nobody_asks_who_it_is() -> None:
    def unasked() -> object:
        raise AssertionError("nobody needs to know")

    def lazy(next_: Next) -> Any:
        async def middleware(ws: Endpoint) -> object:
            request: Any = ws.request
            request.user = SimpleLazyObject(unasked)
            return await next_(ws)

        return middleware

    assert await status_of(serving(Echo, lazy), websocket_scope()) is None


# --- across processes -----------------------------------------------------------------------------

SHARED = override_settings(
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "admission"}},
    WS_CONNECTIONS_CACHE="default",
    WS_MAX_CONNECTIONS_PER_ADDRESS=1,
    WS_MAX_CONNECTIONS_PER_USER=1,
)


@SHARED
async def test_two_processes_count_together_by_address() -> None:
    here, there = serving(Echo), serving(Echo)
    async with Peer(here, of("203.0.113.5")) as first:
        assert await first.connect()
        assert await status_of(there, of("203.0.113.5")) == 429
        assert len(there._admission) == 0
    # What asks the cache does one thing after another: the release, then this take.
    assert await status_of(here, of("203.0.113.5")) is None
    assert await status_of(here, of("203.0.113.5")) is None


@SHARED
async def test_two_processes_count_together_by_user() -> None:
    here, there = serving(Echo, Known), serving(Echo, Known)
    ann = websocket_scope(query="user=ann")
    async with Peer(here, ann) as first:
        assert await first.connect()
        assert await status_of(there, ann) == 429
        assert len(there._admission) == 0
    assert await status_of(here, ann) is None
    assert await status_of(here, ann) is None


@SHARED
async def test_a_handshake_that_is_cancelled_while_it_asks_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = asyncio.Event()

    async def take(self: SharedPlaces, key: str, limit: int) -> bool:
        asking.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(SharedPlaces, "take", take)
    application = serving(Echo)
    peer = Peer(application, of("203.0.113.5"))
    task = peer.start()
    peer.ask()
    await asking.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(application._admission) == 0
