from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_ws.conf import BrokerSettings, Denial, get_settings

COUNT = "a positive whole number"
SECONDS = "a number of seconds, 0 or more"
STRINGS = "a list of strings"
BROKERS = "a dict like CACHES: an engine for each alias"
EVENTS = "a list of 'logout', 'password', 'deactivation', or of some of them"
MODULE = "the dotted name of a module, or None"


@pytest.mark.parametrize(
    ("name", "value", "shown", "must_be"),
    [
        ("ROOT_WS_URLCONF", "", "''", MODULE),
        ("ROOT_WS_URLCONF", 3, "3", MODULE),
        ("WS_JSON_CODEC", "", "''", "the dotted name of a class, or None"),
        ("WS_MIDDLEWARE", None, "None", STRINGS),
        ("WS_MIDDLEWARE", "a.b", "'a.b'", STRINGS),
        ("WS_MIDDLEWARE", ["a.b", 1], "['a.b', 1]", STRINGS),
        ("WS_MIDDLEWARE", {"a.b": 1}, "{'a.b': 1}", STRINGS),
        ("WS_ALLOWED_ORIGINS", "*", "'*'", f"None or {STRINGS}"),
        ("WS_ALLOWED_ORIGINS", [None], "[None]", f"None or {STRINGS}"),
        ("WS_MAX_MESSAGE_SIZE", 0, "0", f"None or {COUNT}"),
        ("WS_MAX_MESSAGE_SIZE", -1, "-1", f"None or {COUNT}"),
        ("WS_MAX_MESSAGE_SIZE", "1", "'1'", f"None or {COUNT}"),
        ("WS_INBOX_MESSAGES", None, "None", COUNT),
        ("WS_INBOX_MESSAGES", True, "True", COUNT),
        ("WS_INBOX_MESSAGES", 1.0, "1.0", COUNT),
        ("WS_OUTBOX_MESSAGES", 0, "0", COUNT),
        ("WS_OUTBOX_BYTES", 0, "0", COUNT),
        ("WS_SYNC_LANES", 0, "0", COUNT),
        ("WS_DISCONNECT_GRACE", -0.1, "-0.1", f"None or {SECONDS}"),
        ("WS_DISCONNECT_GRACE", "10", "'10'", f"None or {SECONDS}"),
        ("WS_CLEANUP_TIMEOUT", None, "None", SECONDS),
        ("WS_CLEANUP_TIMEOUT", False, "False", SECONDS),
        ("WS_CLEANUP_TIMEOUT", float("nan"), "nan", SECONDS),
        ("WS_CLEANUP_TIMEOUT", float("inf"), "inf", SECONDS),
        ("WS_DENIAL", None, "None", "'http' or 'close'"),
        ("WS_DENIAL", [], "[]", "'http' or 'close'"),
        ("WS_MAX_MESSAGE_DEPTH", None, "None", COUNT),
        ("WS_MESSAGES_PER_SECOND", 0, "0", "None or a number over 0"),
        ("WS_MESSAGES_PER_SECOND", "100/s", "'100/s'", "None or a number over 0"),
        ("WS_MESSAGES_BURST", 0, "0", COUNT),
        ("WS_MAX_CONNECTIONS_PER_ADDRESS", 0, "0", f"None or {COUNT}"),
        ("WS_UNLIMITED_ADDRESSES", "10.0.0.0/8", "'10.0.0.0/8'", f"None or {STRINGS}"),
        (
            "WS_UNLIMITED_ADDRESSES",
            ["10.0.0.0/8", "here"],
            "['10.0.0.0/8', 'here']",
            "None or a list of networks like '10.0.0.0/8', which 'here' is not",
        ),
        ("WS_MAX_CONNECTIONS_PER_USER", True, "True", f"None or {COUNT}"),
        ("WS_CONNECTIONS_CACHE", "elsewhere", "'elsewhere'", "None or an alias in CACHES: 'default'"),
        ("WS_HANDSHAKE_TIMEOUT", 0, "0", "None or a number of seconds over 0"),
        ("WS_BROKERS", None, "None", BROKERS),
        ("WS_BROKERS", {1: {}}, "{1: {}}", "a dict like CACHES, where 1 is a dict with BACKEND, a dotted name"),
        ("WS_BROKERS", {"a": 1}, "{'a': 1}", "a dict like CACHES, where 'a' is a dict with BACKEND, a dotted name"),
        (
            "WS_BROKERS",
            {"a": {"BACKEND": 1}},
            "{'a': {'BACKEND': 1}}",
            (
                "a dict like CACHES, where 'a' is a dict with BACKEND, a dotted name, "
                "LOCATION, a string, and OPTIONS, a dict"
            ),
        ),
        (
            "WS_BROKERS",
            {"a": {"BACKEND": "b.C", "TIMEOUT": 1}},
            "{'a': {'BACKEND': 'b.C', 'TIMEOUT': 1}}",
            "a dict like CACHES, where 'a' is a dict with BACKEND, a dotted name; it knows no 'TIMEOUT'",
        ),
        ("WS_BROKER_TIMEOUT", 0, "0", "a number of seconds over 0"),
        ("WS_IDLE_TIMEOUT", float("inf"), "inf", "None or a number of seconds over 0"),
        ("WS_REVALIDATE", 60, "60", "None or a datetime.timedelta over 0"),
        ("WS_REVALIDATE", timedelta(), "datetime.timedelta(0)", "None or a datetime.timedelta over 0"),
        ("WS_DISCONNECT_ON", "logout", "'logout'", EVENTS),
        ("WS_DISCONNECT_ON", ["logout", "login"], "['logout', 'login']", EVENTS),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(name: str, value: object, shown: str, must_be: str) -> None:
    with override_settings(**{name: value}), pytest.raises(ImproperlyConfigured) as refused:
        get_settings()
    assert str(refused.value) == f"{name} is {shown}, but must be {must_be}"


@pytest.mark.parametrize(
    ("name", "value", "field", "read"),
    [
        ("ROOT_WS_URLCONF", "shop.sockets", "urlconf", "shop.sockets"),
        ("WS_MIDDLEWARE", ["a.b"], "middleware", ("a.b",)),
        ("WS_UNLIMITED_ADDRESSES", ["10.1.2.3/8", "::1"], "unlimited_addresses", ("10.1.2.3/8", "::1")),
        ("WS_CONNECTIONS_CACHE", "default", "connections_cache", "default"),
        ("WS_DISCONNECT_GRACE", 0, "disconnect_grace", 0.0),
        ("WS_MESSAGES_PER_SECOND", 0.5, "messages_per_second", 0.5),
        ("WS_REVALIDATE", timedelta(minutes=1), "revalidate", timedelta(minutes=1)),
        ("WS_DISCONNECT_ON", ["password"], "disconnect_on", ("password",)),
        ("WS_BROKERS", {"a": {"BACKEND": "b.C", "LOCATION": "d"}}, "brokers", {"a": BrokerSettings("b.C", "d")}),
        ("WS_DENIAL", "close", "denial", Denial.CLOSE),
    ],
)
def test_a_right_value_is_given_as_it_is_used(name: str, value: object, field: str, read: object) -> None:
    with override_settings(**{name: value}):
        assert getattr(get_settings(), field) == read


@override_settings(
    ROOT_WS_URLCONF=None, WS_ALLOWED_ORIGINS=None, WS_MAX_MESSAGE_SIZE=None, WS_DISCONNECT_GRACE=None, WS_MIDDLEWARE=()
)
def test_none_switches_off_what_may_be_switched_off() -> None:
    settings = get_settings()
    assert settings.urlconf is None
    assert settings.allowed_origins is None
    assert settings.max_message_size is None
    assert settings.disconnect_grace is None
    assert settings.middleware == ()


@override_settings(WS_DENIAL=Denial.CLOSE)
def test_a_denial_may_be_given_as_the_member_itself() -> None:
    assert get_settings().denial is Denial.CLOSE
