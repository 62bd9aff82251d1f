"""What a script sees of a socket that was open and is closed, held to the table of docs/denials.md."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page

from browser.harness import Serve, Site, marks
from browser.seen import begin, end, visit, wait_until_open
from browser.tables import CLOSINGS, OPEN_ENDS, Closing, cells

pytestmark = marks(__name__)


@pytest.fixture(scope="module")
def site(serve: Serve) -> Site:
    return serve()


@pytest.mark.parametrize("closing", CLOSINGS, ids=lambda closing: closing.row)
def test_a_script_sees_what_the_table_says(page: Page, site: Site, closing: Closing) -> None:
    what, reason, _ = cells("open sockets")[closing.row]
    page.goto(f"{site.http}/page/")
    seen = visit(page, closing.path, None, closing.sends)
    assert (seen.summary, seen.told_reason) == (what, reason)


@pytest.mark.parametrize("signal", sorted(OPEN_ENDS))
def test_a_script_sees_the_end_of_the_server(page: Page, serve: Serve, signal: str) -> None:
    site = serve()
    what, reason, _ = cells("open sockets")[OPEN_ENDS[signal]]
    page.goto(f"{site.http}/page/")
    begin(page, "/ws/hold/")
    wait_until_open(page)
    if signal == "SIGTERM":
        site.terminate()
        # Whether it is clean is luck: uvicorn ends the connection right after its close frame.
        seen = replace(end(page), clean=True)
    else:
        site.kill()
        seen = end(page)
    assert (seen.summary, seen.told_reason) == (what, reason)
