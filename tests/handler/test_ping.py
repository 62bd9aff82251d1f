"""handler/ping.py"""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ws.handler.ping import STEP, next_due, ping_text


@given(st.floats(0, 1e9), st.floats(1, 1e5))
def test_a_ping_is_due_after_its_interval_and_a_little_early_at_most(now: float, interval: float) -> None:
    due = next_due(now, interval)
    assert now + interval - 1.001 * STEP <= due <= now + interval


def test_pings_of_sockets_opened_in_the_same_moment_are_due_together() -> None:
    assert next_due(1000.01, 59) == next_due(1000.02, 59) == next_due(1000.09, 59)
    assert next_due(1000.11, 59) > next_due(1000.09, 59)


@pytest.mark.parametrize("interval", [0.001, 0.25, 0.99])
def test_a_short_interval_is_kept_as_it_is(interval: float) -> None:
    assert next_due(5, interval) == 5 + interval


def test_a_ping_says_the_time() -> None:
    message = json.loads(ping_text(1))
    assert list(message) == ["ping"]
    assert datetime.fromisoformat(message["ping"]).tzinfo is not None


def test_pings_that_are_due_together_are_one_text() -> None:
    first = ping_text(2)
    assert ping_text(2) is first
    assert ping_text(3) != first
