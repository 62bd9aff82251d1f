"""The documentation's page on servers is made from the table of habits."""

import pytest

from servers.habits import BEGIN, DOCUMENT, END, ROWS, SERVERS, with_table


def test_the_table_is_that_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text == with_table(text), "cd tests && python -m servers.habits --write"


@pytest.mark.parametrize("anchor", sorted({anchor for _, anchor, _ in ROWS if anchor}))
def test_every_habit_is_explained(anchor: str) -> None:
    assert DOCUMENT.read_text(encoding="utf-8").count(f"\n({anchor})=\n## ") == 1


def test_keys_are_unique() -> None:
    assert len({habits.key for habits in SERVERS}) == len(SERVERS)
