"""limits/places.py"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ws.limits import Places


def test_a_key_takes_as_many_places_as_its_limit_and_a_release_frees_one() -> None:
    places = Places()
    assert [places.take("a", 2), places.take("a", 2), places.take("a", 2)] == [True, True, False]
    assert places.held("a") == 2
    assert places.take("b", 2)
    places.release("a")
    assert places.take("a", 2)
    assert not places.take("a", 2)


def test_a_key_that_holds_nothing_is_forgotten() -> None:
    places = Places()
    for number in range(100):
        assert places.take(str(number), 1)
        places.release(str(number))
    assert not places.take("full", 0)
    assert len(places) == 0
    assert places.held("0") == 0


def test_what_was_not_taken_cannot_be_released() -> None:
    places = Places()
    assert places.take("a", 1)
    places.release("a")
    with pytest.raises(RuntimeError, match="'a' holds no place"):
        places.release("a")
    assert places.take("a", 1)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"))), st.integers(0, 4))
def test_the_count_is_that_of_takes_less_releases(steps: Sequence[tuple[bool, str]], limit: int) -> None:
    places = Places()
    held: Counter[str] = Counter()
    for take, key in steps:
        if take:
            assert places.take(key, limit) == (held[key] < limit)
            held[key] = min(held[key] + 1, limit)
        elif held[key]:
            places.release(key)
            held[key] -= 1
        assert places.held(key) == held[key]
        assert len(places) == len(+held)


def test_threads_never_exceed_the_limit_nor_lose_a_place() -> None:
    places = Places()
    together = Barrier(4)

    def come_and_go() -> int:
        together.wait()
        most = 0
        for _ in range(3000):
            if places.take("a", 3):
                most = max(most, places.held("a"))
                places.release("a")
        return most

    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(come_and_go) for _ in range(4)]
    assert max(run.result() for run in runs) <= 3
    assert len(places) == 0
