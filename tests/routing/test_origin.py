import pytest
from django.test import override_settings

from django_ws.routing import origin as module
from django_ws.routing.origin import Verdict, check_origin
from django_ws.routing.request import WebSocketRequest

ALLOWED = Verdict.ALLOWED
FOREIGN = Verdict.FOREIGN_ORIGIN
BAD = Verdict.BAD_ORIGIN
SCHEME = Verdict.OTHER_SCHEME
BAD_HOST = Verdict.BAD_HOST


def check(
    *origins: str | bytes,
    host: str | None = "localhost:8000",
    scheme: str | None = "ws",
    hosts: tuple[str, ...] = (),
    **headers: str,
) -> Verdict:
    raw = [(b"host", name.encode()) for name in ((host,) if host is not None else ()) + hosts]
    raw += [(b"origin", value if isinstance(value, bytes) else value.encode()) for value in origins]
    raw += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "path": "/", "headers": raw, "server": ("127.0.0.1", 8000), "scheme": scheme}
    # Asked twice: the second answer may come out of the cache and has to be the same.
    verdict = check_origin(scope, WebSocketRequest(scope))
    assert check_origin(scope, WebSocketRequest(scope)) is verdict
    return verdict


# --- the handshake's own site ------------------------------------------------------------------------


def test_a_client_without_an_origin_is_no_browser_and_let_in() -> None:
    assert check() is ALLOWED


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "verdict"),
    [
        ("http://localhost:8000", "localhost:8000", "ws", ALLOWED),
        ("http://localhost", "localhost", "ws", ALLOWED),
        ("http://localhost:80", "localhost", "ws", ALLOWED),
        ("http://localhost", "localhost:80", "ws", ALLOWED),
        ("https://localhost", "localhost", "wss", ALLOWED),
        ("https://localhost:443", "localhost", "wss", ALLOWED),
        ("https://localhost", "localhost:443", "wss", ALLOWED),
        ("HTTP://LOCALHOST:8000", "localhost:8000", "ws", ALLOWED),
        ("http://localhost:8000", "LocalHost:8000", "ws", ALLOWED),
        ("http://localhost:8000", "localhost:8000", None, ALLOWED),
        ("http://[::1]:8000", "[::1]:8000", "ws", ALLOWED),
        ("http://[::1]", "[::1]", "ws", ALLOWED),
        ("http://localhost:8001", "localhost:8000", "ws", FOREIGN),
        ("http://localhost", "localhost:8000", "ws", FOREIGN),
        ("http://localhost:8000", "localhost", "ws", FOREIGN),
        ("http://localhost:443", "localhost", "ws", FOREIGN),
        ("http://localhost:0", "localhost", "ws", FOREIGN),
        ("http://127.0.0.1:8000", "localhost:8000", "ws", FOREIGN),
        ("http://evil.example", "localhost:8000", "ws", FOREIGN),
        ("http://localhost.evil.example", "localhost", "ws", FOREIGN),
        ("http://evil-localhost", "localhost", "ws", FOREIGN),
        ("http://[::2]:8000", "[::1]:8000", "ws", FOREIGN),
        ("https://evil.example", "localhost", "ws", FOREIGN),
        ("ftp://evil.example", "localhost", "ws", FOREIGN),
        ("https://localhost:8000", "localhost:8000", "ws", SCHEME),
        ("https://localhost", "localhost:8000", "ws", SCHEME),
        ("http://localhost", "localhost", "wss", SCHEME),
        ("ws://localhost", "localhost", "ws", SCHEME),
        ("chrome-extension://localhost", "localhost", "ws", SCHEME),
    ],
)
@override_settings(ALLOWED_HOSTS=["localhost", "[::1]"])
def test_an_origin_is_let_in_where_scheme_host_and_port_are_the_handshakes_own(
    origin: str, host: str, scheme: str | None, verdict: Verdict
) -> None:
    assert check(origin, host=host, scheme=scheme) is verdict


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "NULL",
        "localhost:8000",
        "//localhost:8000",
        "http://",
        "http://:8000",
        "http:localhost:8000",
        "http://localhost:8000/",
        "http://localhost:8000/path",
        "http://localhost:8000?query",
        "http://localhost:8000#fragment",
        "http://user@localhost:8000",
        "http://user:secret@localhost:8000",
        "http://@localhost:8000",
        "http://localhost:port",
        "http://localhost:-1",
        "http://localhost:65536",
        "http://[::1",
        "http://[localhost]:8000",
        "http://localhost:8000, http://evil.example/",
        b"http://localh\xc3\xb6st:8000",
        b"\xff",
    ],
)
def test_an_origin_that_is_no_scheme_and_host_is_refused(origin: str | bytes) -> None:
    assert check(origin) is BAD


