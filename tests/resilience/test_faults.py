"""Some hundred faults over each server; and that the check of the log sees what it is to see."""

import random
from collections import Counter

import pytest

from resilience.injections import FAILING, HANDSHAKE, HELD, WAYS, plan
from resilience.logs import parse
from resilience.progress import Progress
from resilience.scale import TEST
from resilience.scenarios.faults import run
from resilience.support import hold
from servers.habits import Habits


async def test_faults(habits: Habits, progress: Progress) -> None:
    findings = await run(TEST, progress, [habits])
    assert next(finding.measured for finding in findings if finding.what == "faults injected") == 600
    hold(findings)


@pytest.mark.parametrize("vanish", [True, False])
def test_a_plan_holds_every_place_and_every_way(vanish: bool) -> None:
    injections = plan(500, random.Random(1), "key", vanish=vanish)
    assert len({injection.key for injection in injections}) == len(injections) == 500
    assert set(Counter(injection.kind for injection in injections).values()) == {125}
    ways = set(WAYS) - (set() if vanish else {"vanish"})
    held = {(one.place, one.way) for one in injections if one.kind == "held"}
    assert held == {(place, way) for place in HELD for way in ways}
    assert {one.place for one in injections if one.kind == "failing"} == set(FAILING)
    assert {one.place for one in injections if one.kind == "handshake"} == set(HANDSHAKE)
    assert "silent" in {one.way for one in injections}


def test_the_same_seed_gives_the_same_plan() -> None:
    first, second, other = (plan(50, random.Random(seed), "key", vanish=True) for seed in (1, 1, 2))
    assert first == second != other


RECORD = """\
ERROR django_ws: Websocket fault: '/failing/message/' (route 'failing/<slug:place>/')
Traceback (most recent call last):
  File "faulty.py", line 1, in on_message
    raise Fault(key)
resilience.site.faulty.Fault: fault-1-message
"""


def test_a_fault_is_found_by_its_key() -> None:
    log = parse(f"INFO: started\n{RECORD}")
    assert log.faults == {"fault-1-message": 1}
    assert log.errors == 1
    assert log.foreign == []


def test_a_chain_of_exceptions_ends_in_its_last() -> None:
    chain = RECORD.replace("ERROR", "x ERROR") + (
        "\nDuring handling of the above exception, another exception occurred:\n\n"
        "Traceback (most recent call last):\n"
        '  File "faulty.py", line 2, in on_error\n'
        "ValueError: another\n"
    )
    log = parse(chain)
    assert log.faults == {}
    assert log.foreign == ["ValueError: another"]


def test_a_traceback_of_anything_else_is_foreign() -> None:
    assert parse(RECORD.replace("resilience.site.faulty.Fault", "KeyError")).foreign == ["KeyError: fault-1-message"]


def test_what_no_output_may_have_is_foreign() -> None:
    line = "RuntimeWarning: coroutine 'send' was never awaited"
    assert parse(f"{line}\n").foreign == [line]


def test_warnings_are_records_and_no_errors() -> None:
    log = parse("WARNING django_ws: Held: a hook was still running 0.1 s after the end of '/x/'\n")
    assert log.errors == 0
    assert log.records == {"WARNING Held: a hook was still running N s after the end of ...": 1}
