"""The engine as a whole: Django's connection on the way in, and topics over a real PostgreSQL."""

import os
import signal
from collections.abc import Iterator

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from django.test import override_settings
from typing_extensions import override

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.testing import FakeMember
from django_ws.testing.brokers import BrokerConformance
from django_ws.topics import brokers
from django_ws.topics.engines.postgres import outbox
from django_ws.topics.engines.postgres.broker import PostgresBroker
from django_ws.topics.hub import hub_of
from resilience.scenarios.postgres import Postgres, run_postgres
from topics.postgres_support import (
    ALIAS,
    BIG,
    DATABASE,
    Killable,
    Links,
    database,
    execute,
    hand_back,
    in_thread,
    migrate,
    receive,
    settings_of,
)
from topics.support import Feed, Room


@pytest.fixture(scope="module")
def killable() -> Iterator[Killable]:
    with run_postgres() as server:
        server.create(DATABASE)
        killable = Killable(server)
        try:
            yield killable
        finally:
            killable.end()


class TestConformance(BrokerConformance):
    backend = "topics.postgres_support.HandingBack"
    location = ALIAS
    messages = 200
    # A connection of Django's does not survive a fork, whoever uses it.
    forks = False

    @pytest.fixture(autouse=True)
    def where(self, killable: Killable) -> Iterator[None]:
        self.killable = killable
        with database(killable.folder):
            migrate()
            # The server of the tests commits without waiting for the disk.
            execute("CHECKPOINT")
            yield

    @override
    def recipe(self) -> str:
        own = settings_of(self.killable.folder)
        return (
            "import django\n"
            "from django.conf import settings\n"
            f"settings.configure(DATABASES={{'default': {own!r}}})\n"
            "django.setup()\n"
            "from django_ws.topics.engines.postgres import PostgresBroker\n"
            "broker = PostgresBroker('', {})\n"
        )

    @override
    def kill(self) -> None:
        self.killable.kill()

    @override
    def start(self) -> None:
        self.killable.start()


@pytest.fixture
def configured(alias: str) -> Iterator[PostgresBroker]:
    """Let the default broker be the engine."""
    setting = {"default": {"BACKEND": "django_ws.topics.engines.postgres.PostgresBroker", "LOCATION": alias}}
    with override_settings(WS_BROKERS=setting):
        broker = brokers["default"]
        assert isinstance(broker, PostgresBroker)
        yield broker


def test_wrong_settings_are_told(alias: str) -> None:
    broker = PostgresBroker(alias, {"DSN": "dbname=x", "RETENTION": 1, "TIMEOUT": 1, "CONNECT_TIMEOUT": 1})
    assert broker.max_payload == 2**28
    for options, said in (
        ({"RETENTION": 0}, r"OPTIONS\['RETENTION'\] is 0, but must be over 0"),
        ({"TIMEOUT": -1}, r"OPTIONS\['TIMEOUT'\] is -1, but must be over 0"),
        ({"CONNECT_TIMEOUT": 0}, r"OPTIONS\['CONNECT_TIMEOUT'\] is 0, but must be over 0"),
        ({"TIMEOUT": "1"}, "must be of type int"),
        ({"DSN": "nonsense"}, "not what libpq takes"),
        ({"POOL": 1}, "'POOL', which this engine does not know"),
    ):
        with pytest.raises(ImproperlyConfigured, match=said):
            PostgresBroker(alias, options)
    with pytest.raises(ImproperlyConfigured, match="the database 'default' must be PostgreSQL"):
        PostgresBroker("", {})


async def test_within_a_transaction_it_is_part_of_it(links: Links) -> None:
    link, broker = await links.make("a"), PostgresBroker(ALIAS, {})

    def publish() -> None:
        with transaction.atomic(using=ALIAS):
            broker.publish([("a", b"Tbefore the commit"), ("a", BIG)])
            with pytest.raises(ZeroDivisionError), transaction.atomic(using=ALIAS):
                broker.publish([("a", b"Trolled back to a savepoint")])
                raise ZeroDivisionError
            PostgresBroker(ALIAS, {}).publish([("a", b"Tthe same transaction")])
            # By now the other side would have heard of it.
            with psycopg.connect(**connections[ALIAS].get_connection_params(), autocommit=True) as other:
                other.execute(outbox.PUBLISH, outbox.write([("a", b"Tearlier")]))
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=ALIAS):
            broker.publish([("a", b"Trolled back"), ("a", BIG)])
            raise ZeroDivisionError
        broker.publish([("a", b"Twithout a transaction")])

    await in_thread(publish)
    assert await receive(link, 5) == [
        ("a", b"Tearlier"),
        ("a", b"Tbefore the commit"),
        ("a", BIG),
        ("a", b"Tthe same transaction"),
        ("a", b"Twithout a transaction"),
    ]


