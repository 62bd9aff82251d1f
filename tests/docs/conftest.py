"""The site, and a Chromium to look at it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from docs.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Build it; a warning of Sphinx is what test_site.py tells."""
    pytest.importorskip("furo", reason="the dependency group docs is not installed")
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    from browser.conftest import ARGUMENTS
    from browser.harness import CHROMIUM

    if CHROMIUM is None:
        pytest.skip("no chromium is on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
