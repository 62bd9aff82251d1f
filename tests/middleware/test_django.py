"""middleware/django.py; the chain has tests of its own, and real middleware theirs."""

from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.test import override_settings

from django_ws.interfaces import Endpoint, SendsAcceptHeaders
from django_ws.middleware import DjangoMiddleware
from django_ws.routing import WebSocketRequest
from django_ws.testing import Peer, websocket_scope
from serving import Echo, denied, serving

Get = Callable[[HttpRequest], HttpResponseBase]


class Marking:
    """Sets headers of every kind, and a cookie."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Get) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name in ("Content-Language", "ETag", "Upgrade", "Sec-WebSocket-Accept", "X-Kept"):
            response[name] = "yes"
        response.set_cookie("theme", "dark")
        return response


def answering(response: HttpResponseBase) -> type:
    class Answering:
        sync_capable = True
        async_capable = False

        def __init__(self, get_response: Get) -> None: ...

        def __call__(self, request: HttpRequest) -> HttpResponseBase:
            return response

    return Answering


CLOSED = answering(HttpResponse("back soon", status=503))
ELSEWHERE = answering(HttpResponseRedirect("/login/"))


def named(name: str) -> str:
    return f"{__name__}.{name}"


@override_settings(MIDDLEWARE=[named("Marking")])
async def test_headers_of_the_answer_go_out_with_the_accept_but_for_those_of_a_body_or_a_handshake() -> None:
    async with Peer(serving(Echo, DjangoMiddleware)) as peer:
        assert await peer.connect()
    assert peer.accepted_headers == [(b"x-kept", b"yes"), (b"set-cookie", b"theme=dark; Path=/")]


@pytest.mark.parametrize(("name", "status", "logged"), [("CLOSED", 503, 1), ("ELSEWHERE", 302, 0)])
async def test_another_answer_denies_and_an_error_is_logged_as_django_does(
    name: str, status: int, logged: int, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(MIDDLEWARE=[named(name)]):
        peer = await denied(serving(Echo, DjangoMiddleware))
    assert peer.denied_status == status
    assert [record.name for record in caplog.records] == ["django.request"] * logged


@override_settings(MIDDLEWARE=[named("CLOSED"), named("Marking")], WS_SKIP_MIDDLEWARE=[named("CLOSED")])
async def test_what_is_skipped_does_not_run() -> None:
    async with Peer(serving(Echo, DjangoMiddleware)) as peer:
        assert await peer.connect()
    assert (b"x-kept", b"yes") in peer.accepted_headers


@override_settings(MIDDLEWARE=[named("Marking")])
async def test_an_endpoint_that_sends_no_headers_is_run_all_the_same() -> None:
    ran: list[Endpoint] = []

    class Plain:
        request = WebSocketRequest(websocket_scope())

        async def run(self) -> None: ...

    async def run(ws: Endpoint, /) -> object:
        ran.append(ws)
        return None

    endpoint = Plain()
    assert not isinstance(endpoint, SendsAcceptHeaders)
    await DjangoMiddleware(run)(endpoint)
    assert ran == [endpoint]
