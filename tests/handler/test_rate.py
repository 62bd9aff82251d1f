"""handler/rate.py"""

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_ws.handler.rate import Flood, TokenBucket, lease_of

RATES = st.floats(0.01, 1e6)
BURSTS = st.integers(1, 100_000)
PAUSES = st.lists(st.one_of(st.just(0.0), st.floats(0, 100), st.floats(0, 1e-6)), max_size=60)


@given(rate=RATES, burst=BURSTS, pauses=PAUSES)
def test_never_more_are_leased_than_the_burst_and_the_rate_allow(rate: float, burst: int, pauses: list[float]) -> None:
    taken = lease_of(burst)
    bucket = TokenBucket(rate, burst, taken, 1000.0)
    # Of any stretch of time, not only of the one since the beginning.
    leases = [(0.0, taken)]
    elapsed = 0.0
    for pause in pauses:
        elapsed += pause
        leased = bucket.lease(1000.0 + elapsed)
        assert 0 <= leased <= lease_of(burst)
        leases.append((elapsed, leased))
    for first in range(len(leases)):
        total = 0
        for at, leased in leases[first:]:
            total += leased
            allowed = burst + rate * (at - leases[first][0])
            assert total <= allowed * (1 + 1e-9) + 1e-6


@given(rate=RATES, burst=BURSTS, messages=st.integers(1, 400))
def test_a_client_that_floods_gets_the_burst_and_then_the_rate_to_within_a_lease(
    rate: float, burst: int, messages: int
) -> None:
    now = 0.0
    taken = lease_of(burst)
    bucket = TokenBucket(rate, burst, taken, now)
    for _ in range(messages):
        leased = bucket.lease(now)
        taken += leased
        if not leased:
            now += bucket.wait
    assert burst + rate * now - taken < lease_of(burst) + 1 + 1e-6 or taken < burst


@given(rate=st.floats(1e-9, 1e12), burst=BURSTS, taken=st.integers(0, 200_000), pauses=PAUSES)
@example(rate=1e-9, burst=1, taken=1, pauses=[])
@example(rate=1e12, burst=1, taken=1, pauses=[])
@example(rate=3.0, burst=10, taken=10, pauses=[1 / 3])
def test_a_wait_is_never_nothing_nor_for_ever_and_there_is_a_lease_after_it(
    rate: float, burst: int, taken: int, pauses: list[float]
) -> None:
    now = 0.0
    # A bucket that has given more than it holds is in debt.
    bucket = TokenBucket(rate, burst, min(taken, 2 * burst), now)
    for pause in pauses:
        now += pause
        bucket.lease(now)
    while bucket.lease(now):
        pass
    wait = bucket.wait
    assert 0 < wait <= (1 + burst + lease_of(burst)) / rate
    assert math.isfinite(wait)
    # A clock's own precision is no matter of the bucket's.
    assert bucket.lease(now + wait * (1 + 1e-9) + now * 1e-15 + 1e-12 / rate) > 0


def test_a_high_rate_wakes_up_for_many_messages_at_a_time() -> None:
    bucket = TokenBucket(10_000, 1000, 0, 0.0)
    now, wakes, taken = 0.0, 0, 0
    while taken < 11_000:
        leased = bucket.lease(now)
        taken += leased
        if not leased:
            now += bucket.wait
            wakes += 1
    assert wakes < 100
    assert now == pytest.approx(1, abs=0.05)


def test_a_low_rate_lets_each_message_through_when_it_is_due() -> None:
    bucket = TokenBucket(2, 1000, 1000, 0.0)
    arrivals: list[float] = []
    now = 0.0
    while len(arrivals) < 5:
        if bucket.lease(now):
            arrivals.append(now)
        else:
            now += bucket.wait
    assert [after - before for before, after in pairwise(arrivals)] == [0.5] * 4


def test_a_client_that_was_quiet_for_long_has_no_more_than_the_burst() -> None:
    bucket = TokenBucket(100, 16, 16, 0.0)
    leases = [bucket.lease(3600.0) for _ in range(10)]
    assert leases == [2] * 8 + [0] * 2


@pytest.mark.parametrize(("burst", "lease"), [(1, 1), (7, 1), (8, 1), (16, 2), (1000, 125)])
def test_a_lease_is_an_eighth_of_the_burst_and_at_least_one(burst: int, lease: int) -> None:
    assert lease_of(burst) == lease


def test_a_flood_is_waited_out_or_ended() -> None:
    assert [flood.value for flood in Flood] == ["wait", "close"]
