import pytest

from resilience.findings import Finding, all_hold, at_least, at_most, documented, equal, missed


@pytest.mark.parametrize(("measured", "holds"), [(0, True), (1, False), (-1, False)])
def test_equal(measured: int, holds: bool) -> None:
    assert equal("scenario", "where", "what", measured) == Finding(
        "scenario", "where", "what", measured, "= 0", holds=holds
    )


@pytest.mark.parametrize(("measured", "holds"), [(1.1, True), (1.2, True), (1.21, False)])
def test_at_most(measured: float, holds: bool) -> None:
    finding = at_most("scenario", "where", "what", measured, 1.2)
    assert finding.bound == "<= 1.2"
    assert finding.holds is holds


@pytest.mark.parametrize(("measured", "holds"), [(9_999, False), (10_000, True), (10_001, True)])
def test_at_least(measured: int, holds: bool) -> None:
    finding = at_least("scenario", "where", "what", measured, 10_000)
    assert finding.bound == ">= 10,000"
    assert finding.holds is holds


def test_what_is_documented_holds() -> None:
    finding = documented("scenario", "daphne", "on_close that ran to their end", 0)
    assert finding.holds
    assert finding.bound == "none: documented"


def test_all_hold() -> None:
    good, bad = equal("scenario", "where", "what", 0), equal("scenario", "where", "what", 1)
    assert all_hold([])
    assert all_hold([good, good])
    assert not all_hold([good, bad, good])
    assert missed([good, bad, good]) == [bad]
