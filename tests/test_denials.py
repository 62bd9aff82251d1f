"""denials.py"""

from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template import engines
from django.template.response import TemplateResponse
from django.test import override_settings
from typing_extensions import override

from django_ws import Denial, WebSocketHandler, denials
from django_ws.denials import close, denial_of, deny, deny_by_response, phrase
from django_ws.testing import FakeConnection, Peer, websocket_scope
from handler.support import messages
from serving import Bare, Echo, Refusing, denied, denying, serving

# --- over HTTP ------------------------------------------------------------------------------------


async def test_a_response_denies_as_it_is_cookies_included() -> None:
    response = HttpResponse("pay first", status=402, headers={"X-Price": "5"})
    response.set_cookie("seen", "1", httponly=True)
    peer = await denied(serving(denying(response)))
    assert (peer.denied_status, peer.denied_body) == (402, b"pay first")
    headers = dict(peer.denied_headers)
    assert headers[b"x-price"] == b"5"
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert headers[b"content-length"] == b"9"
    assert headers[b"set-cookie"].startswith(b"seen=1; HttpOnly")


def template_response() -> TemplateResponse:
    template = engines.all()[0].from_string("Hello {{ name }}") if engines.all() else None
    response = TemplateResponse(HttpRequest(), template, {"name": "you"}, status=403)  # type: ignore[arg-type]
    response.add_post_render_callback(lambda rendered: rendered.headers.__setitem__("X-Rendered", "yes"))
    return response


@override_settings(TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}])
async def test_a_template_response_is_rendered_first() -> None:
    peer = await denied(serving(denying(template_response())))
    assert (peer.denied_status, peer.denied_body) == (403, b"Hello you")
    assert dict(peer.denied_headers)[b"x-rendered"] == b"yes"
    rendered = template_response().render()
    assert (await denied(serving(denying(rendered)))).denied_body == b"Hello you"


def parts() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


async def async_parts() -> AsyncIterator[bytes]:
    for part in parts():
        yield part


@pytest.mark.parametrize("make_parts", [parts, async_parts])
async def test_a_streaming_response_is_gathered(make_parts: Callable[[], Any]) -> None:
    peer = await denied(serving(denying(StreamingHttpResponse(make_parts(), status=429))))
    assert (peer.denied_status, peer.denied_body) == (429, b"one two")


def broken_parts() -> Iterator[bytes]:
    yield b"one"
    raise ValueError("broken")


@pytest.mark.parametrize(
    "response",
    [lambda: StreamingHttpResponse(broken_parts()), lambda: HttpResponse(status=101)],
)
async def test_a_response_that_cannot_be_sent_is_a_fault(
    response: Callable[[], HttpResponseBase], caplog: pytest.LogCaptureFixture
) -> None:
    peer = await denied(serving(denying(response())))
    assert peer.denied_status == 500
    assert messages(caplog) == ["Websocket fault: '/' (route '/')"]


async def test_a_client_that_does_not_read_its_close_frame_does_not_hold_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(denials, "_SECONDS", 0.01)

    class Failing(Bare):
        @override
        async def run(self) -> object:
            await super().run()
            peer.pause()
            raise ValueError("no")

    async with Peer(serving(Failing)) as peer:
        assert await peer.connect()
        await peer.wait()
    assert peer.close_code is None


@pytest.mark.parametrize(("status", "later"), [(429, b"5"), (503, b"5"), (403, None)])
async def test_who_may_come_back_is_told_when(status: int, later: bytes | None) -> None:
    connection = FakeConnection()
    assert await deny(connection, status)
    assert connection.denied is not None
    assert dict(connection.denied[1]).get("retry-after") == (None if later is None else later.decode())


async def test_an_answer_that_the_client_did_not_wait_for_is_none() -> None:
    peer = Peer(serving(Echo))
    connection = FakeConnection()
    await connection.close()
    assert not await deny(connection, 403)
    assert not await deny_by_response(connection, HttpResponse(), Denial.CLOSE)
    assert peer.events == []


def test_every_status_has_a_phrase() -> None:
    assert phrase(404) == "Not Found"
    assert phrase(499) == "Denied"


@pytest.mark.parametrize("how", list(Denial))
async def test_the_file_of_a_response_is_closed(how: Denial, tmp_path: Path) -> None:
    (tmp_path / "no.txt").write_text("no entry")
    file = (tmp_path / "no.txt").open("rb")
    connection = FakeConnection()
    assert await deny_by_response(connection, FileResponse(file, status=403), how)
    assert file.closed
    if how is Denial.HTTP:
        assert connection.denied is not None
        assert connection.denied[2] == b"no entry"


async def test_a_file_that_cannot_be_closed_denies_all_the_same() -> None:
    class Stuck(BytesIO):
        is_tried = False

        @override
        def close(self) -> None:
            # Once: the interpreter closes what it frees, too, and would report that error.
            if not self.is_tried:
                self.is_tried = True
                raise OSError

    connection = FakeConnection()
    assert await deny_by_response(connection, FileResponse(Stuck(b"no entry"), status=403), Denial.HTTP)
    assert connection.denied is not None


