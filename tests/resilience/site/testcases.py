"""Django's own test cases with sockets opened inside of them; run by Django's own runner, in test_plain_testcase.py."""

import asyncio
from typing import Any, NoReturn

from asgiref.sync import async_to_sync, sync_to_async
from django.db import IntegrityError, connection, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.testing import FakeResolver, Peer, websocket_scope
from resilience.site.models import Entry


class Rows(WebSocketHandler[str, str]):
    """Writes a row for each message, and answers with the number of rows that it sees."""

    @override
    async def on_connect(self) -> None:
        assert await Entry.objects.acount() >= 0

    @override
    async def on_open(self) -> None:
        _ = self.start_task("task", Entry.objects.acreate, socket="task", number=0)

    @override
    async def on_message(self, data: str) -> None:
        if data == "fault":
            await sync_to_async(fail)()
        if data == "atomic":
            await sync_to_async(write_twice)()
        await Entry.objects.acreate(socket="socket", number=1)
        await self.send(str(await Entry.objects.exclude(socket="task").acount()))

    @override
    async def on_close(self) -> None:
        await Entry.objects.acreate(socket="closed", number=2)


@transaction.atomic
def fail() -> NoReturn:
    row = Entry.objects.create(socket="fault", number=3)
    Entry.objects.bulk_create([Entry(pk=row.pk, socket="twice", number=3)])
    raise AssertionError("the key is taken")


@transaction.atomic
def write_twice() -> None:
    Entry.objects.create(socket="socket", number=4)
    with transaction.atomic():
        Entry.objects.create(socket="socket", number=5)
        transaction.set_rollback(True)


# ASGI: the three arguments are of any type.
async def no_http(scope: Any, receive: Any, send: Any) -> NoReturn:
    raise AssertionError


application = get_websocket_application(no_http, resolver=FakeResolver({"/rows/": Rows}), middleware=[])


def open_socket() -> Peer:
    return Peer(application, websocket_scope("/rows/"))


async def say(peer: Peer, text: str = "hello") -> str | bytes:
    peer.text(text)
    return await peer.receive()


async def closed() -> int:
    return await Entry.objects.filter(socket="closed").acount()


class InTransaction(TestCase):
    """Each test in a transaction of its own, which is rolled back."""

    @classmethod
    @override
    def setUpTestData(cls) -> None:
        Entry.objects.create(socket="class", number=0)

    async def test_a_socket_sees_the_rows_of_the_test_and_the_test_those_of_the_socket(self) -> None:
        await Entry.objects.acreate(socket="test", number=0)
        used = await sync_to_async(lambda: connection.connection)()
        async with open_socket() as peer:
            assert await peer.connect()
            assert await say(peer) == "3"
            assert await say(peer, "atomic") == "5"
        assert await closed() == 1
        assert await sync_to_async(lambda: connection.connection)() is used
        assert await sync_to_async(lambda: connection.in_atomic_block)()

    async def test_nothing_of_another_test_is_left(self) -> None:
        async with open_socket() as peer:
            assert await peer.connect()
            assert await say(peer) == "2"

    async def test_several_sockets_at_once(self) -> None:
        async with open_socket() as one, open_socket() as other:
            assert all(await asyncio.gather(one.connect(), other.connect()))
            await asyncio.gather(say(one), say(other))
            assert await say(one) == "4"
        assert await closed() == 2

    async def test_the_transaction_survives_a_fault_in_a_socket(self) -> None:
        with self.assertLogs("django_ws", "ERROR") as logs:
            async with open_socket() as peer:
                assert await peer.connect()
                peer.text("fault")
                assert await peer.wait_closed() == 1011
        assert [record.exc_info and record.exc_info[0] for record in logs.records] == [IntegrityError]
        assert await Entry.objects.filter(number=3).acount() == 0
        assert await closed() == 1

    def test_from_sync_code(self) -> None:
        Entry.objects.create(socket="test", number=0)
        used = connection.connection

        async def visit() -> str | bytes:
            async with open_socket() as peer:
                assert await peer.connect()
                return await say(peer)

        assert async_to_sync(visit)() == "3"
        assert connection.connection is used
        assert connection.in_atomic_block
        assert connection.is_usable()
        assert Entry.objects.filter(socket="closed").count() == 1


class WithTransactions(TransactionTestCase):
    """Each test commits, and the tables are emptied after it."""

    def test_rows_are_committed_and_the_connection_stays(self) -> None:
        Entry.objects.create(socket="test", number=0)
        used = connection.connection
        committed: list[int] = []

        def write() -> None:
            with transaction.atomic():
                row = Entry.objects.create(socket="socket", number=6)
                transaction.on_commit(lambda: committed.append(row.number))

        async def visit() -> str | bytes:
            async with open_socket() as peer:
                assert await peer.connect()
                await sync_to_async(write)()
                return await say(peer)

        assert async_to_sync(visit)() == "3"
        assert committed == [6]
        assert connection.connection is used
        assert connection.is_usable()

    async def test_an_async_test_begins_with_empty_tables(self) -> None:
        async with open_socket() as peer:
            assert await peer.connect()
            assert await say(peer) == "1"
        assert await closed() == 1


class WithoutDatabase(SimpleTestCase):
    """No test of it may use a database, and neither may a socket in it."""

    async def test_a_socket_is_refused_the_database(self) -> None:
        with self.assertLogs("django_ws", "ERROR") as logs:
            async with open_socket() as peer:
                assert not await peer.connect()
        assert peer.denied_status == 500
        (record,) = logs.records
        assert record.exc_info is not None
        assert "Database queries to 'default' are not allowed" in str(record.exc_info[1])
