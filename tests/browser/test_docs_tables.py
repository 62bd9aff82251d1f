"""The tables of docs/denials.md have the rows that the tests measure, each once, and no other."""

from browser.tables import CLOSINGS, DENIALS, DOCUMENT, LATE, OPEN_ENDS, SHUTDOWN, cells


def test_each_row_of_denials_is_measured() -> None:
    assert sorted(cells("denials")) == sorted([*(denied.row for denied in DENIALS), LATE, SHUTDOWN])


def test_each_row_of_open_sockets_is_measured() -> None:
    assert list(cells("open sockets")) == [*(closing.row for closing in CLOSINGS), *OPEN_ENDS.values()]


def test_no_row_stands_twice() -> None:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [line.split(" | ")[0] for line in lines if not line.startswith("| ---")]
    assert len(set(rows)) == len(rows)
