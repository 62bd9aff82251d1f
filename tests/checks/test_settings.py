"""checks/settings.py: each wrong setting is told, with what to do; what is right or cannot be told is not."""

import sys

import pytest

from checks.support import told
from django_ws.checks import check_settings

CACHE = "django.core.cache.backends"


def test_right_settings_are_silent() -> None:
    assert told(check_settings) == []
    assert told(check_settings, WS_BASE_URL="wss://example.com", WS_OF_MY_OWN=3, WS_SYNC_LANES=2) == []


def test_every_wrong_setting_is_told_at_once() -> None:
    assert told(check_settings, WS_INBOX_MESSAGES=0, WS_SYNC_LANES="8", WS_MIDDLEWARE="a.B") == [
        ("E001", "WS_MIDDLEWARE is 'a.B', but must be a list of strings"),
        ("E001", "WS_INBOX_MESSAGES is 0, but must be a positive whole number"),
        ("E001", "WS_SYNC_LANES is '8', but must be a positive whole number"),
    ]


def test_a_wrong_base_of_urls_is_told() -> None:
    [(number, text)] = told(check_settings, WS_BASE_URL="https://example.com")
    assert number == "E009"
    assert text.startswith("WS_BASE_URL is 'https://example.com', but must be")


def test_a_codec_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    monkeypatch.delitem(sys.modules, "django_ws.codecs.msgspec", raising=False)
    name = "django_ws.codecs.msgspec.MsgspecCodec"
    [(number, text)] = told(check_settings, WS_JSON_CODEC=name)
    assert number == "E008"
    assert text.startswith(f"WS_JSON_CODEC names '{name}', which cannot be used: ImproperlyConfigured: ")
    assert text.endswith(" needs msgspec, which is not installed: pip install 'django-ws[msgspec]'")


def test_a_codec_that_is_not_there_is_told() -> None:
    [(number, text)] = told(check_settings, WS_JSON_CODEC="nowhere.Codec")
    assert number == "E008"
    assert text.startswith("WS_JSON_CODEC names 'nowhere.Codec', of which no codec can be made")


def test_a_skipped_middleware_that_is_not_there_is_told() -> None:
    there = "django.contrib.sessions.middleware.SessionMiddleware"
    assert told(check_settings, WS_SKIP_MIDDLEWARE=[there, "a.B"]) == [
        ("W004", "WS_SKIP_MIDDLEWARE names 'a.B', which does not stand in MIDDLEWARE")
    ]


@pytest.mark.parametrize(
    ("backend", "warned"),
    [
        (f"{CACHE}.locmem.LocMemCache", True),
        (f"{CACHE}.dummy.DummyCache", True),
        (f"{CACHE}.filebased.FileBasedCache", True),
        (f"{CACHE}.redis.RedisCache", False),
        (f"{CACHE}.db.DatabaseCache", False),
        ("nowhere.Cache", False),
        (None, False),
    ],
)
def test_a_cache_that_is_not_shared_is_told(backend: str | None, warned: bool) -> None:
    shared = {} if backend is None else {"BACKEND": backend, "LOCATION": "redis://localhost"}
    caches = {"default": {"BACKEND": f"{CACHE}.dummy.DummyCache"}, "shared": shared}
    found = told(check_settings, CACHES=caches, WS_CONNECTIONS_CACHE="shared")
    assert [number for number, _ in found] == ["W006"] * warned


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WS_MIDDLEWARES", "WS_MIDDLEWARE"),
        ("WS_ALLOWED_ORIGIN", "WS_ALLOWED_ORIGINS"),
        ("WS_INDLE_TIMEOUT", "WS_IDLE_TIMEOUT"),
        ("ROOT_WS_URLCONFIG", "ROOT_WS_URLCONF"),
        ("WS_BASE_URI", "WS_BASE_URL"),
    ],
)
def test_a_name_that_is_misspelt_is_told(name: str, meant: str) -> None:
    assert told(check_settings, **{name: None}) == [
        ("W007", f"There is no setting {name}, which has no effect; {meant} may be meant")
    ]


@pytest.mark.parametrize("name", ["WS_COLOUR", "WS_LIMIT", "AWS_BASE_URL", "VIEWS_MIDDLEWARE"])
def test_a_setting_of_the_projects_own_is_not_taken_for_ours(name: str) -> None:
    assert told(check_settings, **{name: None}) == []
