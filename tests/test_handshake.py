"""handshake.py"""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation

from django_ws.handshake import ForeignOriginError, UnreadableHandshakeError, read_handshake
from django_ws.testing import websocket_scope


def test_a_handshake_that_may_be_looked_at_becomes_a_request() -> None:
    request = read_handshake(websocket_scope("/room/7/", query="a=1"))
    assert (request.path, request.GET["a"], request.match) == ("/room/7/", "1", None)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ([("origin", "https://evil.example")], "its Origin is another site"),
        ([("origin", "null")], "its Origin is not a scheme and a host"),
        ([("origin", "")], "its Origin is not a scheme and a host"),
        ([("origin", "http://localhost"), ("origin", "http://localhost")], "it has more than one Origin header"),
    ],
)
def test_another_site_is_forbidden(headers: list[tuple[str, str]], why: str) -> None:
    with pytest.raises(ForeignOriginError, match=why) as refused:
        read_handshake(websocket_scope(headers=headers))
    assert isinstance(refused.value, PermissionDenied)
    assert "evil" not in str(refused.value)


def test_another_host_is_a_bad_request() -> None:
    with pytest.raises(UnreadableHandshakeError, match="its Host is malformed or not in ALLOWED_HOSTS") as refused:
        read_handshake(websocket_scope(headers=[("host", "evil.example")]))
    assert isinstance(refused.value, SuspiciousOperation)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"query_string": b"\xff"}, "its query string is not UTF-8"),
        ({"path": None}, "it has no path"),
        ({"path": b"/"}, "it has no path"),
        ({"headers": [b"host"]}, "it cannot be read as a request"),
        ({"headers": [(b"host", "localhost")]}, "it cannot be read as a request"),
        ({"headers": 5}, "it cannot be read as a request"),
    ],
)
def test_what_cannot_be_read_is_a_bad_request(changed: dict[str, object], why: str) -> None:
    with pytest.raises(UnreadableHandshakeError, match=why):
        read_handshake({**websocket_scope(), **changed})


def test_a_scope_without_a_path_is_a_bad_request() -> None:
    scope = websocket_scope()
    del scope["path"]
    with pytest.raises(UnreadableHandshakeError, match="it has no path"):
        read_handshake(scope)