@pytest.mark.parametrize("binding", [False, True])
async def test_any_bytes_of_any_size_whichever_way_django_binds(links: Links, binding: bool) -> None:
    connections.settings[ALIAS]["OPTIONS"] = {"server_side_binding": binding}
    link, broker = await links.make("a"), PostgresBroker(ALIAS, {})
    messages = [("a", bytes(range(256)) * size) for size in (1, 100, 4096)] + [("a", b"T\\ %s '' \"{},")]
    await in_thread(lambda: broker.publish(messages))
    assert await receive(link, 4) == messages


def test_after_an_error_the_transaction_cannot_seem_to_be_committed(alias: str) -> None:
    broker = PostgresBroker(alias, {})
    migrate("zero")
    try:
        execute("CREATE TABLE kept (id int)")
        with transaction.atomic(using=alias):
            execute("INSERT INTO kept VALUES (1)")
            with pytest.raises(BrokerError, match=f"^database '{alias}': the table .* is not there"):
                broker.publish([("a", b"T")])
            with pytest.raises(TransactionManagementError):
                execute("SELECT 1")
        assert execute("SELECT count(*) FROM kept") == [(0,)]
    finally:
        execute("DROP TABLE kept")
        migrate()


def test_a_dead_connection_is_thrown_away(server: Postgres, alias: str) -> None:
    broker = PostgresBroker(alias, {})
    broker.publish([("a", b"T")])
    server.terminate(DATABASE)
    with pytest.raises(BrokerError, match=f"^database '{alias}': "):
        broker.publish([("a", b"T")])
    broker.publish([("a", b"T")])
    broker.close()
    broker.publish([("a", b"T")])


async def test_too_big(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_PAYLOAD", 10)
    with pytest.raises(PayloadTooBigError):
        await PostgresBroker(alias, {}).apublish([("a", b"T" * 11)])


async def test_no_server(alias: str) -> None:
    connections.settings[alias]["HOST"] = "/nowhere"
    broker = PostgresBroker(alias, {})
    with pytest.raises(BrokerError, match="No such file or directory"):
        await broker.connect()
    with pytest.raises(BrokerError, match=r"^database 'postgres': .*No such file or directory"):
        await in_thread(lambda: broker.publish([("a", b"T")]))


async def test_the_link_takes_on_the_role_of_the_alias(server: Postgres, links: Links) -> None:
    with server.connect(DATABASE) as admin:
        admin.execute("DROP ROLE IF EXISTS hearer")
        admin.execute("CREATE ROLE hearer")
        connections.settings[ALIAS]["OPTIONS"] = {"assume_role": "hearer"}
        link = await links.make("a")
        with pytest.raises(BrokerError, match="permission denied for table django_ws_postgres_message"):
            await link.publish([("a", b"T")])
        admin.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON django_ws_postgres_message TO hearer")
        await link.publish([("a", BIG)])
        assert await receive(link, 1) == [("a", BIG)]
        admin.execute("REVOKE ALL ON django_ws_postgres_message FROM hearer")


async def test_two_schemas_are_two_engines(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    with server.connect(DATABASE) as admin:
        admin.execute("DROP SCHEMA IF EXISTS tenant CASCADE; CREATE SCHEMA tenant")
        admin.execute("CREATE TABLE tenant.django_ws_postgres_message (LIKE django_ws_postgres_message INCLUDING ALL)")
    connections.settings[ALIAS]["OPTIONS"] = {"options": "-c search_path=tenant"}
    tenant = await links.make("a")
    await tenant.publish([("a", BIG), ("a", b"Ttenant")])
    await link.publish([("a", b"Tpublic")])
    assert await receive(link, 1) == [("a", b"Tpublic")]
    assert await receive(tenant, 2) == [("a", BIG), ("a", b"Ttenant")]


async def test_nothing_to_publish(links: Links) -> None:
    link = await links.make("a")
    await link.publish([])
    await in_thread(lambda: PostgresBroker(ALIAS, {}).publish([]))
    await link.publish([("a", b"T")])
    assert await receive(link, 1) == [("a", b"T")]


async def test_topics(configured: PostgresBroker) -> None:
    room, member = Room(room_id=3), FakeMember()
    # Where nobody listens yet, as the async ORM would.
    await room.apublish("nobody hears")
    await sync_to_async(hand_back)()
    await hub_of("default").join(room, member)
    await room.apublish("async")
    await in_thread(lambda: room.publish("sync"))
    await room.apublish("large" * 1000)
    await member.wait(3)
    assert member.events == ["async", "sync", "large" * 1000]
    assert member.gaps == []


async def test_a_server_that_crashes_and_comes_back_leaves_a_gap(server: Postgres, configured: PostgresBroker) -> None:
    feed, member = Feed(name="news"), FakeMember()
    await hub_of("default").join(feed, member)
    await feed.apublish(BIG)
    await member.wait(1)
    with server.connect(DATABASE) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        # PostgreSQL ends all its processes by that, and recovers as after a loss of power.
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    await member.wait(1, 1, seconds=60)
    await feed.apublish(b"after" + BIG)
    await member.wait(2)
    assert member.events == [BIG, b"after" + BIG]
    with server.connect(DATABASE) as connection:
        assert connection.execute("SELECT count(*) FROM django_ws_postgres_message").fetchone() == (1,)
