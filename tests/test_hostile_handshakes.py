"""Every malformed, oversized, hostile or early-dying handshake is answered clearly, or served; never a traceback.

What an ASGI server may hand on of what a client sent: any bytes in headers and query, any text in the path.
"""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from django_ws import JSON, WebSocketHandler, get_websocket_application
from django_ws.testing import Peer, websocket_scope
from django_ws.urls import path, re_path
from serving import no_http


class Curious(WebSocketHandler):
    """Looks at all that a request has."""

    subprotocols = ("chat.v1",)

    @override
    async def on_open(self) -> None:
        request = self.request
        await self.send(
            {
                "path": request.get_full_path(),
                "absolute": request.build_absolute_uri(),
                "query": list(request.GET),
                "cookies": list(request.COOKIES),
                "headers": len(request.headers),
                "host": request.get_host(),
                "secure": request.is_secure(),
                "type": request.content_type,
                "body": len(request.body),
                "accepts": request.accepts("text/html"),
                "client": request.META.get("REMOTE_ADDR"),
            }
        )

    @override
    async def on_message(self, data: JSON) -> None:
        await self.close()


urlpatterns = [path("ws/", Curious), path("ws/<int:number>/<path:rest>", Curious), re_path(r"^any/(.*)$", Curious)]

OPTIONAL = ["client", "subprotocols", "extensions", "server", "root_path"]

text = st.text(max_size=200)
paths = st.one_of(
    text,
    text.map(lambda rest: f"/ws/{rest}"),
    text.map(lambda rest: f"/any/{rest}"),
    text.map(lambda rest: f"/ws/{'9' * 400}/{rest}"),
    st.just("/ws/"),
)
queries = st.one_of(
    st.binary(max_size=300), st.just(b"%ff=%zz&%"), st.just(b"a=1&" * 2000), st.just(b"=".join([b"x"] * 300))
)
hosts = st.one_of(
    st.just(b"localhost"),
    st.binary(max_size=100),
    st.sampled_from([b"", b"localhost:99999", b"[::1", b"evil.example", b"localhost:8000, other", b"*", b"a" * 9000]),
)
origins = st.one_of(
    st.just(b"http://localhost"),
    st.binary(max_size=100),
    st.sampled_from([b"", b"null", b"http://", b"http://[", b"https://localhost:x", b"http://localhost/x", b"file://"]),
)
cookies = st.one_of(
    st.binary(max_size=300),
    st.just(b"a=" + b"x" * 16_384),
    st.just(b";".join(b"c%d=1" % number for number in range(2000))),
    st.sampled_from([b"a", b"=", b'a="', b"\xff=\xfe", b"sessionid=" + b"\x00" * 50, b"a=1;;;;=;\r\n"]),
)
names = st.sampled_from(
    [
        *(b"content-type", b"content-length", b"transfer-encoding", b"x-forwarded-for", b"x-forwarded-proto"),
        *(b"sec-websocket-extensions", b"sec-websocket-protocol", b"upgrade", b"accept", b"accept-language"),
        *(b":authority", b"", b"x y", b"\xff", b"x-forwarded-host", b"authorization"),
    ]
)
headers = st.builds(
    lambda host, origin, cookie, others: [
        *([] if host is None else [(b"host", value) for value in host]),
        *([] if origin is None else [(b"origin", value) for value in origin]),
        *([] if cookie is None else [(b"cookie", cookie)]),
        *others,
    ],
    st.one_of(st.none(), st.lists(hosts, max_size=2), st.just([b"localhost"])),
    st.one_of(st.none(), st.lists(origins, max_size=2)),
    st.one_of(st.none(), cookies),
    st.lists(st.tuples(names, st.binary(max_size=100)), max_size=4),
)
extensions: st.SearchStrategy[object] = st.sampled_from(
    [None, {}, {"websocket.http.response": {}}, {"unknown": None, "websocket.http.response": None}, {"tls": {"x": 1}}]
)
clients = st.sampled_from(
    [
        None,
        ("203.0.113.5", 1),
        ["::1", 2],
        ("", None),
        ("testclient", 0),
        ("fe80::1%eth0", 3),
        "odd",
        (),
        ("a" * 999, 4),
    ]
)
scopes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "path": paths,
        "query_string": queries,
        "headers": headers,
        "extensions": extensions,
        "client": clients,
        "scheme": st.sampled_from(["ws", "wss", "http", "odd"]),
        "http_version": st.sampled_from(["1.1", "2", "3", "1.0"]),
        "root_path": st.sampled_from(["", "/ws", "/x/", "\udcff"]),
        "subprotocols": st.one_of(st.none(), st.lists(text, max_size=5), st.just(["chat.v1"] * 500), st.just("odd")),
    },
    optional={"raw_path": st.binary(max_size=50), "server": st.sampled_from([None, ("h", None), ["unix:x", 0]])},
)


class Lines(logging.Handler):
    """Keeps what is logged, unformatted: there are thousands of examples."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(params=["http", "close"])
def denial(request: pytest.FixtureRequest) -> Iterator[str]:
    with override_settings(ROOT_WS_URLCONF=__name__, WS_DENIAL=request.param):
        yield request.param


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    logging.getLogger().addHandler(lines)
    yield lines
    logging.getLogger().removeHandler(lines)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(changed=scopes, left_out=st.sets(st.sampled_from(OPTIONAL)))
async def test_a_handshake_of_any_kind_is_answered(
    denial: str, lines: Lines, changed: dict[str, Any], left_out: set[str]
) -> None:
    lines.records.clear()
    scope = {**websocket_scope(), **changed}
    for name in left_out:
        scope.pop(name, None)
    async with Peer(get_websocket_application(no_http), scope) as peer:
        accepted = await peer.connect()
        if accepted and not peer.close_code:
            peer.text("{}")
        code = await peer.wait_closed() if accepted else None
    assert not [record for record in lines.records if record.exc_info or record.levelno > logging.WARNING]
    if code == 1000:
        assert lines.records == []
        return
    (record,) = lines.records
    assert record.name in {"django_ws", "django.security.DisallowedHost"}
    if not accepted:
        assert peer.denied_status in {400, 403, 404}
    else:
        # A query of more fields than DATA_UPLOAD_MAX_NUMBER_FIELDS shows when a hook first looks at it.
        assert code == 1008 or (denial, code) == ("close", 4404)


@pytest.mark.parametrize("left_out", ["path", "headers", "query_string"])
@override_settings(ROOT_WS_URLCONF=__name__)
async def test_a_scope_of_a_broken_server_is_answered(left_out: str, caplog: pytest.LogCaptureFixture) -> None:
    scope = websocket_scope("/ws/")
    del scope[left_out]
    async with Peer(get_websocket_application(no_http), scope) as peer:
        accepted = await peer.connect()
    assert accepted is (left_out != "path")
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


@override_settings(ROOT_WS_URLCONF=__name__)
async def test_a_client_that_dies_at_once_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    for way in ("disconnect", "vanish"):
        peer = Peer(get_websocket_application(no_http), websocket_scope("/ws/"))
        peer.ask()
        getattr(peer, way)()
        await peer.start()
    assert [record.getMessage() for record in caplog.records] == []
