"""limits/asking.py"""

import asyncio
import logging
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.core.cache import BaseCache, caches
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_ws.limits.asking import DOWN, CacheThread

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    with override_settings(CACHES={"default": {"BACKEND": LOCMEM, "LOCATION": __name__}}):
        yield
        caches["default"].clear()


def put(cache: BaseCache) -> str:
    cache.set("a", "put")
    return "done"


def take_out(cache: BaseCache) -> object:
    found: object = cache.get("a")
    return found


def fail(cache: BaseCache) -> None:
    raise ConnectionError("no route to the cache")


async def test_what_is_asked_is_done_in_order_with_one_client_on_one_thread_that_is_not_the_event_loops() -> None:
    asked = CacheThread("default", 5)

    def who(cache: BaseCache) -> tuple[int, threading.Thread]:
        return id(cache), threading.current_thread()

    async def ask() -> tuple[int, threading.Thread]:
        # In a task, so in a context, of its own, as each connection is.
        answer = await asked.answer(asked.ask(who))
        assert answer is not DOWN
        return answer

    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(ask()) for _ in range(10)]
    ((_, thread),) = {answer.result() for answer in answers}
    assert thread is not threading.current_thread()
    first, second = asked.ask(put), asked.ask(take_out)
    assert [await asked.answer(second), await asked.answer(first)] == ["put", "done"]


async def test_a_cache_that_fails_is_down_and_one_line_a_minute_tells_of_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("django_ws.limits.asking.time", SimpleNamespace(monotonic=lambda: now))
    asked = CacheThread("default", 5)
    for _ in range(3):
        assert await asked.answer(asked.ask(fail)) is DOWN
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("django_ws.limits", logging.ERROR)
    assert "The cache 'default' (WS_CONNECTIONS_CACHE) failed: " in record.getMessage()
    assert "no route to the cache" in caplog.text
    now += 60
    assert await asked.answer(asked.ask(fail)) is DOWN
    assert len(caplog.records) == 2
    assert await asked.answer(asked.ask(put)) == "done"


async def test_a_cache_that_hangs_is_not_waited_for_nor_asked_again_until_it_has_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    going_on = threading.Event()
    asked = CacheThread("default", 0.05)

    def hang(cache: BaseCache) -> str:
        going_on.wait(60)
        return "at last"

    try:
        hanging, behind = asked.ask(hang), asked.ask(put)
        assert await asked.answer(hanging) is DOWN
        assert await asked.answer(behind) is DOWN
        assert behind.cancelled(), "what had not begun is not done later"
        later = asked.ask(put)
        assert later.done()
        assert await asked.answer(later) is DOWN
        (record,) = caplog.records
        assert "gave no answer within 0.05 s" in record.getMessage()
    finally:
        going_on.set()
    assert hanging.result(60) == "at last"
    assert asked.ask(put).result(60) == "done"


async def test_who_waits_may_be_cancelled_and_the_work_goes_on() -> None:
    going_on = threading.Event()
    asked = CacheThread("default", 60)

    def wait(cache: BaseCache) -> str:
        going_on.wait(60)
        return "done"

    future = asked.ask(wait)
    waiting = asyncio.create_task(asked.answer(future))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    going_on.set()
    assert future.result(60) == "done"


async def test_database_connections_of_the_thread_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[threading.Thread] = []
    monkeypatch.setattr(
        "django_ws.limits.asking.close_old_connections", lambda: given.append(threading.current_thread())
    )
    asked = CacheThread("default", 60)
    assert await asked.answer(asked.ask(fail)) is DOWN
    assert await asked.answer(asked.ask(put)) == "done"
    assert len(given) == 2
    assert threading.current_thread() not in given


@pytest.mark.parametrize(
    ("alias", "why"),
    [("nowhere", "The connection 'nowhere' doesn't exist"), ("broken", "Could not find backend 'no.such.Cache'")],
)
def test_a_cache_that_is_not_there_is_found_at_the_start_and_named_with_the_setting(alias: str, why: str) -> None:
    both = {"default": {"BACKEND": LOCMEM}, "broken": {"BACKEND": "no.such.Cache"}}
    with override_settings(CACHES=both), pytest.raises(ImproperlyConfigured) as raised:
        CacheThread(alias, 5)
    message = str(raised.value)
    assert message.startswith(f"WS_CONNECTIONS_CACHE is {alias!r}, but must be a cache of CACHES ('default', 'broken')")
    assert why in message