# --- by a close code ------------------------------------------------------------------------------


async def told(application: Any, scope: Any = None) -> Peer:
    """Give the peer of a handshake that was accepted and closed at once."""
    async with Peer(application, scope) as peer:
        assert await peer.connect()
        await peer.wait_closed()
    assert [event["type"] for event in peer.events] == ["websocket.accept", "websocket.close"]
    return peer


REDIRECT = HttpResponseRedirect("/elsewhere/")
LOGIN = HttpResponseRedirect("/accounts/login/?next=/ws/")


@override_settings(WS_DENIAL="close")
@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (PermissionDenied("no member"), 4403, "Forbidden"),
        (Http404("no room"), 4404, "Not Found"),
        (ValueError("secret"), 4500, "Internal Server Error"),
        (HttpResponse("log in first", status=401), 4401, "Unauthorized"),
        (HttpResponse("a body", status=402), 4402, "Payment Required"),
        (REDIRECT, 4302, "/elsewhere/"),
        (LOGIN, 4401, "/accounts/login/?next=/ws/"),
        (HttpResponseRedirect("/" + "x" * 122), 4302, "/" + "x" * 122),
        (HttpResponseRedirect("/" + "x" * 123), 4302, "Found"),
        (HttpResponseRedirect(f"/accounts/login/?next=/{'x' * 123}"), 4401, "Unauthorized"),
    ],
)
async def test_a_status_may_go_out_as_a_close_code(
    answer: HttpResponseBase | Exception, code: int, reason: str
) -> None:
    peer = await told(serving(denying(answer)))
    assert (peer.close_code, peer.close_reason) == (code, reason)


@override_settings(WS_DENIAL="close", LOGIN_URL="https://id.example/enter")
async def test_the_login_page_is_the_one_of_the_settings() -> None:
    peer = await told(serving(denying(HttpResponseRedirect("https://id.example/enter?next=/"))))
    assert peer.close_code == 4401
    for other in ("/enter?next=/", "http://id.example/enter", "https://other.example/enter", "https://id.example/"):
        assert (await told(serving(denying(HttpResponseRedirect(other))))).close_code == 4302
    assert (await told(serving(denying(LOGIN)))).close_code == 4302


@override_settings(WS_DENIAL="close")
async def test_an_unknown_path_is_4404() -> None:
    assert (await told(serving(Echo), websocket_scope("/nowhere/"))).close_code == 4404


@override_settings(WS_DENIAL="close")
async def test_a_browser_that_offered_subprotocols_gets_one_lest_it_fail_the_connection_itself() -> None:
    peer = await told(serving(denying(PermissionDenied())), websocket_scope(subprotocols=["a", "b"]))
    assert peer.accepted_subprotocol == "a"


@override_settings(WS_DENIAL="close")
async def test_cookies_of_the_denial_go_out_with_the_accept() -> None:
    response = HttpResponse(status=401, headers={"X-Price": "5"})
    response.set_cookie("seen", "1")
    peer = await told(serving(denying(response)))
    assert peer.accepted_headers == [(b"set-cookie", b"seen=1; Path=/")]


@override_settings(WS_DENIAL="close")
@pytest.mark.parametrize(
    ("scope", "status"),
    [
        (websocket_scope(headers=[("origin", "https://evil.example")]), 403),
        (websocket_scope(headers=[("host", "evil.example")]), 400),
        (websocket_scope(query_string=b"\xff"), 400),
    ],
)
async def test_who_comes_from_elsewhere_is_never_let_in_to_be_told(scope: Any, status: int) -> None:
    assert (await denied(serving(Echo), scope)).denied_status == status


def test_a_class_may_choose_for_itself() -> None:
    class ByClose(WebSocketHandler):
        denial = Denial.CLOSE

    class OverHTTP(WebSocketHandler):
        denial = Denial.HTTP

    class Undecided(WebSocketHandler):
        pass

    async def function() -> None: ...

    for setting, default in (("http", Denial.HTTP), ("close", Denial.CLOSE)):
        with override_settings(WS_DENIAL=setting):
            assert denial_of(ByClose) is Denial.CLOSE
            assert denial_of(ByClose.as_view()) is Denial.CLOSE
            assert denial_of(OverHTTP) is Denial.HTTP
            assert denial_of(Undecided) is denial_of(function) is denial_of(None) is default


async def test_the_choice_of_a_class_holds_for_its_middleware_too() -> None:
    class ByClose(Echo):
        denial = Denial.CLOSE

    peer = await told(serving(ByClose, Refusing))
    assert (peer.close_code, peer.close_reason) == (4401, "Unauthorized")


# --- a close frame --------------------------------------------------------------------------------


async def test_a_close_goes_out_with_its_reason() -> None:
    connection = FakeConnection(is_open=True)
    await close(connection, 4000, "enough")
    assert (connection.close_code, connection.close_reason) == (4000, "enough")
