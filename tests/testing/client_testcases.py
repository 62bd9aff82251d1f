"""Django's own test cases with the client in them, and their URLconf; run by Django's own runner."""

import asyncio

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import AsyncClient, Client, TestCase, TransactionTestCase
from typing_extensions import override

from django_ws import JSON, WebSocketHandler
from django_ws.testing import connect, freeze_clock
from django_ws.urls import path


class Users(WebSocketHandler[JSON, JSON]):
    """For members: writes a user for each message, and one at the end."""

    @override
    async def on_connect(self) -> None:
        user = await self.request.auser()
        if not user.is_authenticated:
            raise PermissionDenied
        await self.request.session.aset("seen", "yes")
        await self.request.session.asave()

    @override
    async def on_open(self) -> None:
        await self.start_task("task", User.objects.aget_or_create, username="task")

    @override
    async def on_message(self, data: JSON, /) -> None:
        if data == "fail":
            raise ValueError("failed")
        await User.objects.acreate(username=str(data))
        names: list[JSON] = [name async for name in User.objects.order_by("pk").values_list("username", flat=True)]
        await self.send(names)

    @override
    async def on_close(self) -> None:
        await User.objects.aget_or_create(username="closed")


class Growing(WebSocketHandler[str, str]):
    """Writes a user every ten seconds."""

    @override
    async def on_open(self) -> None:
        _ = self.start_task("grow", self.sleep_loop, self.grow, 10)

    async def grow(self) -> None:
        await User.objects.acreate(username=f"user{await User.objects.acount()}")


urlpatterns = [path("users/", Users)]


async def names() -> list[str]:
    return [name async for name in User.objects.order_by("pk").values_list("username", flat=True)]


class InTransaction(TestCase):
    user: User

    @classmethod
    @override
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create(username="alice")

    async def test_the_hooks_see_the_rows_of_the_test_and_the_test_those_of_the_hooks(self) -> None:
        await User.objects.acreate(username="test")
        used = await sync_to_async(lambda: connection.connection)()
        async with connect("/users/", user=self.user) as ws:
            await ws.send(["x"])
            assert await ws.receive() == ["alice", "test", "task", "['x']"]
        assert (await names())[-1] == "closed"
        assert await sync_to_async(lambda: connection.connection)() is used
        assert await sync_to_async(lambda: connection.in_atomic_block)()

    async def test_nothing_of_another_test_is_left(self) -> None:
        assert await names() == ["alice"]

    async def test_who_is_not_logged_in_is_refused(self) -> None:
        for user in (None, AnonymousUser()):
            async with connect("/users/", user=user) as ws:
                assert ws.denied is not None
                assert ws.denied.status == 403

    async def test_the_session_of_a_client_is_shared_in_both_directions(self) -> None:
        for client in (Client(), AsyncClient()):
            await client.aforce_login(self.user)
            async with connect("/users/", client=client) as ws:
                assert ws.is_open
            assert await (await client.asession()).aget("seen") == "yes"
            await User.objects.exclude(pk=self.user.pk).adelete()

    async def test_a_login_by_the_socket_is_one_of_the_client(self) -> None:
        async with connect("/users/", user=self.user, client=self.async_client):
            pass
        assert await (await self.async_client.asession()).aget("_auth_user_id") == str(self.user.pk)

    async def test_several_sockets_at_once(self) -> None:
        async with connect(Users, user=self.user) as one, connect(Users, user=self.user, client=one.client) as other:
            await one.send_json("one")
            await other.send_json("other")
            await asyncio.gather(one.receive(), other.receive())

    async def test_a_fault_is_raised_and_the_transaction_lives_on(self) -> None:
        with self.assertRaisesMessage(ValueError, "failed"):
            async with connect("/users/", user=self.user) as ws:
                await ws.send_json("fail")
                await ws.wait_closed()
        assert "alice" in await names()

    async def test_the_clock_waits_for_the_database(self) -> None:
        with freeze_clock() as clock:
            async with connect(Growing):
                await clock.advance(30)
                assert await names() == ["alice", "user1", "user2", "user3"]

    def test_from_sync_code(self) -> None:
        used = connection.connection

        async def visit() -> object:
            async with connect("/users/", user=self.user) as ws:
                await ws.send_json("x")
                return await ws.receive()

        assert async_to_sync(visit)() == ["alice", "task", "x"]
        assert connection.connection is used
        assert connection.is_usable()
        assert User.objects.filter(username="closed").exists()


class WithTransactions(TransactionTestCase):
    async def test_rows_are_committed_and_the_connection_stays(self) -> None:
        user = await User.objects.acreate(username="bob")
        used = await sync_to_async(lambda: connection.connection)()
        async with connect("/users/", user=user) as ws:
            await ws.send_json("x")
            assert await ws.receive() == ["bob", "task", "x"]
        assert await names() == ["bob", "task", "x", "closed"]
        assert await sync_to_async(lambda: connection.connection)() is used

    async def test_the_tables_are_empty_at_first(self) -> None:
        assert await names() == []
