"""What matters most to a browser, over the other servers: the Origin, the login, a refusal that a script can read."""

import pytest
from playwright.sync_api import Page

from browser.harness import Serve, Site, log_in, marks, stranger
from browser.seen import visit
from servers.habits import SERVERS, Habits

pytestmark = marks(__name__)

OTHERS = [pytest.param(habits, id=habits.key) for habits in SERVERS if "uvicorn" not in habits.key]


@pytest.fixture(scope="module", params=OTHERS)
def site(request: pytest.FixtureRequest, serve: Serve) -> Site:
    habits: Habits = request.param
    return serve(habits, WS_DENIAL="close")


def test_in_after_the_login(page: Page, site: Site) -> None:
    page.goto(f"{site.http}/page/")
    seen = visit(page, "/ws/decorated/")
    reason = "/login/?next=/ws/decorated/" if site.habits.close_reason else ""
    assert (seen.events, seen.code, seen.reason) == (["open", "close"], 4401, reason)
    log_in(page, site)
    seen = visit(page, "/ws/decorated/")
    assert (seen.events, seen.messages, seen.code) == (["open", "close"], ["ada"], 1000)


def test_another_site_is_refused_with_a_valid_session_cookie(page: Page, site: Site) -> None:
    log_in(page, site)
    mark = site.mark()
    with stranger() as port:
        page.goto(f"http://127.0.0.1:{port}/")
        assert visit(page, f"{site.ws}/ws/whoami/").is_nothing
    (handshake,) = site.lines(mark, "site: handshake ")
    assert "sessionid" in handshake
    assert len(site.lines(mark, "django_ws: Forbidden: '/ws/whoami/'")) == 1
    assert site.lines(mark, "entered") == []


def test_a_subprotocol_is_chosen(page: Page, site: Site) -> None:
    page.goto(f"{site.http}/page/")
    seen = visit(page, "/ws/chat/", ["chat.v1", "chat.v2"])
    assert (seen.protocol, seen.messages, seen.code) == ("chat.v2", ["chat.v2"], 1000)
    # A refusal chooses one, too, or the browser would not let the script see it.
    seen = visit(page, "/ws/private/", ["chat.v7"])
    assert (seen.events, seen.protocol, seen.code) == (["open", "close"], "chat.v7", 4401)
