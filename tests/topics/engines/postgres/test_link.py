"""One event loop's connections to a real PostgreSQL."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.topics.engines.postgres import link as module
from django_ws.topics.engines.postgres import outbox
from django_ws.topics.engines.postgres.link import PostgresLink
from django_ws.topics.engines.postgres.outbox import PUBLISH, write
from resilience.scenarios.postgres import Postgres
from topics.postgres_support import BIG, DATABASE, Links, execute, in_thread, migrate, receive

NO_TABLE = r"is not there: put 'django_ws\.topics\.engines\.postgres' into INSTALLED_APPS"


@contextmanager
def transaction(server: Postgres) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Open a connection of somebody else, who commits when he likes."""
    connection = psycopg.connect(host=str(server.folder), user="postgres", dbname=DATABASE)
    try:
        yield connection
    finally:
        connection.close()


def pid(connection: "psycopg.AsyncConnection[tuple[object, ...]] | None") -> int:
    assert connection is not None
    return connection.info.backend_pid


def stored(server: Postgres) -> int:
    with server.connect(DATABASE) as connection:
        row = connection.execute("SELECT count(*) FROM django_ws_postgres_message").fetchone()
    assert row is not None
    return int(str(row[0]))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that links read, which only a test moves."""
    now = [1000.0]
    monkeypatch.setattr(PostgresLink, "_now", staticmethod(lambda: now[0]))
    monkeypatch.setattr(random, "uniform", lambda _, end: end)
    return now


async def tend(link: PostgresLink, clock: list[float], seconds: float) -> None:
    """Let time pass until the link has looked after the table."""
    clock[0] += seconds
    await link.publish([("tick", b"T")])
    await receive(link, 1)


# --- what arrives ---------------------------------------------------------------------------------


async def test_in_order_with_what_is_stored_between(links: Links) -> None:
    link, other = await links.make("room.1", "room.2"), await links.make("room.2")
    messages = [("room.1", b"Ta"), ("room.2", BIG), ("room.1", b"Ta"), ("room.1", b"B\xff\0"), ("room.3", b"Tnobody")]
    await other.publish(messages)
    await other.publish([("room.2", b"")])
    assert await receive(link, 5) == [*messages[:4], ("room.2", b"")]
    assert await receive(other, 2) == [("room.2", BIG), ("room.2", b"")]


async def test_many_come_in_batches(links: Links) -> None:
    link = await links.make("a")
    messages = [("a", b"T%d" % number) for number in range(250)]
    await link.publish(messages)
    assert await link.receive() == messages[:100]
    assert await receive(link, 150) == messages[100:]


async def test_large_ones_are_fetched_a_few_at_a_time(links: Links) -> None:
    link = await links.make("a")
    messages = [("a", b"%d" % number * 2**20) for number in range(1, 4)]
    messages += [("a", BIG + b"%d" % number) for number in range(10)]
    for message in messages:
        await link.publish([message])
    assert await receive(link, len(messages)) == messages
    await link.publish(messages[3:] * 2)
    assert len(await link.receive()) == 10


async def test_several_tasks_may_publish_at_once(links: Links) -> None:
    link = await links.make("a")
    await asyncio.gather(*[link.publish([("a", b"T%d" % number), ("a", b"T-")]) for number in range(50)])
    received = await receive(link, 100)
    assert {payload for _, payload in received[::2]} == {b"T%d" % number for number in range(50)}
    assert {payload for _, payload in received[1::2]} == {b"T-"}


async def test_nothing_comes_after_unsubscribing(links: Links) -> None:
    link = await links.make("a", "b")
    await link.unsubscribe(["a"])
    await link.publish([("a", b"T"), ("b", b"T")])
    assert await receive(link, 1) == [("b", b"T")]


async def test_the_order_is_that_of_the_commits(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    with transaction(server) as first, transaction(server) as second:
        first.execute(PUBLISH, write([("a", b"first" + BIG), ("a", b"Tfirst")]))
        second.execute(PUBLISH, write([("a", b"second" + BIG), ("a", b"Tsecond")]))
        second.commit()
        # What began later is there, and has been read, before what began earlier is.
        assert await receive(link, 2) == [("a", b"second" + BIG), ("a", b"Tsecond")]
        first.commit()
        assert await receive(link, 2) == [("a", b"first" + BIG), ("a", b"Tfirst")]


async def test_what_is_rolled_back_is_never_seen(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    with transaction(server) as other:
        other.execute(PUBLISH, write([("a", BIG), ("a", b"Tno")]))
        other.rollback()
        other.execute(PUBLISH, write([("a", b"Tyes")]))
        other.commit()
    assert await receive(link, 1) == [("a", b"Tyes")]


async def test_what_is_committed_after_the_subscription_arrives(server: Postgres, links: Links) -> None:
    link = await links.make()
    with transaction(server) as other:
        other.execute(PUBLISH, write([("a", BIG), ("a", b"T")]))
        await link.subscribe(["a"])
        other.commit()
    assert await receive(link, 2) == [("a", BIG), ("a", b"T")]


async def test_equal_events_in_one_transaction_all_arrive(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    with transaction(server) as other:
        for _ in range(3):
            other.execute(PUBLISH, write([("a", b"Tsame")]))
        other.commit()
    assert await receive(link, 3) == [("a", b"Tsame")] * 3


async def test_hearing_is_where_the_dsn_says(server: Postgres, links: Links) -> None:
    dsn = f"host={server.folder} user=postgres dbname={DATABASE} application_name=hearing"
    link = await links.make("a", DSN=dsn)
    await link.publish([("a", b"T")])
    assert await receive(link, 1) == [("a", b"T")]
    with server.connect(DATABASE) as connection:
        names = connection.execute(
            "SELECT pid, application_name FROM pg_stat_activity WHERE application_name IN ('hearing', 'django-ws')"
        ).fetchall()
    assert sorted(names) == sorted([(pid(link._listener), "hearing"), (pid(link._publisher), "django-ws")])


# --- what has had its time ------------------------------------------------------------------------


async def test_a_row_is_kept_from_its_commit_on_not_from_its_insertion(
    server: Postgres, links: Links, clock: list[float]
) -> None:
    link = await links.make("tick")
    with transaction(server) as long:
        long.execute(PUBLISH, write([("a", BIG)]))
        await link.publish([("a", BIG)])
        for _ in range(3):
            await tend(link, clock, 100)
        long.commit()
    # It began long ago, and was committed just now.
    await tend(link, clock, 100)
    assert stored(server) == 2
    for _ in range(3):
        await tend(link, clock, 19)
    assert stored(server) == 2
    await tend(link, clock, 19)
    assert stored(server) == 0


async def test_many_rows_go_step_by_step_and_nobody_waits_for_a_lock(
    server: Postgres, links: Links, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PRUNED_AT_ONCE", 2)
    link = await links.make("tick")
    await link.publish([("a", BIG)] * 6)
    await tend(link, clock, 100)
    with transaction(server) as other:
        other.execute("SELECT 1 FROM django_ws_postgres_message LIMIT 1 FOR UPDATE")
        await tend(link, clock, 100)
        assert stored(server) == 1
    await tend(link, clock, 100)
    assert stored(server) == 0


async def test_a_row_out_of_a_backup_of_another_server_goes(server: Postgres, links: Links, clock: list[float]) -> None:
    link = await links.make("tick")
    with server.connect(DATABASE) as connection:
        connection.execute(
            "INSERT INTO django_ws_postgres_message VALUES (gen_random_uuid(), '9000000000000000000', '')"
        )
    await tend(link, clock, 100)
    assert stored(server) == 0


async def test_who_is_behind_for_too_long_is_told(server: Postgres, links: Links) -> None:
    link = await links.make("a", RETENTION=7)
    await link.publish([("a", BIG), ("a", BIG)])
    with server.connect(DATABASE) as connection:
        connection.execute(
            "DELETE FROM django_ws_postgres_message WHERE key = (SELECT key FROM django_ws_postgres_message LIMIT 1)"
        )
        with pytest.raises(BrokerError, match=r"^1 of 2 messages had been deleted .* more than RETENTION, 7 seconds$"):
            await receive(link, 1)


# --- what breaks ----------------------------------------------------------------------------------


async def test_a_connection_that_is_ended_by_the_server(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    await link.publish([("a", b"T")])
    server.terminate(DATABASE)
    with pytest.raises(BrokerError, match=r"terminating connection|closed the connection"):
        await receive(link, 2)


async def test_a_server_that_says_nothing_more(links: Links, clock: list[float]) -> None:
    link = await links.make("a", TIMEOUT=1)
    process = pid(link._listener)
    os.kill(process, signal.SIGSTOP)
    try:
        clock[0] += 100
        with pytest.raises(BrokerError, match=r"^no answer for 1 seconds$"):
            await receive(link, 1)
    finally:
        os.kill(process, signal.SIGCONT)


async def test_a_quiet_server_is_asked_now_and_then(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TEND_EVERY", 0.01)
    link = await links.make("a")
    asked = asyncio.Event()
    original = link._tend

    async def counting(listener: "psycopg.AsyncConnection[tuple[object, ...]]") -> None:
        await original(listener)
        asked.set()

    monkeypatch.setattr(link, "_tend", counting)
    receiving = asyncio.ensure_future(receive(link, 1))
    for _ in range(3):
        asked.clear()
        await asked.wait()
    await link.publish([("a", b"T")])
    assert await receiving == [("a", b"T")]


async def test_a_table_that_is_made_anew_has_other_notifications(links: Links, clock: list[float]) -> None:
    link = await links.make("a")

    def remake() -> None:
        migrate("zero")
        migrate()

    await in_thread(remake)
    clock[0] += 100
    with pytest.raises(BrokerError, match="was made anew"):
        await receive(link, 1)


async def test_without_the_table(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    others = server.connections(DATABASE)
    await in_thread(lambda: migrate("zero"))
    try:
        with pytest.raises(BrokerError, match=NO_TABLE):
            await links.make("a")
        with pytest.raises(BrokerError, match=NO_TABLE):
            await link.publish([("a", b"T")])
        await link.close()
        while server.connections(DATABASE) >= others:
            await asyncio.sleep(0.01)
    finally:
        await in_thread(migrate)


async def test_a_notification_of_somebody_else(links: Links) -> None:
    link = await links.make("a")
    await in_thread(lambda: execute("SELECT pg_notify(%s, 'a z1 what')", f"django_ws_{link._table}"))
    with pytest.raises(BrokerError, match="cannot be read"):
        await receive(link, 1)


async def test_too_big(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_PAYLOAD", 10)
    link = await links.make("a")
    with pytest.raises(PayloadTooBigError):
        await link.publish([("a", b"T" * 11)])
    assert link._publisher is None


async def test_a_connection_that_was_ended_while_nobody_published_costs_no_event(
    server: Postgres, links: Links
) -> None:
    link = await links.make("a")
    await link.publish([("a", b"T1")])
    process = pid(link._publisher)
    with server.connect(DATABASE) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [process])
        while (process,) in connection.execute("SELECT pid FROM pg_stat_activity").fetchall():
            await asyncio.sleep(0.01)
    await link.publish([("a", b"T2")])
    assert pid(link._publisher) != process
    assert await receive(link, 2) == [("a", b"T1"), ("a", b"T2")]


# --- the end --------------------------------------------------------------------------------------


async def test_closing_gives_everything_back(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    await link.publish([("a", b"T")])
    processes = {pid(link._listener), pid(link._publisher)}
    await link.close()
    await link.close()
    with server.connect(DATABASE) as connection:
        while processes & {row[0] for row in connection.execute("SELECT pid FROM pg_stat_activity")}:
            await asyncio.sleep(0.01)
    with pytest.raises(BrokerError, match="the link is closed"):
        await link.publish([("a", b"T")])
    with pytest.raises(BrokerError, match="the link is closed"):
        await link.receive()


async def test_who_subscribes_hears_of_a_loss_that_nobody_has_noticed(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    server.terminate(DATABASE)
    with pytest.raises(BrokerError, match=r"terminating connection|closed the connection"):
        await link.subscribe(["b"])
    await link.close()
    with pytest.raises(BrokerError, match="the link is closed"):
        await link.subscribe(["b"])


async def test_who_receives_is_not_in_the_way_of_who_subscribes(links: Links) -> None:
    link = await links.make()
    receiving = asyncio.ensure_future(receive(link, 1))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await link.subscribe(["a"])
    await link.publish([("a", b"T")])
    assert await receiving == [("a", b"T")]


async def test_cancelling_loses_nothing(server: Postgres, links: Links) -> None:
    link = await links.make("a")
    await link.publish([("a", BIG), ("a", b"T")])
    with transaction(server) as other:
        other.execute("LOCK TABLE django_ws_postgres_message")
        receiving = asyncio.ensure_future(link.receive())
        async with asyncio.timeout(20):
            while not other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                await asyncio.sleep(0.01)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    assert await receive(link, 2) == [("a", BIG), ("a", b"T")]


async def test_closing_ends_a_receive(links: Links) -> None:
    link = await links.make("a")
    receiving = asyncio.ensure_future(link.receive())
    await asyncio.sleep(0)
    await link.close()
    with pytest.raises(BrokerError):
        await receiving


async def test_closing_does_not_wait_for_the_server(links: Links) -> None:
    link = await links.make("a", TIMEOUT=1000)
    await link.publish([("a", b"T")])
    process = pid(link._publisher)
    os.kill(process, signal.SIGSTOP)
    try:
        publishing = [asyncio.ensure_future(link.publish([("a", b"T")])) for _ in range(2)]
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await link.close()
            outcomes = await asyncio.gather(*publishing, return_exceptions=True)
    finally:
        os.kill(process, signal.SIGCONT)
    assert [type(outcome) for outcome in outcomes] == [BrokerError, BrokerError]
    assert str(outcomes[1]) == "the link is closed"
