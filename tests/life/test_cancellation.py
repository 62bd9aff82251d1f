"""Whatever breaks into a socket's life, at whichever turn of the loop: nothing is skipped and nothing is left."""

import asyncio
from collections.abc import Callable

import pytest
from django.test import override_settings

from django_ws.handler import runtime
from handler.support import messages
from life.support import FLOOD, Fault, Run, Story, check, live

HOOKS = ["middleware", "on_connect", "on_open", "on_message", "on_close", "early", "late"]


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns are counted, not seconds."""
    monkeypatch.setattr(runtime, "TICK", 3600)


def cancel(run: Run) -> None:
    run.task.cancel()


def disconnect(run: Run) -> None:
    run.peer.disconnect(4321)


async def drain(application: object) -> None:
    incoming: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    incoming.put_nowait({"type": "lifespan.shutdown"})

    async def send(event: dict[str, str]) -> None: ...

    assert callable(application)
    await application({"type": "lifespan"}, incoming.get, send)


async def length(*, function: bool = False, ticked: bool = False, fault_in: str = "") -> int:
    """How many turns a life takes that nothing breaks into."""
    run = await live(function=function, ticked=ticked, story=Story(fault_in))
    return run.turn


@pytest.mark.parametrize("ticked", [False, True])
async def test_the_life_that_is_broken_into_goes_through_everything(ticked: bool) -> None:
    run = await live(ticked=ticked)
    check(run)
    assert run.turn > 60
    assert run.texts == ["hello", *FLOOD]
    assert (run.peer.close_code, run.peer.close_reason) == (4000, "bye")
    assert run.task.result() is None
    assert run.story.count("late begun") == 2
    assert run.story.count("on_message ended") == 4
    assert run.story.journal[-2:] == ["on_close ended", "out"]


@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize("ticked", [False, True])
@pytest.mark.parametrize("function", [False, True])
async def test_cancelled_at_any_turn_it_cleans_up_and_raises_the_cancellation(
    function: bool, ticked: bool, pending: bool
) -> None:
    for turn in range(await length(function=function, ticked=ticked)):
        run = await live({turn: cancel}, function=function, ticked=ticked, pending_forever=pending)
        assert run.task.cancelled(), (turn, run.story.journal)
        assert run.task.cancelling() == 1
        # A task that is cancelled before its first step never begins.
        check(run, answered=turn > 0)


@pytest.mark.parametrize("ticked", [False, True])
@pytest.mark.parametrize("later", [1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 21])
async def test_cancelled_twice_it_cleans_up_all_the_same(later: int, ticked: bool) -> None:
    for turn in range(1, await length(ticked=ticked), 2):
        run = await live({turn: cancel, turn + later: cancel}, ticked=ticked)
        assert run.task.cancelled(), (turn, run.story.journal)
        check(run, answered=False)


async def test_cancelled_at_every_turn_from_one_on_it_cleans_up_all_the_same() -> None:
    for turn in range(1, await length(), 3):
        run = await live(dict.fromkeys(range(turn, 1000), cancel))
        assert run.task.cancelled(), (turn, run.story.journal)
        check(run, answered=False)


@pytest.mark.parametrize("ticked", [False, True])
@pytest.mark.parametrize("function", [False, True])
@pytest.mark.parametrize("raises", [OSError, RuntimeError, None])
async def test_when_the_client_leaves_at_any_turn_it_ends_in_silence(
    raises: type[Exception] | None, function: bool, ticked: bool, caplog: pytest.LogCaptureFixture
) -> None:
    for turn in range(1, await length(function=function, ticked=ticked)):
        run = await live({turn: disconnect}, function=function, ticked=ticked, raise_after_end=raises)
        assert run.task.result() is None
        check(run, answered=False)
    assert messages(caplog) == []


@pytest.mark.parametrize("function", [False, True])
@override_settings(WS_DISCONNECT_GRACE=0)
async def test_without_grace_the_clients_end_at_any_turn_interrupts_and_nobody_hears_of_it(function: bool) -> None:
    for turn in range(1, await length(function=function, ticked=True)):
        run = await live({turn: disconnect}, function=function, ticked=True)
        assert run.task.result() is None
        assert run.task.cancelling() == 0
        check(run, answered=False)


@override_settings(WS_DISCONNECT_GRACE=0)
async def test_without_grace_the_clients_end_and_a_cancellation_are_told_apart() -> None:
    for turn in range(1, await length(ticked=True), 2):
        for later in range(1, 9):
            run = await live({turn: disconnect, turn + later: cancel}, ticked=True)
            assert run.task.cancelled() or (run.task.result() is None and run.task.cancelling() == 0)
            check(run, answered=False)


@pytest.mark.parametrize("function", [False, True])
async def test_when_the_connection_breaks_and_is_told_later_it_ends_in_silence(
    function: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def vanish(run: Run) -> None:
        run.peer.vanish()

    for turn in range(1, await length(function=function), 2):
        run = await live({turn: vanish, turn + 30: disconnect}, function=function)
        assert run.task.result() is None
        check(run, answered=False)
    assert messages(caplog) == []


async def test_when_the_client_leaves_and_the_server_cancels_it_cleans_up() -> None:
    for turn in range(1, await length(), 2):
        for later in (0, 1, 2, 3, 5, 8):
            run = await live({turn: disconnect, turn + later + 1: cancel})
            assert run.task.cancelled() or (run.task.result() is None and run.task.cancelling() == 0)
            check(run, answered=False)


@pytest.mark.parametrize("function", [False, True])
async def test_a_shutdown_at_any_turn_answers_closes_and_looks_like_no_cancellation(function: bool) -> None:
    for turn in range(await length(function=function)):
        drains: list[asyncio.Task[None]] = []

        def shut_down(run: Run, drains: list[asyncio.Task[None]] = drains) -> None:
            drains.append(asyncio.create_task(drain(run.application)))

        run = await live({turn: shut_down}, function=function)
        (drained,) = drains
        await drained
        assert run.task.result() is None
        assert run.task.cancelling() == 0
        check(run)
        assert run.peer.denied_status == 503 or run.peer.close_code in {1012, 4000}


@pytest.mark.parametrize("hook", HOOKS)
async def test_a_fault_in_any_hook_is_cleaned_up_after_and_logged_once(
    hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = await live(story=Story(fault_in=hook))
    check(run)
    assert run.task.result() is None
    logged = [record for record in caplog.records if record.exc_info]
    assert [str(record.exc_info and record.exc_info[1]) for record in logged] == [hook] * (2 if hook == "late" else 1)
    assert all(isinstance(record.exc_info and record.exc_info[1], Fault) for record in logged)
    expected: tuple[int | None, int | None] = {
        "middleware": (500, None),
        "on_connect": (500, None),
        "on_open": (None, 1011),
        "on_message": (None, 1011),
    }.get(hook, (None, 4000))
    assert (run.peer.denied_status, run.peer.close_code) == expected


@pytest.mark.parametrize("breaks", [cancel, disconnect])
@pytest.mark.parametrize("hook", HOOKS)
async def test_a_fault_and_an_interruption_at_any_turn_are_cleaned_up_after(
    hook: str, breaks: Callable[[Run], object]
) -> None:
    for turn in range(1, await length(fault_in=hook), 2):
        run = await live({turn: breaks}, story=Story(fault_in=hook))
        assert run.task.cancelled() or run.task.result() is None
        check(run, answered=False)


async def test_a_server_that_leaves_a_receive_waiting_after_our_close_is_not_waited_for() -> None:
    for function in (False, True):
        run = await live(function=function, pending_forever=True)
        assert run.task.result() is None
        assert run.peer.close_code == 4000
        check(run)
