"""benchmarks/results.py"""

from pathlib import Path

import pytest

pytest.importorskip("rich", reason="the group resilience is not installed")

from benchmarks.results import Results, load, save

FULL = {"date": "2026-01-01", "plan": "full", "Django": "5.2"}


def test_a_run_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    results = Results(FULL)
    results.add("json", "ours", 1.234567)
    results.add_point("size", "ours", 16, 2)
    assert load(save(results, tmp_path / "a.json")) == Results(
        FULL, {"json": {"ours": [1.2346]}}, {"size": {"ours": {"16": [2]}}}
    )


def test_a_part_may_be_measured_anew() -> None:
    earlier = Results(FULL, {"json": {"ours": [1]}, "fanout": {"ours": [2], "gone": [3]}}, {"size": {}})
    later = Results({**FULL, "date": "2026-01-02"}, {"fanout": {"ours": [4]}})
    renewed = later.onto(earlier, ["fanout"])
    assert renewed.samples == {"json": {"ours": [1]}, "fanout": {"ours": [4]}}
    assert renewed.growth == {"size": {}}
    assert renewed.about == {**FULL, "renewed fanout": "2026-01-02"}
    assert later.onto(renewed, ["fanout"]) == renewed


def test_figures_of_other_versions_do_not_go_into_one_table() -> None:
    with pytest.raises(ValueError, match="differs in Django, plan: measure all of it again"):
        Results({**FULL, "plan": "quick", "Django": "6.0"}).onto(Results(FULL), ["fanout"])
