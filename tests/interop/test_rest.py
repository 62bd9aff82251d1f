"""Django REST framework and django-ninja answer HTTP, django-ws the sockets; who is logged in is so in all."""

import json
from collections.abc import Iterator

import pytest

for needed in ("channels", "rest_framework", "ninja", "fastapi", "opentelemetry.instrumentation.asgi"):
    pytest.importorskip(needed, reason="a package of the test group is not installed")

from django.contrib.auth import get_user_model
from django.test import override_settings

from django_ws import get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.testing import Peer, websocket_scope
from interop.mysite.settings_tokens import WS_MIDDLEWARE
from interop.support import ask, denied, http


@pytest.fixture
def application(project: None) -> Iterator[WebSocketApplication]:
    with override_settings(WS_MIDDLEWARE=WS_MIDDLEWARE):
        yield get_websocket_application()


async def token(application: WebSocketApplication) -> str:
    """Log in by the view of Django REST framework."""
    body = json.dumps({"username": "alice", "password": "secret"}).encode()
    headers = [("content-type", "application/json")]
    response = await http(application, "/rest/token/", method="POST", headers=headers, body=body)
    assert response.status == 200, response.body
    return str(response.json()["token"])


async def test_a_session_is_good_for_both_apis_and_a_socket(application: WebSocketApplication, alice: str) -> None:
    cookie = [("cookie", alice)]
    for path in ("/rest/me/", "/ninja/me"):
        assert (await http(application, path, headers=cookie)).json() == {"user": "alice"}
    for path in ("/asked/", "/members/"):
        assert await ask(application, "user", websocket_scope(path, headers=cookie)) == "alice"


async def test_a_token_of_the_api_opens_a_socket(application: WebSocketApplication, alice: str) -> None:
    key = await token(application)
    headers = [("authorization", f"Token {key}")]
    assert (await http(application, "/rest/me/", headers=headers)).json() == {"user": "alice"}
    for path in ("/asked/", "/members/"):
        scope = websocket_scope(path, subprotocols=[f"bearer.{key}"])
        assert await ask(application, "user", scope) == "alice"


async def test_a_token_is_never_what_the_handshake_is_answered_with(
    application: WebSocketApplication, alice: str
) -> None:
    offered = ["chat.v1", f"bearer.{await token(application)}"]
    for path, chosen in (("/asked/", None), ("/members/", "chat.v1")):
        async with Peer(application, websocket_scope(path, subprotocols=offered)) as peer:
            assert await peer.connect()
        assert peer.accepted_subprotocol == chosen


async def test_a_token_that_is_not_valid_any_more_opens_none(application: WebSocketApplication, alice: str) -> None:
    key = await token(application)
    wrong = await denied(application, websocket_scope("/asked/", subprotocols=["bearer.wrong"]))
    assert wrong.denied_status == 401
    await get_user_model().objects.filter(username="alice").aupdate(is_active=False)
    inactive = await denied(application, websocket_scope("/asked/", subprotocols=[f"bearer.{key}"]))
    assert inactive.denied_status == 401
    assert (b"www-authenticate", b'Bearer error="invalid_token"') in inactive.denied_headers


async def test_a_stranger_is_one_everywhere(application: WebSocketApplication, alice: str) -> None:
    for path in ("/rest/me/", "/ninja/me"):
        assert (await http(application, path)).status in (401, 403)
    assert await ask(application, "user", websocket_scope("/asked/")) == "AnonymousUser"
    assert (await denied(application, websocket_scope("/members/"))).denied_status == 401