@override_settings(WS_ALLOWED_ORIGINS=["*"])
def test_null_and_malformed_origins_are_refused_also_where_every_site_is_let_in() -> None:
    assert check("null") is BAD
    assert check("") is BAD
    assert check("http://localhost:port") is BAD


def test_two_origins_are_refused() -> None:
    assert check("http://localhost:8000", "http://localhost:8000") is Verdict.SEVERAL_ORIGINS
    assert check("http://localhost:8000", "http://evil.example") is Verdict.SEVERAL_ORIGINS


# --- named origins -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "verdict"),
    [
        ("https://trusted.example", ALLOWED),
        ("https://trusted.example:443", ALLOWED),
        ("HTTPS://Trusted.Example", ALLOWED),
        ("http://trusted.example", FOREIGN),
        ("https://trusted.example:8443", FOREIGN),
        ("https://sub.trusted.example", FOREIGN),
        ("https://wild.example", ALLOWED),
        ("https://a.wild.example", ALLOWED),
        ("https://a.b.wild.example", ALLOWED),
        ("https://A.Wild.Example", ALLOWED),
        ("http://a.wild.example", FOREIGN),
        ("https://evilwild.example", FOREIGN),
        ("https://wild.example.evil", FOREIGN),
        ("https://a.wild.example:8443", FOREIGN),
        ("http://a.port.example:8443", ALLOWED),
        ("http://a.port.example", FOREIGN),
        ("http://upper.example", ALLOWED),
        ("http://localhost:8000", ALLOWED),
    ],
)
@override_settings(
    CSRF_TRUSTED_ORIGINS=[
        "https://trusted.example",
        "https://*.wild.example",
        "http://*.port.example:8443",
        "HTTP://UPPER.example",
    ]
)
def test_the_trusted_origins_of_django_are_let_in(origin: str, verdict: Verdict) -> None:
    assert check(origin) is verdict


@override_settings(WS_ALLOWED_ORIGINS=["https://app.example", "https://*.wild.example"])
@pytest.mark.parametrize(
    ("origin", "verdict"),
    [
        ("https://app.example", ALLOWED),
        ("https://a.wild.example", ALLOWED),
        ("https://trusted.example", FOREIGN),
        ("http://localhost:8000", ALLOWED),
    ],
)
def test_allowed_origins_take_the_place_of_the_trusted_ones(origin: str, verdict: Verdict) -> None:
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://trusted.example"]):
        assert check(origin) is verdict


@override_settings(WS_ALLOWED_ORIGINS=[], CSRF_TRUSTED_ORIGINS=["https://trusted.example"])
def test_an_empty_list_lets_in_no_site_but_its_own() -> None:
    assert check("https://trusted.example") is FOREIGN
    assert check("http://localhost:8000") is ALLOWED
    assert check() is ALLOWED


@override_settings(WS_ALLOWED_ORIGINS=["*"])
@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost", "chrome-extension://abc"])
def test_a_star_lets_every_site_in(origin: str) -> None:
    assert check(origin) is ALLOWED


@override_settings(
    WS_ALLOWED_ORIGINS=[
        *("evil.example", "*.evil.example", "https://*", "https://", ""),
        *("https://evil.example:port", "https://[::1", "https://evil.example:99999"),
    ]
)
@pytest.mark.parametrize("origin", ["https://evil.example", "https://a.evil.example", "https://other.example"])
def test_an_entry_that_is_no_origin_lets_nobody_in(origin: str) -> None:
    assert check(origin) is FOREIGN


@override_settings(WS_ALLOWED_ORIGINS=["chrome-extension://abcdef"])
def test_an_extension_can_be_named() -> None:
    assert check("chrome-extension://abcdef") is ALLOWED
    assert check("chrome-extension://other") is FOREIGN


# --- Host --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "local host", "localhost:port", "localhost/", "a@localhost"]
)
@pytest.mark.parametrize("origins", [(), ("http://evil.example",), ("http://localhost:8000",)])
def test_a_host_that_is_not_ours_is_refused_whatever_the_origin(host: str, origins: tuple[str, ...]) -> None:
    assert check(*origins, host=host) is BAD_HOST


@override_settings(ALLOWED_HOSTS=["*"])
@pytest.mark.parametrize("host", ["localhost:65536", "localhost:99999999", "[:::::]", "[::1::]"])
def test_a_host_that_django_takes_but_nobody_can_parse_is_refused_and_no_error(host: str) -> None:
    assert check("http://localhost:8000", host=host) is BAD_HOST


def test_two_hosts_are_refused() -> None:
    assert check("http://localhost:8000", hosts=("evil.example",)) is BAD_HOST


def test_without_a_host_the_address_of_the_server_counts() -> None:
    assert check(host=None) is ALLOWED
    assert check("http://127.0.0.1:8000", host=None) is ALLOWED
    assert check("http://localhost:8000", host=None) is FOREIGN


