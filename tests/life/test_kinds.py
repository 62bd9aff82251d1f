"""Whatever breaks into a generator or into several messages at once, at whichever turn: see test_cancellation."""

from collections.abc import Callable

import pytest
from django.test import override_settings

from django_ws.handler import runtime
from handler.support import messages
from life.support import FLOOD, Run, Story, check, live

KINDS = ["generator", "at once"]


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns are counted, not seconds."""
    monkeypatch.setattr(runtime, "TICK", 3600)


def cancel(run: Run) -> None:
    run.task.cancel()


def disconnect(run: Run) -> None:
    run.peer.disconnect(4321)


async def length(kind: str, *, ticked: bool = False, fault_in: str = "") -> int:
    """How many turns a life takes that nothing breaks into."""
    return (await live(kind=kind, ticked=ticked, story=Story(fault_in))).turn


@pytest.mark.parametrize("ticked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_the_life_that_is_broken_into_goes_through_everything(kind: str, ticked: bool) -> None:
    run = await live(kind=kind, ticked=ticked)
    check(run)
    assert run.texts == ["hello", *FLOOD]
    assert (run.peer.close_code, run.peer.close_reason) == (4000, "bye")
    assert run.task.result() is None
    assert run.story.count("on_message ended") == 4


@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize("ticked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_cancelled_at_any_turn_it_cleans_up_and_raises_the_cancellation(
    kind: str, ticked: bool, pending: bool
) -> None:
    for turn in range(await length(kind, ticked=ticked)):
        run = await live({turn: cancel}, kind=kind, ticked=ticked, pending_forever=pending)
        assert run.task.cancelled(), (turn, run.story.journal)
        assert run.task.cancelling() == 1
        check(run, answered=turn > 0)


@pytest.mark.parametrize("ticked", [False, True])
@pytest.mark.parametrize("later", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("kind", KINDS)
async def test_cancelled_twice_it_cleans_up_all_the_same(kind: str, later: int, ticked: bool) -> None:
    for turn in range(1, await length(kind, ticked=ticked), 2):
        run = await live({turn: cancel, turn + later: cancel}, kind=kind, ticked=ticked)
        assert run.task.cancelled(), (turn, run.story.journal)
        check(run, answered=False)


@pytest.mark.parametrize("ticked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raises", [OSError, None])
async def test_when_the_client_leaves_at_any_turn_it_ends_in_silence(
    raises: type[Exception] | None, kind: str, ticked: bool, caplog: pytest.LogCaptureFixture
) -> None:
    for turn in range(1, await length(kind, ticked=ticked)):
        run = await live({turn: disconnect}, kind=kind, ticked=ticked, raise_after_end=raises)
        assert run.task.result() is None
        check(run, answered=False)
    assert messages(caplog) == []


@pytest.mark.parametrize("kind", KINDS)
@override_settings(WS_DISCONNECT_GRACE=0)
async def test_without_grace_the_clients_end_and_a_cancellation_are_told_apart(kind: str) -> None:
    for turn in range(1, await length(kind, ticked=True), 2):
        for later in (0, 1, 2, 3, 5, 8):
            breaks: dict[int, Callable[[Run], object]] = {turn: disconnect}
            if later:
                breaks[turn + later] = cancel
            run = await live(breaks, kind=kind, ticked=True)
            assert run.task.cancelled() or (run.task.result() is None and run.task.cancelling() == 0)
            assert later or not run.task.cancelled()
            check(run, answered=False)


@pytest.mark.parametrize("breaks", [None, cancel, disconnect])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_is_cleaned_up_after_and_logged_once(
    kind: str, breaks: object, caplog: pytest.LogCaptureFixture
) -> None:
    if not callable(breaks):
        run = await live(kind=kind, story=Story("on_message"))
        check(run)
        assert run.peer.close_code == 1011
        assert len([record for record in caplog.records if record.exc_info]) == 1
        return
    for turn in range(1, await length(kind, fault_in="on_message")):
        run = await live({turn: breaks}, kind=kind, story=Story("on_message"))
        assert run.task.cancelled() or run.task.result() is None
        check(run, answered=False)
