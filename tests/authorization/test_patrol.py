"""authorization/patrol.py"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.test import override_settings
from typing_extensions import override

from authorization.support import Open, fake_broker, order
from django_ws.authorization import patrol as module
from django_ws.authorization.control import Control, write_order
from django_ws.authorization.patrol import Patrol
from django_ws.handler import revalidated
from django_ws.handler.runtime import runtime
from django_ws.testing import FakeBroker, FakeDelivery
from django_ws.topics.hub import hub_of
from handler.support import Noted, messages, turns, until


@pytest.fixture(autouse=True)
def logins_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    async def renew(request: object) -> bool:
        return True

    monkeypatch.setattr(revalidated, "renew_user", renew)


class Checked(Noted):
    """Notes that it is looked at again."""

    @override
    async def on_revalidate(self) -> bool:
        self.journal.append("checked")
        return True


def is_joined(broker: FakeBroker) -> bool:
    return any(Control().channel in link.channels for link in broker.links)


@asynccontextmanager
async def on_patrol(running: list[object]) -> AsyncIterator[Patrol]:
    patrol = Patrol(running)
    patrol.wake()
    yield patrol
    patrol.stop()
    await until(lambda: not patrol._tasks)


async def test_an_order_of_another_process_is_obeyed() -> None:
    with fake_broker() as broker:
        async with on_patrol([1]), Open(7) as alice, Open(8) as bob:
            await until(lambda: is_joined(broker))
            await Control().apublish(write_order(order()))
            await alice.task
            assert (alice.code, bob.code) == (4401, None)


async def test_one_task_listens_however_often_it_is_woken_and_gives_up_without_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LOOK", 0.001)
    running: list[object] = [1]
    with fake_broker() as broker:
        async with on_patrol(running) as patrol:
            await until(lambda: is_joined(broker))
            patrol.wake()
            assert len(patrol._tasks) == 1
            await asyncio.sleep(0.01)
            assert is_joined(broker)
            running.clear()
            await until(lambda: not patrol._tasks, 100_000)
            await until(lambda: not is_joined(broker))
            running.append(2)
            patrol.wake()
            await until(lambda: is_joined(broker))


async def test_what_was_open_before_the_channel_was_joined_is_checked() -> None:
    with fake_broker() as broker:
        broker.go_down()
        async with (
            Open(7, cls=Checked) as user,
            Open(None, "a-session-key", Checked) as session,
            Open() as nobody,
            on_patrol([1]),
        ):
            await turns()
            assert user.socket.journal == ["open"]
            broker.come_back()
            await until(lambda: "checked" in user.socket.journal, 1_000_000)
            await until(lambda: "checked" in session.socket.journal)
            await turns()
            assert nobody.socket.journal == ["open"]


async def test_after_an_outage_every_login_is_checked() -> None:
    with fake_broker() as broker:
        async with on_patrol([1]):
            await until(lambda: is_joined(broker))
            await turns()
            async with Open(7, cls=Checked) as user:
                await turns()
                assert user.socket.journal == ["open"]
                broker.go_down()
                broker.come_back()
                await until(lambda: "checked" in user.socket.journal, 1_000_000)


async def test_an_engine_that_stays_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_broker(timeout=0.001) as broker:
        broker.go_down()
        joins: list[object] = []
        join = Control.join

        async def counted(self: Control, member: Any) -> Any:
            joins.append(member)
            return await join(self, member)

        monkeypatch.setattr(Control, "join", counted)
        async with on_patrol([1]):
            await until(lambda: len(joins) > 2, 1_000_000)


async def test_settings_that_are_wrong_are_logged_and_not_tried_at_each_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with override_settings(WS_BROKERS={"default": {"BACKEND": "no.such.Broker"}}):
        async with on_patrol([1]) as patrol:
            await until(lambda: messages(caplog))
            patrol.wake()
            await turns()
            assert messages(caplog) == ["Sockets cannot hear of orders to close from other processes"]


async def test_what_nobody_can_read_makes_all_be_checked(caplog: pytest.LogCaptureFixture) -> None:
    patrol = Patrol([])
    async with Open(7, cls=Checked) as user:
        patrol.ws_deliver(FakeDelivery("{}", Control()))
        await until(lambda: "checked" in user.socket.journal)
    assert [each.partition("(")[0] for each in messages(caplog)] == ["An order to close that nobody can read came "]


async def test_an_order_that_came_by_the_short_way_is_not_carried_out_again() -> None:
    patrol = Patrol([])
    runtime().obey(order())
    async with Open(7) as back_again:
        patrol.ws_deliver(FakeDelivery(write_order(order()), Control()))
        await turns()
        assert back_again.code is None


def test_event_loops_that_have_ended_are_forgotten() -> None:
    patrol = Patrol([1])

    async def main() -> None:
        patrol.wake()
        await turns()

    with fake_broker():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        (task,) = patrol._tasks.values()
        asyncio.run(main())  # whose own task has ended with it, as asyncio.run() cancels what is left
        assert list(patrol._tasks) == [loop]
        patrol.stop()
        loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))
        # A loop that was closed with the task in the middle.
        patrol._tasks[loop] = task
        loop.close()
        patrol.stop()
        asyncio.run(main())
        assert patrol._tasks == {}


async def test_nothing_is_left_of_the_hub() -> None:
    with fake_broker():
        async with on_patrol([1]):
            hub = hub_of("default")
            await until(lambda: len(hub))
        assert len(hub) == 0
