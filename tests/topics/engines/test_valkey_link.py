"""topics/engines/valkey_link.py: the link, with real servers: alone, as a cluster, dead, silent and moved."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio.connection import AbstractConnection

from django_ws.exceptions import BrokerError
from django_ws.topics.engines import valkey_link
from django_ws.topics.engines.valkey_config import Slots, ValkeyConfig
from django_ws.topics.engines.valkey_link import ValkeyLink, find_slots
from topics.engines.support_valkey import FakeConnection, Valkey, move_slot, running, running_two_nodes

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[Valkey, Valkey]]:
    with running_two_nodes() as nodes:
        yield nodes


@asynccontextmanager
async def linked(location: str, **options: object) -> AsyncIterator[ValkeyLink]:
    link = await ValkeyLink.open(ValkeyConfig.read(location, options), [])
    try:
        async with asyncio.timeout(30):
            yield link
    finally:
        await link.close()


async def take(link: ValkeyLink, number: int) -> list[tuple[str, bytes]]:
    taken: list[tuple[str, bytes]] = []
    while len(taken) < number:
        taken += await link.receive()
    return taken


def names_of_both() -> tuple[str, str, int]:
    """Give a channel of the first node, one of the second, and the slot of the first."""
    numbered = {Slots.slot_of(f"django_ws:c{number}"): f"c{number}" for number in range(30)}
    low, high = min(numbered), max(numbered)
    assert low < 8192 <= high
    return numbered[low], numbered[high], low


async def test_what_waits_has_a_bound_and_nothing_of_it_is_lost(server: Valkey) -> None:
    async with linked(server.url) as link:
        await link.subscribe(["c"])
        sent = [("c", b"%d" % number) for number in range(3500)]
        await link.publish(sent)
        # What is published is with the server; the link reads until it is full.
        while len(link._messages) < 1000:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(link._messages) == 1000
        # Confirmations stand behind the rest: it is read for them.
        await link.subscribe(["d"])
        await link.publish([("d", b"end")])
        taken = await take(link, 3501)
    assert taken == [*sent, ("d", b"end")]


async def test_batches_have_a_bound(server: Valkey) -> None:
    async with linked(server.url) as link:
        await link.subscribe(["c"])
        await link.publish([("c", b"")] * 150)
        while len(link._messages) < 150:
            await asyncio.sleep(0)
        assert [len(await link.receive()) for _ in range(2)] == [100, 50]


async def test_what_had_come_before_the_end_is_given(server: Valkey) -> None:
    async with linked(server.url) as link:
        await link.subscribe(["c"])
        await link.publish([("c", b"1")])
        while not link._messages:
            await asyncio.sleep(0)
        await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", "pubsub")
        while link._error is None:
            await asyncio.sleep(0)
        assert await link.receive() == [("c", b"1")]
        for _ in range(2):
            with pytest.raises(BrokerError, match="the connection to Valkey broke"):
                await link.receive()
        with pytest.raises(BrokerError):
            await link.subscribe(["d"])
        with pytest.raises(BrokerError):
            await link.unsubscribe(["c"])
        with pytest.raises(BrokerError):
            await link.publish([("c", b"2")])


async def test_the_connection_that_publishes_is_opened_anew_and_is_no_gap(server: Valkey) -> None:
    async with linked(server.url) as link:
        await link.subscribe(["c"])
        await link.publish([("c", b"1")])
        mouth = link._mouths[0]
        await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", "normal")
        while mouth.error is None:
            await asyncio.sleep(0)
        await asyncio.gather(*(link.publish([("c", b"2")]) for _ in range(3)))
        assert await take(link, 4) == [("c", b"1"), *[("c", b"2")] * 3]
        assert len(link._mouths) == 1


async def test_an_output_buffer_that_ran_over_is_a_gap(server: Valkey) -> None:
    async with linked(server.url) as slow:
        await asyncio.to_thread(server.ask, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 1mb 1")
        await slow.subscribe(["c"])
        # The server cuts off, in the moment in which it is over, who has so much coming. Nothing is read meanwhile, for
        # the event loop is held up, and the kernel does not take it all.
        for _ in range(40):
            server.ask("PUBLISH", "django_ws:c", "x" * 1_500_000)
        with pytest.raises(BrokerError, match="the connection to Valkey broke"):
            while True:
                await slow.receive()


async def test_what_a_user_may_not_do_is_told(server: Valkey) -> None:
    await asyncio.to_thread(
        server.ask, "ACL", "SETUSER", "ears", "on", ">pass", "resetchannels", "&django_ws:open", "+@all"
    )
    location = server.url.replace("//", "//ears:pass@")
    async with linked(location) as link:
        await link.subscribe(["open"])
        with pytest.raises(BrokerError, match=r"Valkey refuses: .*permissions"):
            await link.publish([("open", b"1"), ("closed", b"2")])
        assert await link.receive() == [("open", b"1")]
        with pytest.raises(BrokerError, match="Valkey refuses"):
            await link.subscribe(["closed"])
    wrong = ValkeyConfig.read(location.replace("pass", "wrong"), {})
    with pytest.raises(BrokerError, match=r"Valkey cannot be reached: .*username-password") as caught:
        await ValkeyLink.open(wrong, [])
    assert "wrong" not in str(caught.value)


async def test_a_server_that_says_nothing_more_is_a_gap(server: Valkey) -> None:
    async with linked(server.url, HEALTH_INTERVAL=0.05, TIMEOUT=2) as link:
        await link.subscribe(["c"])
        server.stop_answering()
        try:
            with pytest.raises(BrokerError, match="has not answered"):
                await link.receive()
        finally:
            server.go_on()


async def test_a_close_that_is_cancelled_disconnects_all_the_same(server: Valkey) -> None:
    link = await ValkeyLink.open(ValkeyConfig.read(server.url, {}), [])
    await link.publish([("c", b"1")])
    wires = (*link._ears.values(), *link._mouths.values())
    connections = [wire._connection for wire in wires if isinstance(wire._connection, AbstractConnection)]
    assert [connection.is_connected for connection in connections] == [True, True]
    closing = asyncio.ensure_future(link.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    async with asyncio.timeout(30):
        while any(connection.is_connected for connection in connections):
            await asyncio.sleep(0)


@pytest.mark.parametrize("call", ["subscribe", "publish"])
async def test_a_link_that_is_closed_while_it_opens_a_connection(
    nodes: tuple[Valkey, Valkey], call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, go = FakeConnection(), asyncio.Event()

    async def slowly(*_: object) -> FakeConnection:
        await go.wait()
        return made

    async with linked(nodes[0].url, CLUSTER=True) as link:
        monkeypatch.setattr(valkey_link, "opened", slowly)
        calling = asyncio.ensure_future(link.subscribe(["c"]) if call == "subscribe" else link.publish([("c", b"")]))
        await asyncio.sleep(0)
        await link.close()
        go.set()
        with pytest.raises(BrokerError, match="the link has been closed"):
            await calling
        assert made.is_disconnected


async def test_those_who_publish_to_a_server_that_is_away_do_not_wait_one_after_the_other(
    nodes: tuple[Valkey, Valkey], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, go = 0, asyncio.Event()

    async def in_vain(*_: object) -> FakeConnection:
        nonlocal tries
        tries += 1
        await go.wait()
        raise BrokerError("Valkey cannot be reached")

    async with linked(nodes[0].url, CLUSTER=True) as link:
        monkeypatch.setattr(valkey_link, "opened", in_vain)
        calling = [asyncio.ensure_future(link.publish([("c", b"")])) for _ in range(3)]
        await asyncio.sleep(0)
        go.set()
        outcomes = await asyncio.gather(*calling, return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["Valkey cannot be reached"] * 3
        assert tries == 1
        # Who comes later tries again.
        with pytest.raises(BrokerError):
            await link.publish([("c", b"")])
        assert tries > 1


# --- clusters ----------------------------------------------------------------------------------------


async def test_every_node_is_heard_and_published_to(nodes: tuple[Valkey, Valkey]) -> None:
    low, high, _ = names_of_both()
    async with linked(nodes[0].url, CLUSTER=True) as link:
        assert set(link.nodes) == {("127.0.0.1", node.port) for node in nodes}
        await link.unsubscribe(["never subscribed to"])
        await link.subscribe([low, high])
        await link.publish([(low, b"1"), (high, b"2"), (low, b"3")])
        heard = await take(link, 3)
        assert [payload for name, payload in heard if name == low] == [b"1", b"3"]
        assert [payload for name, payload in heard if name == high] == [b"2"]
        await link.unsubscribe([low])
        await link.subscribe([low])
        await link.publish([(low, b"4")])
        assert await take(link, 1) == [(low, b"4")]


async def test_a_slot_that_moves_is_a_gap_for_who_hears_and_none_for_who_publishes(
    nodes: tuple[Valkey, Valkey],
) -> None:
    low, high, slot = names_of_both()
    one, two = nodes
    async with (
        linked(one.url, CLUSTER=True) as ear,
        linked(one.url, CLUSTER=True) as mouth,
        linked(one.url, CLUSTER=True) as late,
    ):
        await ear.subscribe([low, high])
        await asyncio.to_thread(move_slot, slot, one, two)
        try:
            with pytest.raises(BrokerError, match="given a slot away"):
                await ear.receive()
            with pytest.raises(BrokerError, match="Valkey refuses"):
                await late.subscribe([low])
            async with linked(one.url, CLUSTER=True) as anew:
                await anew.subscribe([low])
                await mouth.publish([(low, b"1"), (low, b"2")])
                assert await take(anew, 2) == [(low, b"1"), (low, b"2")]
        finally:
            await asyncio.to_thread(move_slot, slot, two, one)


async def test_who_publishes_looks_again_where_the_nodes_are_after_one_failed(nodes: tuple[Valkey, Valkey]) -> None:
    low, _, _ = names_of_both()
    async with linked(nodes[0].url, CLUSTER=True) as link:
        right = link._slots
        link._slots = Slots([[0, 16383, [b"127.0.0.1", 1]]], "")  # as it was before a failover
        with pytest.raises(BrokerError, match="Valkey cannot be reached"):
            await link.publish([(low, b"1")])
        await link.publish([(low, b"2")])
        assert right is not None
        assert link.nodes == right.addresses()


async def test_the_nodes_that_were_seen_before_help_when_those_of_the_location_are_gone(
    nodes: tuple[Valkey, Valkey],
) -> None:
    config = ValkeyConfig.read("redis://127.0.0.1:1,redis://127.0.0.1:2", {"CLUSTER": True})
    slots = await find_slots(config, [("127.0.0.1", nodes[1].port)])
    assert len(slots.addresses()) == 2
    with pytest.raises(BrokerError, match="Valkey cannot be reached"):
        await find_slots(config, [])


async def test_what_is_no_cluster(server: Valkey) -> None:
    with pytest.raises(BrokerError, match=r"Valkey gives no slots: .*cluster support disabled"):
        await ValkeyLink.open(ValkeyConfig.read(server.url, {"CLUSTER": True}), [])
