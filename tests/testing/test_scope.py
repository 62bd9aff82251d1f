"""testing/scope.py"""

from django_ws.testing import websocket_scope


def test_the_scope_is_that_of_a_local_server() -> None:
    assert websocket_scope() == {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }


def test_the_scope_takes_what_it_is_given() -> None:
    scope = websocket_scope(
        "/é/",
        headers=[("Host", "example.com"), ("X-A", "é")],
        subprotocols=("a",),
        query="q=é",
        denial_response=False,
        scheme="wss",
        state={"x": 1},
    )
    assert scope["path"] == "/é/"
    assert scope["raw_path"] == b"/\xc3\xa9/"
    assert scope["headers"] == [(b"host", b"example.com"), (b"x-a", b"\xe9")]
    assert scope["subprotocols"] == ["a"]
    assert scope["query_string"] == b"q=\xc3\xa9"
    assert scope["extensions"] == {}
    assert scope["scheme"] == "wss"
    assert scope["state"] == {"x": 1}


def test_the_host_stands_before_other_headers() -> None:
    assert websocket_scope(headers=[("x", "1")])["headers"] == [(b"host", b"localhost"), (b"x", b"1")]