@pytest.mark.parametrize("headers", [[], None])
def test_a_handshake_without_any_header_is_let_in_where_its_server_is(headers: object) -> None:
    scope = {"type": "websocket", "path": "/", "headers": headers}
    with override_settings(ALLOWED_HOSTS=["127.0.0.1"]):
        request = WebSocketRequest({**scope, "headers": [], "server": ("127.0.0.1", 80)})
        assert check_origin(scope, request) is ALLOWED


# --- behind a proxy ----------------------------------------------------------------------------------


@override_settings(ALLOWED_HOSTS=["shop.example"], USE_X_FORWARDED_HOST=True)
def test_the_host_of_a_proxy_counts_where_the_settings_say_so() -> None:
    assert check("http://shop.example", x_forwarded_host="shop.example") is ALLOWED
    assert check("http://localhost:8000", x_forwarded_host="shop.example") is FOREIGN
    assert check("http://shop.example", x_forwarded_host="evil.example") is BAD_HOST


@override_settings(ALLOWED_HOSTS=["shop.example", "localhost"])
def test_the_host_of_a_proxy_does_not_count_otherwise() -> None:
    assert check("http://shop.example", x_forwarded_host="shop.example") is FOREIGN


@override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
def test_the_scheme_of_a_proxy_counts_where_the_settings_say_so() -> None:
    assert check("https://localhost:8000", x_forwarded_proto="https") is ALLOWED
    assert check("http://localhost:8000", x_forwarded_proto="https") is SCHEME
    assert check("https://localhost:8000", x_forwarded_proto="http") is SCHEME
    assert check("http://localhost:8000", x_forwarded_proto="http") is ALLOWED


def test_the_scheme_of_a_proxy_does_not_count_otherwise() -> None:
    assert check("https://localhost:8000", x_forwarded_proto="https") is SCHEME


# --- the cache ---------------------------------------------------------------------------------------


class Untouchable:
    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the request was asked for {name}")


def scope_of(host: str, origin: str, scheme: str = "ws") -> dict[str, object]:
    return {
        "type": "websocket",
        "path": "/",
        "scheme": scheme,
        "headers": [(b"host", host.encode()), (b"origin", origin.encode())],
    }


def test_a_verdict_is_remembered_and_the_request_not_looked_at_again() -> None:
    scope = scope_of("localhost", "http://localhost")
    assert check_origin(scope, WebSocketRequest(scope)) is ALLOWED
    assert check_origin(scope, Untouchable()) is ALLOWED  # type: ignore[arg-type]


def test_the_schemes_are_told_apart() -> None:
    for scheme, verdict in [("ws", ALLOWED), ("wss", SCHEME)] * 2:
        scope = scope_of("localhost", "http://localhost", scheme)
        assert check_origin(scope, WebSocketRequest(scope)) is verdict


@pytest.mark.parametrize(
    "setting", [{"USE_X_FORWARDED_HOST": True}, {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}]
)
def test_nothing_is_remembered_where_a_proxys_headers_count(setting: dict[str, object]) -> None:
    with override_settings(**setting):
        check("http://localhost:8000")
        assert module._verdicts == {}


def test_an_overridden_setting_is_followed_and_followed_back() -> None:
    assert check("https://app.example") is FOREIGN
    with override_settings(WS_ALLOWED_ORIGINS=["https://app.example"]):
        assert check("https://app.example") is ALLOWED
    assert check("https://app.example") is FOREIGN
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://app.example"]):
        assert check("https://app.example") is ALLOWED
    with override_settings(ALLOWED_HOSTS=["other.example"]):
        assert check("https://app.example") is BAD_HOST
    assert check("https://app.example") is FOREIGN


def test_the_memory_is_bounded() -> None:
    with override_settings(WS_ALLOWED_ORIGINS=["*"]):
        sizes = []
        for number in range(2100):
            scope = scope_of("localhost", f"http://site{number}.example")
            assert check_origin(scope, WebSocketRequest(scope)) is ALLOWED
            sizes.append(len(module._verdicts))
    assert max(sizes) == 1024
    assert sizes[1024] == 1
    assert module._verdicts == {}


def test_a_refusal_is_not_remembered() -> None:
    with override_settings(DEBUG=False):
        assert check("https://app.example") is FOREIGN
        assert module._verdicts == {}


def test_a_long_pair_is_not_remembered() -> None:
    with override_settings(WS_ALLOWED_ORIGINS=["*"]):
        assert check(f"https://{'a' * 500}.example") is ALLOWED
        assert module._verdicts == {}
        assert check("https://app.example") is ALLOWED
        assert len(module._verdicts) == 1


def test_every_refusal_ends_a_sentence_in_the_log() -> None:
    for verdict in set(Verdict) - {ALLOWED}:
        assert verdict.value.startswith("it")
        assert not verdict.value.endswith(".")
