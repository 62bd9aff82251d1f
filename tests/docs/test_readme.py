"""The README names every setting that there is, and nothing that is not there."""

import re
from pathlib import Path

import pytest

from django_ws import conf

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "README.md").read_text("utf-8")


def test_every_setting_has_its_place_in_the_table_and_no_other_has() -> None:
    table = PAGE[PAGE.index("## Settings") : PAGE.index("## Licence")]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    # The others are Django's.
    assert sorted(named) == sorted(name for name in conf.NAMES if "WS_" in name)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b(?:ROOT_)?WS_[A-Z_]+", PAGE))))
def test_a_setting_that_is_named_exists(name: str) -> None:
    assert name in conf.NAMES


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(((?!https?:)[^)#]+)", PAGE))))
def test_a_file_that_is_linked_exists(target: str) -> None:
    assert (ROOT / target).is_file()


def test_every_page_is_linked() -> None:
    # Some pages are nothing but a file beside the README, which is linked itself.
    own = [page for page in (ROOT / "docs").glob("*.md") if not page.read_text("utf-8").startswith("```{include} ../")]
    pages = {f"docs/{page.name}" for page in own} - {"docs/index.md"}
    assert {page for page in pages if f"({page})" not in PAGE} == set()
