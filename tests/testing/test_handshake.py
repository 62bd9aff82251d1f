"""testing/handshake.py"""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import AsyncClient, Client

from django_ws.testing import Denied
from django_ws.testing.handshake import Handshake


def headers_of(scope: dict[str, list[tuple[bytes, bytes]]]) -> list[tuple[bytes, bytes]]:
    return scope["headers"]


async def test_a_path_is_as_in_a_url() -> None:
    scope = await Handshake("/caf%C3%A9/a b/?x=1").scope()
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/café/a b/", b"/caf%C3%A9/a%20b/", b"x=1")
    assert (await Handshake("/?x=1", query="y=2").scope())["query_string"] == b"y=2"


async def test_secure_is_wss() -> None:
    plain, secure = await Handshake("/").scope(), await Handshake("/", secure=True).scope()
    assert (plain["scheme"], plain["server"]) == ("ws", ("testserver", 80))
    assert (secure["scheme"], secure["server"]) == ("wss", ("testserver", 443))


async def test_the_headers_of_a_browser() -> None:
    handshake = Handshake(
        "/", headers={"X-One": "1"}, origin="https://a.example", subprotocols=["a", "b"], cookies={"b": "2", "a": "1"}
    )
    scope = await handshake.scope()
    assert headers_of(scope) == [
        (b"host", b"testserver"),
        (b"x-one", b"1"),
        (b"origin", b"https://a.example"),
        (b"sec-websocket-protocol", b"a, b"),
        (b"cookie", b"a=1; b=2"),
    ]
    assert scope["subprotocols"] == ["a", "b"]


async def test_a_header_that_is_given_is_left_as_it_is() -> None:
    given = [("Host", "other"), ("Cookie", "raw"), ("Sec-WebSocket-Protocol", "raw"), ("X", "1"), ("X", "2")]
    scope = await Handshake("/", headers=given, cookies={"a": "1"}, subprotocols=["a"]).scope()
    assert headers_of(scope) == [(name.lower().encode(), value.encode()) for name, value in given]


async def test_no_cookies_no_header() -> None:
    assert headers_of(await Handshake("/").scope()) == [(b"host", b"testserver")]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_the_defaults_of_the_client_are_sent(kind: type[Client | AsyncClient]) -> None:
    client = kind(
        headers={"X-One": "1", "X-Two": "2", "Origin": "https://a.example"},
        HTTP_X_THREE="3",
        REMOTE_ADDR="192.0.2.7",
        SERVER_NAME="a.example",
        QUERY_STRING="x=1",
    )
    scope = await Handshake("/", client=client, headers={"x-two": "own"}).scope()
    assert sorted(headers_of(scope)) == [
        (b"host", b"a.example"),
        (b"origin", b"https://a.example"),
        (b"x-one", b"1"),
        (b"x-three", b"3"),
        (b"x-two", b"own"),
    ]
    assert (scope["client"][0], scope["server"], scope["query_string"]) == ("192.0.2.7", ("a.example", 80), b"x=1")
    other = await Handshake("/?y=2", client=client, origin="https://b.example").scope()
    assert [value for name, value in headers_of(other) if name == b"origin"] == [b"https://b.example"]
    assert other["query_string"] == b"y=2"


async def test_any_default_of_an_async_client_is_a_header_but_of_a_client_it_is_none() -> None:
    for client, expected in ((AsyncClient(authorization="x", x_y="z"), 3), (Client(authorization="x", x_y="z"), 1)):
        headers = headers_of(await Handshake("/", client=client).scope())
        assert len(headers) == expected
        assert ((b"x-y", b"z") in headers) is (expected == 3)


async def test_a_cookie_header_of_the_client_stands_for_its_cookies() -> None:
    client = Client(headers={"Cookie": "raw=1"})
    client.cookies["a"] = "b"
    assert (b"cookie", b"raw=1") in headers_of(await Handshake("/", client=client).scope())


async def test_the_cookies_of_the_client_are_sent_and_those_of_the_answer_kept() -> None:
    client = Client()
    client.cookies["old"] = "a b"
    handshake = Handshake("/", client=client, cookies={"once": "1"})
    assert (b"cookie", b'old="a b"; once=1') in headers_of(await handshake.scope())
    handshake.keep_cookies([(b"x", b"y"), (b"set-cookie", b"theme=dark; Path=/; HttpOnly"), (b"set-cookie", b"old=c")])
    assert {name: morsel.value for name, morsel in client.cookies.items()} == {"theme": "dark", "old": "c"}
    assert client.cookies["theme"]["httponly"]


async def test_a_user_is_logged_in_but_for_an_anonymous_one(monkeypatch: pytest.MonkeyPatch) -> None:
    logged_in: list[object] = []

    async def log_in(client: Client, user: object) -> None:
        logged_in.append(user)
        client.cookies["sessionid"] = "key"

    monkeypatch.setattr(Client, "aforce_login", log_in)
    user = User(username="alice")
    assert (b"cookie", b"sessionid=key") in headers_of(await Handshake("/", user=user).scope())
    await Handshake("/", user=AnonymousUser()).scope()
    assert logged_in == [user]


def test_a_denial_is_read_like_a_response() -> None:
    denied = Denied(403, [(b"content-type", b"application/json"), (b"x", b"1"), (b"x", b"2")], b'{"a": "\xc3\xa9"}')
    assert (denied.status, denied.text, denied.json()) == (403, '{"a": "é"}', {"a": "é"})
    assert denied.headers["Content-Type"] == "application/json"
    assert denied.headers["X"] == "2"
    assert repr(denied) == "<Denied 403>"
    with pytest.raises(ValueError, match="Expecting value"):
        Denied(403, [], b"Forbidden").json()
