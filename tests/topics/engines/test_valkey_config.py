"""topics/engines/valkey_config.py: LOCATION, OPTIONS, errors that show no password, and slots."""

import runpy
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from redis.exceptions import MovedError, ResponseError

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.topics.engines import valkey_config
from django_ws.topics.engines.valkey_config import Slots, ValkeyConfig, broken, by_node, is_moved, refusals


def test_defaults() -> None:
    config = ValkeyConfig.read("redis://user:p%40ss@valkey.internal:6380", {})
    assert (config.cluster, config.prefix, config.timeout) == (False, "django_ws:", 5.0)
    assert (config.health_interval, config.max_payload) == (5.0, 8 * 1024 * 1024)
    (arguments,) = config.threads
    assert arguments["host"] == config.host_of(0) == "valkey.internal"
    assert (arguments["port"], arguments["username"], arguments["password"]) == (6380, "user", "p@ss")
    assert config.host_of(("node", 1)) == "node"


def test_the_options_are_taken() -> None:
    given = {"CLUSTER": True, "PREFIX": "x.", "TIMEOUT": 2, "HEALTH_INTERVAL": 0.5, "MAX_PAYLOAD": 10}
    config = ValkeyConfig.read("redis://one, redis://two", given)
    assert (config.cluster, config.prefix, config.timeout) == (True, "x.", 2.0)
    assert (config.health_interval, config.max_payload) == (0.5, 10)
    assert [config.host_of(number) for number in range(2)] == ["one", "two"]
    assert len(given) == 5


@pytest.mark.parametrize(
    "location", ["rediss://localhost", "unix:///run/valkey", "redis://localhost?max_connections=9"]
)
def test_every_kind_of_url_makes_connections(location: str) -> None:
    config = ValkeyConfig.read(location, {})
    config.connection(0)
    config.client(0)
    if "unix" not in location:
        config.connection(("node", 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"CLUSTER": 1}, r"OPTIONS\['CLUSTER'\] is 1"),
        ({"TIMEOUT": 0}, r"OPTIONS\['TIMEOUT'\] is 0, but must be seconds over 0"),
        ({"TIMEOUT": True}, r"OPTIONS\['TIMEOUT'\] is True"),
        ({"HEALTH_INTERVAL": "5"}, r"OPTIONS\['HEALTH_INTERVAL'\] is '5'"),
        ({"MAX_PAYLOAD": 0}, r"OPTIONS\['MAX_PAYLOAD'\] is 0, but must be over 0 bytes"),
        ({"TIMOUT": 5}, "OPTIONS has 'TIMOUT', which this engine does not know"),
    ],
)
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        ValkeyConfig.read("redis://", options)


@pytest.mark.parametrize("location", ["", "http://:secret@host", "redis://:secret@host:secret", "redis://secret]["])
def test_a_wrong_url_is_not_shown(location: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="LOCATION is no URL of a Valkey") as caught:
        ValkeyConfig.read(location, {})
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_commands() -> None:
    messages = [("a", b"1"), ("b", b"22")]
    plain = ValkeyConfig.read("redis://", {"MAX_PAYLOAD": 2})
    assert plain.commands(messages) == [("PUBLISH", "django_ws:a", b"1"), ("PUBLISH", "django_ws:b", b"22")]
    sharded = ValkeyConfig.read("redis://", {"CLUSTER": True, "PREFIX": ""})
    assert sharded.commands(messages) == [("SPUBLISH", "a", b"1"), ("SPUBLISH", "b", b"22")]
    with pytest.raises(PayloadTooBigError, match=r"^an event for c has 3 bytes, but OPTIONS\['MAX_PAYLOAD'\] is 2$"):
        plain.commands([*messages, ("c", b"333")])


ROWS: list[Any] = [
    [8192, 16000, [b"two", 2, b"id"], [b"replica", 9, b"id"]],
    [0, 8191, [b"", 1, b"id"]],
    [16001, 16001, [None, 3, b"id"]],
    [16002, 16002, [b"?", 4, b"id"]],
]


def test_slots() -> None:
    slots = Slots(ROWS, "asked")
    assert slots.addresses() == [("asked", 1), ("two", 2), ("asked", 3), ("asked", 4)]
    assert (Slots.slot_of("foo"), Slots.slot_of("a{foo}b"), Slots.slot_of("hello")) == (12182, 12182, 866)
    assert slots.address_of("foo") == ("two", 2)
    assert slots.address_of("hello") == ("asked", 1)


@pytest.mark.parametrize("rows", [[], [[13000, 16383, [b"late", 1]]], [[0, 12000, [b"early", 1]]]])
def test_a_slot_that_nobody_has(rows: list[Any]) -> None:
    with pytest.raises(BrokerError, match="no node of the Valkey cluster has the slot 12182"):
        Slots(rows, "asked").address_of("foo")


def test_commands_by_node() -> None:
    commands = [("P", "foo", b"1"), ("P", "hello", b"2"), ("P", "foo", b"3")]
    assert by_node(None, commands) == {0: commands}
    assert by_node(Slots(ROWS, "asked"), commands) == {
        ("two", 2): [commands[0], commands[2]],
        ("asked", 1): [commands[1]],
    }


def test_errors() -> None:
    assert str(broken("It broke", OSError("No route."))) == "It broke: No route"
    assert str(broken("It broke", TimeoutError())) == "It broke: it did not answer in time"
    assert str(broken("It broke", EOFError())) == "It broke: EOFError"
    moved, other = MovedError("1 host:2"), ResponseError("no")
    assert is_moved(moved)
    assert not is_moved(other)
    commands = [("P", "a", b""), ("P", "b", b"")]
    assert refusals(commands, [1, other]) == [(commands[1], other)]


def test_without_the_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "redis"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(
        ImproperlyConfigured, match=r"redis-py, which is not installed: pip install 'django-ws\[valkey\]'"
    ):
        runpy.run_path(valkey_config.__file__)
