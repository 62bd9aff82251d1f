"""Chromium, and the project in servers: one of each for a module."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from browser.harness import CHROMIUM, UVICORN, Serve, Site, make_database
from servers.habits import Habits

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def kept_context(chromium: Browser) -> Iterator[BrowserContext]:
    """Made once, for that takes longer than most tests."""
    context = chromium.new_context()
    context.set_default_timeout(30_000)
    try:
        yield context
    finally:
        context.close()


@pytest.fixture
def context(kept_context: BrowserContext) -> BrowserContext:
    """Without any cookies."""
    kept_context.clear_cookies()
    return kept_context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of its own; what it has opened is closed with it."""
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("browser") / "site.sqlite3")


@pytest.fixture(scope="module")
def serve(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(habits: Habits = UVICORN, **settings: object) -> Site:
            site = Site(tmp_path_factory.mktemp("served"), database, settings, habits)
            stack.callback(site.stop)
            return site

        yield start
