"""Subprotocols in a browser: which one is chosen, and what becomes of a socket that speaks none of them."""

import pytest
from playwright.sync_api import Page

from browser.harness import Serve, Site, marks
from browser.seen import refused_with, visit

pytestmark = marks(__name__)


@pytest.fixture(scope="module")
def site(serve: Serve) -> Site:
    return serve()


@pytest.fixture
def own_page(page: Page, site: Site) -> Page:
    page.goto(f"{site.http}/page/")
    return page


@pytest.mark.parametrize("path", ["/ws/chat/", "/ws/chat/strict/"])
@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["chat.v1", "chat.v2"], "chat.v2"), (["chat.v1"], "chat.v1"), (["chat.v3", "chat.v1"], "chat.v1")],
)
def test_the_socket_chooses_by_its_own_preference(own_page: Page, path: str, offered: list[str], chosen: str) -> None:
    seen = visit(own_page, path, offered)
    assert (seen.protocol, seen.messages, seen.code) == (chosen, [chosen], 1000)


def test_a_browser_fails_a_connection_that_is_accepted_without_any_of_its_subprotocols(
    own_page: Page, site: Site
) -> None:
    mark = site.mark()
    assert visit(own_page, "/ws/chat/", ["chat.v3"]).is_nothing
    # The socket was opened for all that: its code ran for nobody.
    assert len(site.lines(mark, "chat opened with None")) == 1


def test_a_socket_that_requires_a_subprotocol_is_not_opened_for_nobody(own_page: Page, site: Site) -> None:
    mark = site.mark()
    seen, status = refused_with(own_page, "/ws/chat/strict/", ["chat.v3"])
    assert seen.is_nothing
    assert status == 400
    assert site.lines(mark, "chat opened") == []
    (line,) = site.lines(mark, "WARNING")
    assert line.endswith("the client offers none of its subprotocols (chat.v2, chat.v1)")


def test_who_offers_nothing_is_let_in_unless_a_subprotocol_is_required(own_page: Page) -> None:
    seen = visit(own_page, "/ws/chat/")
    assert (seen.protocol, seen.messages, seen.code) == ("", ["None"], 1000)
    seen, status = refused_with(own_page, "/ws/chat/strict/")
    assert seen.is_nothing
    assert status == 400
