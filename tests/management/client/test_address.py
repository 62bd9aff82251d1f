"""management/client/address.py: what a command line may say of a server."""

import pytest
from django.core.management import CommandError
from django.test import override_settings

from django_ws.management.client.address import DEFAULT_SERVER, read_address


@pytest.mark.parametrize(
    ("path", "server", "url", "host", "port"),
    [
        ("/ws/", None, "ws://127.0.0.1:8000/ws/", "127.0.0.1", 8000),
        ("ws/?a=1", None, "ws://127.0.0.1:8000/ws/?a=1", "127.0.0.1", 8000),
        ("/ws/?next=http://a/", None, "ws://127.0.0.1:8000/ws/?next=http://a/", "127.0.0.1", 8000),
        ("", "9000", "ws://127.0.0.1:9000/", "127.0.0.1", 9000),
        ("/ws/", ":9000", "ws://127.0.0.1:9000/ws/", "127.0.0.1", 9000),
        ("/ws/", "example.com", "ws://example.com/ws/", "example.com", 80),
        ("/ws/", "https://example.com/behind/", "wss://example.com/behind/ws/", "example.com", 443),
        ("/ws/", "wss://[::1]:9000", "wss://[::1]:9000/ws/", "::1", 9000),
        ("wss://example.com", None, "wss://example.com/", "example.com", 443),
        ("http://example.com:81/ws/?a=1", None, "ws://example.com:81/ws/?a=1", "example.com", 81),
        ("/räume/", None, "ws://127.0.0.1:8000/r%C3%A4ume/", "127.0.0.1", 8000),
    ],
)
def test_a_path_and_a_server_make_a_url(path: str, server: str | None, url: str, host: str, port: int) -> None:
    address = read_address(path, server=server)
    assert (address.url, address.host, address.port) == (url, host, port)


@override_settings(WS_BASE_URL="wss://sockets.example.com")
def test_the_server_of_the_settings_is_the_default() -> None:
    assert read_address("/ws/").url == "wss://sockets.example.com/ws/"
    assert read_address("/ws/", server=DEFAULT_SERVER).url == "ws://127.0.0.1:8000/ws/"


@override_settings(WS_BASE_URL="example.com")
def test_a_setting_that_is_wrong_is_told() -> None:
    with pytest.raises(CommandError, match=r"WS_BASE_URL is 'example\.com'.*--host"):
        read_address("/ws/")


@pytest.mark.parametrize(
    ("path", "server", "why"),
    [
        ("ws://a/", "b", "leave out --host"),
        ("ftp://a/", None, "is no URL of a server"),
        ("/ws/", "http://:80", "is no URL of a server"),
        ("/ws/", "a:0", "is no URL of a server"),
        ("/ws/", "a:99999", "Port out of range"),
        ("/ws/#top", None, "has a fragment"),
        ("/ws/", "http://a/?b=1", "write it behind the path"),
    ],
)
def test_what_cannot_be_reached_is_told(path: str, server: str | None, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        read_address(path, server=server)


def test_the_origin_is_the_servers_own_unless_another_one_is_named() -> None:
    own = read_address("/ws/", server="wss://me:secret@example.com:444")
    assert (own.origin, own.is_own_origin) == ("https://example.com:444", True)
    other = read_address("/ws/", origin="https://evil.example")
    assert (other.origin, other.is_own_origin) == ("https://evil.example", False)
    none = read_address("/ws/", origin="")
    assert (none.origin, none.is_own_origin) == (None, True)


def test_headers_are_sent_and_a_host_changes_the_name_alone() -> None:
    address = read_address("/ws/", headers=["X-One: 1", "Host: tenant.example:81", "X-Empty:"])
    assert address.headers == (("X-One", "1"), ("X-Empty", ""))
    assert (address.url, address.host, address.port) == ("ws://tenant.example:81/ws/", "127.0.0.1", 8000)
    assert address.origin == "http://tenant.example:81"


@pytest.mark.parametrize("header", ["no colon", "bad name: x", ": x", "A: ü", "A: b\r\nC: d"])
def test_a_header_that_is_none_is_told(header: str) -> None:
    with pytest.raises(CommandError, match="is no header"):
        read_address("/ws/", headers=[header])


def test_no_proxy_leads_to_this_machine() -> None:
    servers = {"127.0.0.1": True, "[::1]": True, "localhost": True, "a.localhost:1": True, "example.com": False}
    assert {server: read_address("/", server=server).is_direct for server in servers} == servers
    assert read_address("/", server="10.0.0.1", headers=["Host: example.com"]).is_direct


def test_cookies_are_sent_in_one_header() -> None:
    address = read_address("/ws/", headers=["cookie: a=1", "X-One: 1"]).with_cookie("sessionid=s")
    assert address.headers == (("X-One", "1"), ("Cookie", "sessionid=s; a=1"))
