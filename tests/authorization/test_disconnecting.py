"""authorization/disconnecting.py"""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import SynchronousOnlyOperation
from django.db import models, transaction

from authorization.support import Open, fake_broker, in_thread
from django_ws import adisconnect, disconnect, disconnect_on_commit
from django_ws.authorization import disconnecting
from django_ws.exceptions import BrokerError
from django_ws.handler.orders import Order
from handler.support import messages

KEY = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize("user", [User(pk=7), 7, "7"])
async def test_every_socket_of_the_user_is_closed_from_sync_code(user: object) -> None:
    async with Open(7) as one, Open(7) as two, Open(8) as other, Open() as nobodys:
        await in_thread(lambda: disconnect(user))
        await one.task
        await two.task
        assert (one.code, one.connection.close_reason) == (4401, "logged out")
        assert (two.code, other.code, nobodys.code) == (4401, None, None)


async def test_every_socket_of_the_user_is_closed_from_async_code() -> None:
    async with Open(7) as one, Open(8) as other:
        await adisconnect(User(pk=7), code=4410, reason="banned")
        await one.task
        assert (one.code, one.connection.close_reason) == (4410, "banned")
        assert other.code is None


async def test_a_socket_may_close_those_of_its_own_user() -> None:
    async with Open(7) as one:
        await one.socket.start_task("leave everywhere", adisconnect, 7)
        await one.task
        assert one.code == 4401


@pytest.mark.parametrize("key", [KEY, str(KEY), str(KEY).upper(), KEY.hex])
async def test_a_key_may_be_written_in_any_of_its_ways(key: object, monkeypatch: pytest.MonkeyPatch) -> None:
    keyed: Any = type("Keyed", (), {"_meta": type("Meta", (), {"pk": models.UUIDField()})})
    monkeypatch.setattr(disconnecting, "get_user_model", lambda: keyed)
    async with Open(KEY) as one:
        await adisconnect(key)
        await one.task
        assert one.code == 4401


@pytest.mark.parametrize("user", [AnonymousUser(), User(), None])
async def test_nobody_has_no_sockets(user: object) -> None:
    with pytest.raises(ValueError, match="Only the sockets of a user that is logged in can be closed"):
        await adisconnect(user)


async def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'alice' is no primary key of a user: .*integer"):
        await adisconnect("alice")


async def test_a_code_that_may_not_be_sent_is_refused() -> None:
    with pytest.raises(ValueError, match="1006 may not stand in a close frame"):
        await adisconnect(7, code=1006)
    with pytest.raises(ValueError, match="403 may not"):
        await in_thread(lambda: disconnect(7, code=403))


async def test_sync_code_does_not_hold_the_event_loop_up() -> None:
    with pytest.raises(SynchronousOnlyOperation, match="await adisconnect"):
        disconnect(7)


# --- on commit ------------------------------------------------------------------------------------


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    orders: list[Order] = []
    monkeypatch.setattr(disconnecting, "publish_order", orders.append)
    return orders


def test_they_are_closed_when_the_transaction_is_committed(database: None, ordered: list[Order]) -> None:
    with transaction.atomic():
        disconnect_on_commit(7, reason="banned")
        assert ordered == []
    assert [each[1:] for each in ordered] == [("7", None, 4401, "banned")]


def test_a_transaction_that_is_rolled_back_closes_none(database: None, ordered: list[Order]) -> None:
    with pytest.raises(KeyError), transaction.atomic():
        disconnect_on_commit(7)
        raise KeyError
    assert ordered == []
    disconnect_on_commit(7, using="default")
    assert len(ordered) == 1


def test_a_mistake_raises_where_it_is(database: None) -> None:
    with transaction.atomic(), pytest.raises(ValueError, match="Only the sockets"):
        disconnect_on_commit(None)


def test_an_engine_that_is_away_raises_after_the_commit_or_is_logged(
    database: None, caplog: pytest.LogCaptureFixture
) -> None:
    with fake_broker() as broker:
        broker.go_down()
        with pytest.raises(BrokerError), transaction.atomic():
            disconnect_on_commit(7)
        with transaction.atomic():
            disconnect_on_commit(7, robust=True)
    assert messages(caplog) == ["The sockets of other processes could not be told to close (logged out)"]
