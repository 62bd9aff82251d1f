"""topics/engines/nats.py: against a real server, which is killed, refuses, and comes back."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from typing_extensions import override

from django_ws.exceptions import BrokerError, PayloadTooBigError, TopicGapError
from django_ws.interfaces import ChannelMessage
from django_ws.testing import FakeMember
from django_ws.testing.brokers import BrokerConformance
from django_ws.topics import Topic, brokers
from django_ws.topics.engines.nats import NatsBroker
from django_ws.topics.engines.nats_link import NatsLink
from topics.engines.certificates import make_certificates
from topics.engines.nats_accounts import config, credentials
from topics.engines.nats_server import SECONDS, NatsServer, nats_server

NOWHERE = "nats://127.0.0.1:1"


class Room(Topic[str]):
    pattern = "room.{room_id}"
    room_id: int


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with nats_server("max_payload: 2000") as server:
        yield server


@pytest.fixture
def broker(server: NatsServer, request: pytest.FixtureRequest) -> Iterator[NatsBroker]:
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", request.node.name)
    broker = NatsBroker(server.url, {"PREFIX": prefix, "TIMEOUT": 20, "CONNECT_TIMEOUT": 20})
    yield broker
    broker.close()


@asynccontextmanager
async def linked(broker: NatsBroker, *channels: str) -> AsyncIterator[NatsLink]:
    link = await broker.connect()
    try:
        await link.subscribe(channels)
        yield link
    finally:
        await link.close()


async def take(link: NatsLink, count: int) -> list[ChannelMessage]:
    taken: list[ChannelMessage] = []
    async with asyncio.timeout(SECONDS):
        while len(taken) < count:
            taken.extend(await link.receive())
    return taken


class TestConformance(BrokerConformance):
    backend = "django_ws.topics.engines.nats.NatsBroker"
    server: NatsServer

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with nats_server() as server:
            cls.server, cls.location = server, server.url
            yield

    @override
    def kill(self) -> None:
        self.server.kill()

    @override
    def start(self) -> None:
        self.server.start()


async def test_every_way_to_publish_reaches_every_link(broker: NatsBroker) -> None:
    async with linked(broker, "a") as one, linked(broker, "a") as two:
        await asyncio.to_thread(broker.publish, [("a", b"1"), ("b", b"2")])
        await broker.apublish([("a", b"3")])
        await one.publish([("a", b"4")])
        for link in (one, two):
            assert await take(link, 3) == [("a", b"1"), ("a", b"3"), ("a", b"4")]


async def test_how_much_one_payload_may_be_is_known_from_the_server(broker: NatsBroker) -> None:
    known = [broker.max_payload]
    await broker.apublish([])
    known.append(broker.max_payload)
    assert known == [None, 2000]


async def test_a_prefix_keeps_sites_apart(server: NatsServer) -> None:
    brokers = [NatsBroker(server.url, {"PREFIX": prefix}) for prefix in ("site.one", "site.two")]
    async with linked(brokers[0], "a") as one, linked(brokers[1], "a") as two:
        await one.publish([("a", b"1")])
        await two.publish([("a", b"2")])
        assert await take(one, 1) == [("a", b"1")]
        assert await take(two, 1) == [("a", b"2")]


@pytest.mark.parametrize("sync", [True, False])
async def test_what_is_too_big_is_told_and_nothing_of_it_is_published(broker: NatsBroker, sync: bool) -> None:
    async with linked(broker, "a") as link:
        with pytest.raises(PayloadTooBigError, match=r"'a' has 2001 bytes, but NATS at nats://.* takes 2000"):
            messages: Sequence[ChannelMessage] = [("a", b"1"), ("a", bytes(2001))]
            await (asyncio.to_thread(broker.publish, messages) if sync else broker.apublish(messages))
        await broker.apublish([("a", bytes(2000))])
        assert await take(link, 1) == [("a", bytes(2000))]


async def test_a_server_that_is_not_there_is_told() -> None:
    broker = NatsBroker(NOWHERE, {})
    why = r"NATS at nats://127\.0\.0\.1:1: .*Connect call failed"
    with pytest.raises(BrokerError, match=why):
        await broker.connect()
    with pytest.raises(BrokerError, match=why):
        await broker.apublish([("a", b"1")])
    with pytest.raises(BrokerError, match=why):
        await asyncio.to_thread(broker.publish, [("a", b"1")])
    broker.close()


async def test_of_several_servers_one_that_answers_is_enough(server: NatsServer) -> None:
    broker = NatsBroker(f"{NOWHERE},{server.url}", {})
    for _ in range(10):
        async with linked(broker, "a"):
            pass


async def test_it_is_told_of_each_server_why_not() -> None:
    broker = NatsBroker(f"{NOWHERE},nats://127.0.0.1:2", {})
    with pytest.raises(BrokerError) as caught:
        await broker.connect()
    assert {"127.0.0.1:1: ", "127.0.0.1:2: "} == set(re.findall(r"127\.0\.0\.1:\d: ", str(caught.value)))


PASSWORD = 'authorization { users: [ { user: "me", password: "s@cret" } ] }'


@pytest.mark.parametrize(
    ("config", "right", "wrong"),
    [
        (PASSWORD, {"USER": "me", "PASSWORD": "s@cret"}, {"USER": "me", "PASSWORD": "s3cret"}),
        ('authorization { token: "s@cret" }', {"TOKEN": "s@cret"}, {"TOKEN": "s3cret"}),
    ],
)
async def test_who_is_not_let_in_is_told_so_without_the_password(
    config: str, right: dict[str, str], wrong: dict[str, str]
) -> None:
    with nats_server(config) as server:
        async with linked(NatsBroker(server.url, right), "a"):
            pass
        user = "me:" if "USER" in right else ""
        async with linked(NatsBroker(server.url.replace("//", f"//{user}s%40cret@"), {}), "a"):
            pass
        for broker in (
            NatsBroker(server.url, wrong),
            NatsBroker(server.url, {}),
            NatsBroker(server.url.replace("//", f"//{user}s3cret@"), {}),
        ):
            with pytest.raises(BrokerError) as caught:
                await broker.connect()
            assert str(caught.value) == f"NATS at {server.url}: Authorization Violation"


async def test_credentials_in_a_file_are_read_at_each_connecting(tmp_path: Path) -> None:
    path = tmp_path / "user.creds"
    with nats_server(config()) as server:
        broker = NatsBroker(server.url, {"CREDENTIALS": str(path)})
        with pytest.raises(BrokerError, match="cannot be read"):
            await broker.connect()
        path.write_text(credentials())
        async with linked(broker, "a") as link:
            await link.publish([("a", b"1")])
            assert await take(link, 1) == [("a", b"1")]
        with pytest.raises(BrokerError, match="Authorization Violation"):
            await NatsBroker(server.url, {}).connect()


@pytest.mark.parametrize("first", [False, True])
async def test_tls(tmp_path: Path, first: bool) -> None:
    files = make_certificates(tmp_path)
    tls = (
        f'tls {{ cert_file: "{files.certificate}", key_file: "{files.key}", ca_file: "{files.authority}", '
        f"verify: true, handshake_first: {str(first).lower()} }}\n{PASSWORD}"
    )
    with nats_server(tls) as server:
        secure = server.url.replace("nats:", "tls:")
        options = {
            "CA_FILE": files.authority,
            "CERT_FILE": files.certificate,
            "KEY_FILE": files.key,
            "TLS_FIRST": first,
        }
        for url in (secure, server.url):
            broker = NatsBroker(url, {**options, "USER": "me", "PASSWORD": "s@cret"})
            async with linked(broker, "a") as link:
                await link.publish([("a", b"1")])
                assert await take(link, 1) == [("a", b"1")]
        with pytest.raises(BrokerError, match=r"(?i)certificate.verify.failed"):
            await NatsBroker(secure, {"TLS_FIRST": first}).connect()


@pytest.mark.parametrize(
    ("location", "options", "why"),
    [
        ("http://one", {}, "LOCATION has an address"),
        ("", {"PREFIX": "a b"}, "PREFIX"),
        ("", {"CONNECT_TIMEOUT": 0}, "CONNECT_TIMEOUT"),
        ("", {"TIMEOUT": 0}, "TIMEOUT"),
        ("", {"USER": "me"}, "PASSWORD"),
        ("", {"CREDENTIALS": 1}, "CREDENTIALS"),
        ("", {"CA_FILE": "absent"}, "absent"),
        ("", {"SPEED": 1}, "'SPEED', which this engine does not know"),
    ],
)
def test_what_is_wrong_in_the_settings_is_told_at_once(location: str, options: dict[str, object], why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why):
        NatsBroker(location, options)


async def test_members_hear_of_a_gap_after_the_server_was_killed() -> None:
    with nats_server() as server:
        configured = {"default": {"BACKEND": "django_ws.topics.engines.nats.NatsBroker", "LOCATION": server.url}}
        with override_settings(WS_BROKERS=configured, WS_BROKER_TIMEOUT=SECONDS):
            async with Room(room_id=1).listen() as events, asyncio.timeout(SECONDS), aclosing(_each(events)) as each:
                await asyncio.to_thread(Room(room_id=1).publish, "before")
                assert await anext(each) == "before"
                server.kill()
                server.start()
                assert await anext(each) == "a gap"
                await Room(room_id=1).apublish("after")
                assert await anext(each) == "after"
                await asyncio.to_thread(Room(room_id=1).publish, "from a thread")
                assert await anext(each) == "from a thread"
            brokers.close()


async def _each(events: AsyncIterator[str]) -> AsyncGenerator[str]:
    while True:
        try:
            yield await anext(events)
        except TopicGapError:
            yield "a gap"


async def test_many_members_of_many_topics(server: NatsServer) -> None:
    configured = {"default": {"BACKEND": "django_ws.topics.engines.nats.NatsBroker", "LOCATION": server.url}}
    with override_settings(WS_BROKERS=configured, WS_BROKER_TIMEOUT=SECONDS):
        member = FakeMember()
        rooms = [Room(room_id=number) for number in range(2000)]
        memberships = await asyncio.gather(*[room.join(member) for room in rooms])
        await Room.apublish_many([(room, str(room.room_id)) for room in rooms])
        await member.wait(events=2000, seconds=SECONDS)
        assert member.events == [str(number) for number in range(2000)]
        assert member.gaps == []
        for membership in memberships:
            membership.leave(member)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
async def test_parent_and_forked_children_publish_each_by_their_own(broker: NatsBroker) -> None:
    async with linked(broker, "a") as link:
        await asyncio.to_thread(broker.publish, [("a", b"parent")])
        child = os.fork()
        if not child:
            _publish_and_exit(broker)
        assert (await asyncio.to_thread(os.waitpid, child, 0))[1] == 0
        await asyncio.to_thread(broker.publish, [("a", b"parent again")])
        assert await take(link, 4) == [("a", b"parent"), ("a", b"child"), ("a", b"child again"), ("a", b"parent again")]


def _publish_and_exit(broker: NatsBroker) -> None:
    """Publish in a child; in a thread, because the parent's event loop seems to run here."""
    status = 1
    try:
        for payload in (b"child", b"child again"):
            thread = threading.Thread(target=broker.publish, args=([("a", payload)],))
            thread.start()
            thread.join()
        broker.close()
        status = 0
    finally:
        os._exit(status)


SCRIPT = """
import os, sys, threading
from django_ws.topics.engines.nats import NatsBroker

broker = NatsBroker(sys.argv[1], {"PREFIX": sys.argv[2]})
threads = [threading.Thread(target=broker.publish, args=([("a", b"%d" % number)],)) for number in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
if hasattr(os, "fork"):
    child = os.fork()
    if not child:
        broker.publish([("a", b"5")])
        sys.exit(0)  # the whole of an interpreter's end, in the child too
    assert os.waitpid(child, 0)[1] == 0
    broker.publish([("a", b"6")])
print(len([thread for thread in threading.enumerate() if thread.name.startswith("NATS")]))
"""


async def test_a_process_that_has_published_ends(server: NatsServer) -> None:
    async with linked(NatsBroker(server.url, {"PREFIX": "script"}), "a") as link:
        script = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT, server.url, "script"],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        assert (script.returncode, script.stdout, script.stderr) == (0, b"1\n", b"")
        expected = 7 if hasattr(os, "fork") else 5
        assert sorted(await take(link, expected)) == [("a", b"%d" % number) for number in range(expected)]
