import pytest

pytest.importorskip("rich", reason="the benchmarks' group is not installed")

from benchmarks.figures import Summary, ratio, ratios, summarise
from benchmarks.measures import measure
from benchmarks.results import Results


def test_summarise_gives_the_median_and_the_quartiles() -> None:
    assert summarise([4.0, 1.0, 3.0, 2.0, 5.0]) == Summary(median=3.0, lower=2.0, upper=4.0, count=5)


def test_one_sample_is_its_own_summary_and_none_has_none() -> None:
    assert summarise([4.0]) == Summary(4.0, 4.0, 4.0, 1)
    assert summarise([]) is None


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([2.0, 30.0, 4.0], [1.0, 10.0, 2.0]) == [2.0, 3.0, 2.0]
    assert ratios([2.0, 30.0], [1.0]) == [2.0]


def test_a_slow_round_slows_both_and_changes_no_ratio() -> None:
    results = Results()
    for slowness in (1.0, 5.0, 1.5):
        results.add("json", "ceiling", 4.0 * slowness)
        results.add("json", "django-ws", 3.0 * slowness)
    summary = ratio(results, measure("json"), "django-ws")
    assert summary == Summary(0.75, 0.75, 0.75, 3)


def test_the_query_is_compared_with_channels_and_the_ping_with_nobody() -> None:
    results = Results()
    results.add("orm", "channels", 50.0)
    results.add("orm", "django-ws", 400.0)
    results.add("ping", "django-ws", 0.5)
    orm, ping = ratio(results, measure("orm"), "django-ws"), ratio(results, measure("ping"), "django-ws")
    assert orm is not None
    assert orm.median == 8.0
    assert ping is not None
    assert ping.median == 0.5


def test_a_goal_is_an_upper_bound_of_what_costs_and_a_lower_one_of_what_is_done() -> None:
    assert measure("json").reached(0.92) is True
    assert measure("json").reached(0.93) is False
    assert measure("uvicorn-json-50").reached(1.0) is True
    assert measure("uvicorn-json-50").reached(0.99) is False
    assert measure("cpu-json-50").reached(9.0) is None
