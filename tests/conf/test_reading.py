import gc
from dataclasses import asdict
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_ws.conf import BrokerSettings, Denial, WebSocketSettings, get_settings, reading, wrong_settings


def test_the_defaults_are_the_documented_ones() -> None:
    assert asdict(get_settings()) == {
        "urlconf": None,
        "middleware": (),
        "allowed_origins": None,
        "denial": Denial.HTTP,
        "max_message_size": 1_048_576,
        "max_message_depth": 128,
        "messages_per_second": 100.0,
        "messages_burst": 1000,
        "max_connections_per_address": 256,
        "unlimited_addresses": None,
        "max_connections_per_user": None,
        "connections_cache": None,
        "handshake_timeout": 10.0,
        "idle_timeout": None,
        "revalidate": None,
        "disconnect_on": ("logout", "password", "deactivation"),
        "inbox_messages": 32,
        "outbox_messages": 256,
        "outbox_bytes": 1_048_576,
        "disconnect_grace": 10.0,
        "cleanup_timeout": 10.0,
        "sync_lanes": 8,
        "brokers": {
            "default": {"backend": "django_ws.topics.engines.memory.MemoryBroker", "location": "", "options": {}}
        },
        "broker_timeout": 10.0,
        "root_urlconf": "testproject.urls",
        "skip_middleware": (),
        "json_codec": None,
        "script_name": "",
        "behind_proxy": False,
    }


def test_what_is_read_from_no_settings_is_what_the_class_has_for_defaults() -> None:
    assert get_settings() == WebSocketSettings(root_urlconf="testproject.urls")


@override_settings(
    ROOT_WS_URLCONF="shop.sockets",
    WS_JSON_CODEC="shop.codecs.Fast",
    WS_MIDDLEWARE=["a.b", "c.d"],
    WS_SKIP_MIDDLEWARE=["e.f"],
    WS_ALLOWED_ORIGINS=("https://example.com",),
    WS_DENIAL="close",
    WS_MAX_MESSAGE_SIZE=1,
    WS_MAX_MESSAGE_DEPTH=6,
    WS_MESSAGES_PER_SECOND=7,
    WS_MESSAGES_BURST=8,
    WS_MAX_CONNECTIONS_PER_ADDRESS=9,
    WS_UNLIMITED_ADDRESSES=["192.0.2.0/24", "2001:db8::1"],
    WS_MAX_CONNECTIONS_PER_USER=10,
    WS_CONNECTIONS_CACHE="default",
    WS_HANDSHAKE_TIMEOUT=11,
    WS_IDLE_TIMEOUT=12.5,
    WS_REVALIDATE=timedelta(minutes=1),
    WS_DISCONNECT_ON=["logout"],
    WS_INBOX_MESSAGES=2,
    WS_OUTBOX_MESSAGES=3,
    WS_OUTBOX_BYTES=4,
    WS_DISCONNECT_GRACE=0,
    WS_CLEANUP_TIMEOUT=1.5,
    WS_SYNC_LANES=5,
    WS_BROKERS={"other": {"BACKEND": "a.B", "LOCATION": "there", "OPTIONS": {"x": 1}}},
    WS_BROKER_TIMEOUT=13,
    ROOT_URLCONF="shop.urls",
    FORCE_SCRIPT_NAME="/shop",
    USE_X_FORWARDED_HOST=True,
)
def test_every_setting_is_read_under_its_name() -> None:
    assert get_settings() == WebSocketSettings(
        urlconf="shop.sockets",
        json_codec="shop.codecs.Fast",
        skip_middleware=("e.f",),
        middleware=("a.b", "c.d"),
        allowed_origins=("https://example.com",),
        denial=Denial.CLOSE,
        max_message_size=1,
        max_message_depth=6,
        messages_per_second=7.0,
        messages_burst=8,
        max_connections_per_address=9,
        unlimited_addresses=("192.0.2.0/24", "2001:db8::1"),
        max_connections_per_user=10,
        connections_cache="default",
        handshake_timeout=11.0,
        idle_timeout=12.5,
        revalidate=timedelta(minutes=1),
        disconnect_on=("logout",),
        inbox_messages=2,
        outbox_messages=3,
        outbox_bytes=4,
        disconnect_grace=0.0,
        cleanup_timeout=1.5,
        sync_lanes=5,
        brokers={"other": BrokerSettings("a.B", "there", {"x": 1})},
        broker_timeout=13.0,
        root_urlconf="shop.urls",
        script_name="/shop",
        behind_proxy=True,
    )


@override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
def test_a_scheme_from_a_proxy_counts_as_a_proxy() -> None:
    assert get_settings().behind_proxy is True


def test_a_wrong_value_that_was_put_right_leaves_nothing_behind() -> None:
    with override_settings(WS_INBOX_MESSAGES=0), pytest.raises(ImproperlyConfigured):
        get_settings()
    assert get_settings().inbox_messages == 32


def test_the_settings_are_read_once() -> None:
    assert get_settings() is get_settings()


@pytest.mark.parametrize(
    "name",
    [
        "ROOT_URLCONF",
        "ROOT_WS_URLCONF",
        "WS_JSON_CODEC",
        "WS_SKIP_MIDDLEWARE",
        "MIDDLEWARE",
        "WS_MIDDLEWARE",
        "WS_ALLOWED_ORIGINS",
        "WS_MAX_MESSAGE_SIZE",
        "WS_INBOX_MESSAGES",
        "WS_OUTBOX_MESSAGES",
        "WS_OUTBOX_BYTES",
        "WS_DISCONNECT_GRACE",
        "WS_CLEANUP_TIMEOUT",
        "WS_SYNC_LANES",
        "WS_DENIAL",
        "WS_MAX_MESSAGE_DEPTH",
        "WS_MESSAGES_PER_SECOND",
        "WS_MESSAGES_BURST",
        "WS_MAX_CONNECTIONS_PER_ADDRESS",
        "WS_UNLIMITED_ADDRESSES",
        "WS_MAX_CONNECTIONS_PER_USER",
        "WS_CONNECTIONS_CACHE",
        "WS_HANDSHAKE_TIMEOUT",
        "WS_IDLE_TIMEOUT",
        "WS_REVALIDATE",
        "WS_DISCONNECT_ON",
        "SESSION_ENGINE",
    ],
)
def test_an_overridden_setting_is_read_again(name: str) -> None:
    before = get_settings()
    with override_settings(**{name: "testproject.urls" if name == "ROOT_URLCONF" else None}):
        assert reading._cache is None
    assert get_settings() is not before


def test_a_setting_of_somebody_else_changes_nothing() -> None:
    before = get_settings()
    with override_settings(DEBUG=True):
        assert get_settings() is before
    assert get_settings() is before


def test_the_settings_are_followed_also_after_a_garbage_collection() -> None:
    gc.collect()
    with override_settings(WS_INBOX_MESSAGES=7):
        assert get_settings().inbox_messages == 7
    assert get_settings().inbox_messages == 32


@override_settings(WS_DENIAL="never", WS_INBOX_MESSAGES=0, WS_SYNC_LANES=2)
def test_all_that_is_wrong_can_be_told_at_once() -> None:
    assert wrong_settings() == [
        "WS_DENIAL is 'never', but must be 'http' or 'close'",
        "WS_INBOX_MESSAGES is 0, but must be a positive whole number",
    ]


def test_nothing_is_wrong_with_the_defaults() -> None:
    assert wrong_settings() == []
