"""refusals.py"""

import logging

import pytest

from django_ws import conf, refusals
from django_ws.handler import WebSocket
from django_ws.refusals import Limit, log_refusal

logger = logging.getLogger("django_ws")


class Clock:
    """Stands for the module ``time``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(refusals, "time", clock)
    return clock


def refuse(limit: Limit = Limit.MESSAGE_RATE, where: str = "Room") -> None:
    log_refusal(logger, limit, where, f"{where}: too much", extra=lambda: {"route": "room/"})


def test_each_refusal_is_counted_by_its_limit() -> None:
    assert refusals.refusals() == {}
    for limit in (Limit.OUTBOX, Limit.MESSAGE_SIZE, Limit.OUTBOX):
        refuse(limit)
    assert refusals.refusals() == {Limit.OUTBOX: 2, Limit.MESSAGE_SIZE: 1}


def test_what_is_given_is_a_copy() -> None:
    refuse()
    given = refusals.refusals()
    refuse()
    assert given == {Limit.MESSAGE_RATE: 1}
    assert refusals.refusals() == {Limit.MESSAGE_RATE: 2}


def test_a_flood_is_one_line_a_minute_which_says_how_many_were_left_out(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(1000):
        refuse()
    clock.now += 59.9
    refuse()
    clock.now += 0.1
    refuse()
    clock.now += 60
    refuse()
    assert [record.getMessage() for record in caplog.records] == [
        "Room: too much",
        "Room: too much (1000 more since the last such line)",
        "Room: too much",
    ]
    assert [vars(record)["left_out"] for record in caplog.records] == [0, 1000, 0]
    assert refusals.refusals() == {Limit.MESSAGE_RATE: 1003}


def test_each_limit_and_each_place_has_lines_of_its_own(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for limit in (Limit.MESSAGE_RATE, Limit.OUTBOX):
        for where in ("Room", "Feed", "Room"):
            refuse(limit, where)
    assert [record.getMessage() for record in caplog.records] == ["Room: too much", "Feed: too much"] * 2


def test_a_line_is_a_warning_and_carries_its_fields_and_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    refuse(Limit.IDLE_TIME)
    (record,) = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "django_ws")
    assert {"route": "room/", "limit": "WS_IDLE_TIMEOUT", "left_out": 0}.items() <= vars(record).items()


def test_fields_are_made_for_a_line_alone_and_need_not_be_given(caplog: pytest.LogCaptureFixture) -> None:
    made: list[int] = []

    def fields() -> dict[str, object]:
        made.append(1)
        return {}

    for _ in range(5):
        log_refusal(logger, Limit.OUTBOX, "Room", "Room: full", extra=fields)
    log_refusal(logger, Limit.OUTBOX, "Feed", "Feed: 100 % full")
    assert made == [1]
    assert [record.getMessage() for record in caplog.records] == ["Room: full", "Feed: 100 % full"]


@pytest.mark.parametrize("limit", Limit)
def test_each_limit_names_a_setting_that_there_is(limit: Limit) -> None:
    assert limit.value in conf.NAMES
    attribute = limit.value.removeprefix("WS_").lower()
    of_a_socket = {"max_message_size", "messages_per_second", "outbox_messages", "idle_timeout"}
    assert (attribute in WebSocket.__annotations__) == (attribute in of_a_socket)
