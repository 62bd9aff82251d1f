"""management/origins.py: what it says is what the check of a handshake does."""

import pytest
from django.test import override_settings

from django_ws.management.origins import has_more, why_never
from django_ws.routing import Verdict, WebSocketRequest, check_origin
from django_ws.testing import websocket_scope

SITES = ["https://example.com", "https://a.example.com", "http://example.com", "https://xn--bcher-kva.example", "null"]


def lets_in(entry: str, origin: str) -> bool:
    """Say whether a handshake from ``origin`` is let in by ``entry``."""
    scope = websocket_scope("/", headers=[("host", "testserver"), ("origin", origin)])
    with override_settings(WS_ALLOWED_ORIGINS=[entry]):
        return check_origin(scope, WebSocketRequest(scope)) is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("example.com", "no scheme"),
        ("*.example.com", "no scheme"),
        ("null", "no scheme"),
        ("", "no scheme"),
        ("wss://example.com", "of http or https"),
        ("WS://example.com", "of http or https"),
        ("https://", "no host"),
        ("https://exa mple.com", "no host"),
        (" https://example.com", "no host"),
        ("https://b\xfccher.example", "in ASCII"),
        ("https://*example.net", "a wildcard"),
        ("https://*", "a wildcard"),
        ("https://a.*.com", "a wildcard"),
        ("https://*.*.com", "a wildcard"),
        ("https://*.example.com/", "follows the host"),
        ("https://*.example.com?a", "follows the host"),
    ],
)
def test_what_matches_no_site_is_told(entry: str, why: str) -> None:
    assert why in why_never(entry)
    assert not any(lets_in(entry, site) for site in SITES)


@pytest.mark.parametrize("entry", ["https://example.com:port", "https://[::1", "https://example.com:99999"])
def test_what_is_malformed_is_told(entry: str) -> None:
    assert "one that cannot be" in why_never(entry)


@pytest.mark.parametrize(
    ("entry", "more"),
    [
        ("https://example.com", False),
        ("HTTPS://EXAMPLE.COM", False),
        ("https://example.com:443", False),
        ("https://*.example.com", False),
        ("https://*.example.com:443", False),
        ("https://example.com/", True),
        ("https://example.com/path", True),
        ("https://example.com?a", True),
        ("https://example.com#a", True),
        ("https://me@example.com", True),
    ],
)
def test_what_may_match_is_not_told_as_never(entry: str, more: bool) -> None:
    assert why_never(entry) == ""
    assert has_more(entry) is more
    port = ":443" if entry.startswith("https://*") and entry.endswith(":443") else ""
    assert any(lets_in(entry, f"{site}{port}") for site in SITES[:2])
