"""Bad input in short: the same checks as ``make fuzz``, on fewer messages."""

from dataclasses import replace

import pytest

from resilience.findings import Finding
from resilience.progress import Progress
from resilience.scale import TEST
from resilience.scenarios.fuzzed import MARK, drawn
from resilience.scenarios.guided import guided_messages
from resilience.scenarios.in_process import Tally, application, messages_in_process, visit
from resilience.scenarios.over_wire import blame, bytes_over_wire
from resilience.scenarios.verdicts import verdict
from resilience.scenarios.watch import REFUSAL
from servers.habits import Habits


def broken(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if not finding.holds]


async def test_messages_in_process(progress: Progress) -> None:
    findings = await messages_in_process(TEST, progress)
    assert broken(findings) == []


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(["1e999", "[-1E400]", "9" * 400 + ".5"], id="infinite"),
        pytest.param(["[" * depth + "]" * depth for depth in range(800, 1000)], id="nested"),
    ],
)
async def test_what_is_taken_can_be_sent_back(messages: list[str]) -> None:
    """An echo is the plainest of sockets: no message may make it fail, for each failure is a traceback."""
    tally = Tally()
    for message in messages:
        await visit(application(), "json", [message], tally)
    assert tally.handled == len(messages)
    assert tally.unreturnable == 0


async def test_guided_messages(progress: Progress) -> None:
    pytest.importorskip("atheris")
    findings = await guided_messages(replace(TEST, atheris_seconds=2), progress)
    assert broken(findings) == []
    assert [finding.what for finding in findings] == [
        "coverage-guided messages (atheris)",
        "exit status of the coverage-guided run",
    ]


async def test_bytes_over_wire(habits: Habits, progress: Progress) -> None:
    findings = await bytes_over_wire(TEST, progress, habits)
    assert broken(findings) == []


def test_draws_are_repeatable() -> None:
    messages = drawn(25, 3)
    assert len(messages) == 25
    assert messages == drawn(25, 3)


def test_verdicts() -> None:
    assert verdict("json", '{"a": [1]}')
    assert verdict("json", "[NaN]") is False
    assert verdict("json", '"\\ud800"') is False
    assert verdict("json", b"[]") is False
    assert verdict("json", "[" * 400) is None
    assert verdict("bytes", b"")
    assert verdict("text", "\u4e16" * 6000) is False
    assert verdict("closing-function", "\u4e16" * 6000)
    assert verdict("orders", '{"number": 1, "name": "a"}')
    assert verdict("orders", '{"number": 1}') is False


def test_watch_tells_a_payload_from_a_refusal() -> None:
    assert REFUSAL.fullmatch("Chat: a message was refused (1007): not JSON: Expecting value at character 0")
    assert not REFUSAL.fullmatch(f"Chat: a message was refused (1007): not JSON: {MARK} at character 0")


def test_a_traceback_is_blamed_on_whose_code_it_went_through() -> None:
    head = "Traceback (most recent call last):\n"
    theirs = f'{head}  File "/lib/h11/reader.py", line 1, in read\n    fail()\nValueError: no\n'
    ours = f'{head}  File "/src/django_ws/application.py", line 1, in __call__\n    fail()\nValueError: no\n'
    found = blame(f"INFO\n{theirs}WARNING /django_ws/ {ours}")
    assert [len(part) for part in found] == [1, 1]
    assert "h11" in found[1][0]
