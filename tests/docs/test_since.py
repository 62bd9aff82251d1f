"""Every entry of the reference says since when it is there, and no line says it of what is not there."""

import importlib
import re
import sys
from importlib.metadata import version
from typing import Any

import pytest
from packaging.version import Version

from docs.site import DOCS, Site

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("site")]


@pytest.fixture(scope="module")
def since() -> Any:
    """The extension; a module is anything to a type checker that cannot see the folder."""
    pytest.importorskip("sphinx", reason="the dependency group docs is not installed")
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        return importlib.import_module("since")
    finally:
        sys.path.remove(str(DOCS / "_ext"))


def test_every_line_is_of_an_entry(site: Site, since: Any) -> None:
    entries = {entry.name for entry in site.entries if entry.role.startswith("py:") or entry.role == "std:setting"}
    assert sorted(set(since.read()) - entries) == []


def test_nothing_came_with_a_version_that_is_not_there_yet(since: Any) -> None:
    here = Version(Version(version("django-ws")).base_version)
    assert {number for number in since.read().values() if Version(number) > here} == set()


def test_a_member_came_with_its_class_unless_it_has_a_line(since: Any) -> None:
    known = {"m.A": "1.0", "m.A.late": "2.0"}
    assert since.version_of("m.A.early", known) == "1.0"
    assert since.version_of("m.A.late", known) == "2.0"
    assert since.version_of("m.B", known) is None


def test_the_pages_say_it(site: Site) -> None:
    settings = (site.folder / "reference" / "settings.html").read_text("utf-8")
    old, new = (settings.index(f'id="setting-{name}"') for name in ("ROOT_WS_URLCONF", "WS_MIDDLEWARE"))
    assert re.findall(r'<p class="since">(.*?)</p>', settings[old:])[0] == "Since 1.0"
    assert re.findall(r'<p class="since">(.*?)</p>', settings[new:])[0] == "New in 2.0"
