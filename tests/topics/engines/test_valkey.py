"""topics/engines/valkey.py: everything an engine must do, with a real Valkey, alone and as a cluster."""

import asyncio
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from typing_extensions import override

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.testing.brokers import BrokerConformance
from django_ws.topics import brokers
from django_ws.topics.engines.valkey import ValkeyBroker
from django_ws.topics.engines.valkey_config import Slots
from topics.engines.support_valkey import Valkey, move_slot, running, running_cluster, running_two_nodes

BACKEND = "django_ws.topics.engines.valkey.ValkeyBroker"


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def cluster() -> Iterator[Valkey]:
    with running_cluster() as server:
        yield server


class Killable(BrokerConformance):
    backend = BACKEND
    server: Valkey

    @override
    def kill(self) -> None:
        self.server.kill()

    @override
    def start(self) -> None:
        self.server.start()


class TestConformance(Killable):
    @pytest.fixture(autouse=True)
    def where(self, server: Valkey) -> None:
        self.server = server
        self.location = server.url


class TestClusterConformance(Killable):
    options = {"CLUSTER": True}

    @pytest.fixture(autouse=True)
    def where(self, cluster: Valkey) -> None:
        self.server = cluster
        self.location = cluster.url


class TestUnixSocketConformance(Killable):
    options = {"PREFIX": "", "MAX_PAYLOAD": 100_000}
    channels = 100

    @pytest.fixture(autouse=True)
    def where(self, server: Valkey) -> None:
        self.server = server
        self.location = f"unix://{server.path}"


def test_a_password(server: Valkey) -> None:
    server.ask("ACL", "SETUSER", "shop", "on", ">p@ss:word", "allchannels", "+@all")
    broker = ValkeyBroker(f"redis://shop:p%40ss%3Aword@127.0.0.1:{server.port}", {})
    broker.publish([("c", b"1")])
    broker.close()
    wrong = ValkeyBroker(f"redis://shop:secret@127.0.0.1:{server.port}", {})
    with pytest.raises(BrokerError, match="Valkey cannot be reached: ") as caught:
        wrong.publish([("c", b"1")])
    assert "secret" not in str(caught.value)
    wrong.close()


def test_what_a_user_may_not_do_is_told(server: Valkey) -> None:
    server.ask("ACL", "SETUSER", "quiet", "on", ">pass", "resetchannels", "+@all")
    broker = ValkeyBroker(f"redis://quiet:pass@127.0.0.1:{server.port}", {})
    with pytest.raises(BrokerError, match=r"Valkey refuses: .*permissions"):
        broker.publish([("c", b"1")])
    broker.close()


def test_a_silent_server_holds_up_nobody_for_ever(server: Valkey) -> None:
    broker = ValkeyBroker(server.url, {"TIMEOUT": 1})
    broker.publish([("c", b"1")])
    server.stop_answering()
    try:
        with pytest.raises(BrokerError, match="Valkey cannot be reached: Timeout"):
            broker.publish([("c", b"2")])
    finally:
        server.go_on()
        broker.close()


def test_the_bound_of_payloads() -> None:
    broker = ValkeyBroker("redis://127.0.0.1:1", {"MAX_PAYLOAD": 3})
    assert broker.max_payload == 3
    with pytest.raises(PayloadTooBigError):
        broker.publish([("c", b"1234")])
    with pytest.raises(BrokerError, match=r"Valkey cannot be reached: .*127\.0\.0\.1:1"):
        broker.publish([("c", b"123")])


def test_what_redis_py_does_not_take_is_told_where_it_is_configured() -> None:
    configured = {"default": {"BACKEND": BACKEND, "LOCATION": "redis://localhost?nonsense=1"}}
    with (
        override_settings(WS_BROKERS=configured),
        pytest.raises(ImproperlyConfigured, match=r"^WS_BROKERS\['default'\]: .*nonsense"),
    ):
        brokers["default"]


async def test_a_cluster_whose_slots_move_and_whose_nodes_fail() -> None:
    numbered = {Slots.slot_of(f"django_ws:c{number}"): f"c{number}" for number in range(30)}
    slot, low, high = min(numbered), numbered[min(numbered)], numbered[max(numbered)]
    messages = [(low, b"1"), (high, b"2"), (low, b"3")]
    with running_two_nodes() as (one, two):
        broker = ValkeyBroker(one.url, {"CLUSTER": True})
        try:
            await broker.apublish(messages)
            await asyncio.to_thread(move_slot, slot, one, two)
            link = await broker.connect()
            async with asyncio.timeout(30):
                await link.subscribe([low, high])
                await broker.apublish(messages)
                heard = [*await link.receive()]
                while len(heard) < 3:
                    heard += await link.receive()
            await link.close()
            assert sorted(heard, key=lambda message: message[1]) == messages
            # The node of LOCATION fails; the other, with all that is left, is known.
            one.kill()
            with pytest.raises(BrokerError):
                await broker.apublish([(numbered[sorted(numbered)[1]], b"to the dead node")])
            link = await broker.connect()
            assert len(link.nodes) == 2
            await link.close()
            two.kill()
            with pytest.raises(BrokerError, match="no node of the Valkey cluster answers: "):
                await broker.apublish(messages)
        finally:
            broker.close()


async def test_slots_that_had_no_node_are_asked_for_again() -> None:
    name = next(name for name in (f"c{number}" for number in range(30)) if Slots.slot_of(f"django_ws:{name}") > 8192)
    with running("cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-require-full-coverage no") as server:
        server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "8191")
        await until_ok(server)
        broker = ValkeyBroker(server.url, {"CLUSTER": True})
        try:
            with pytest.raises(BrokerError, match="slot"):
                await broker.apublish([(name, b"1")])
            server.ask("CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
            await until_ok(server)
            await broker.apublish([(name, b"1")])
        finally:
            broker.close()


async def until_ok(server: Valkey) -> None:
    async with asyncio.timeout(30):
        while b"cluster_state:ok" not in server.ask("CLUSTER", "INFO"):
            await asyncio.sleep(0.05)
