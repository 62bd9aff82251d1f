"""Cookies go to a browser with the answer to a handshake, and come back with the next one."""

import json

import pytest
from playwright.sync_api import BrowserContext, Page

from browser.harness import Serve, Site, log_in, marks
from browser.seen import Seen, refused_with, visit
from servers.habits import SERVERS, Habits

pytestmark = marks(__name__)

SENDING = [pytest.param(habits, id=habits.key) for habits in SERVERS if habits.key in ("uvicorn-sansio", "hypercorn")]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "browser.site.middleware.Cookies",
]


@pytest.fixture(scope="module", params=SENDING)
def site(request: pytest.FixtureRequest, serve: Serve) -> Site:
    """Under each server that sends the headers of an accept."""
    habits: Habits = request.param
    assert habits.accept_headers
    return serve(habits, WS_MIDDLEWARE=["django_ws.middleware.DjangoMiddleware"], MIDDLEWARE=MIDDLEWARE)


def names(seen: Seen) -> list[str]:
    found: list[str] = json.loads(seen.messages[0])
    return found


def test_a_cookie_of_the_middleware_is_kept_as_the_handshake_is_accepted(page: Page, site: Site) -> None:
    page.goto(f"{site.http}/page/")
    assert names(visit(page, "/ws/cookies/")) == []
    assert page.evaluate("document.cookie") == "seen=by-scripts"  # the other one is HttpOnly
    assert names(visit(page, "/ws/cookies/")) == ["hidden", "seen"]
    page.goto(f"{site.http}/cookies/")
    assert json.loads(page.inner_text("body")) == {"seen": "by-scripts", "hidden": "from-scripts"}


def test_a_cookie_of_the_socket_itself_is_kept_beside_them(page: Page, site: Site) -> None:
    page.goto(f"{site.http}/page/")
    visit(page, "/ws/cookies/set/")
    assert names(visit(page, "/ws/cookies/")) == ["hidden", "own", "seen"]


def test_an_http_only_cookie_of_a_page_goes_with_the_handshake(page: Page, site: Site) -> None:
    log_in(page, site)
    assert "sessionid" not in page.evaluate("document.cookie")
    assert "sessionid" in names(visit(page, "/ws/cookies/"))


def test_a_cookie_of_a_refusal_is_kept_where_it_is_refused_by_a_close(
    context: BrowserContext, page: Page, site: Site
) -> None:
    page.goto(f"{site.http}/page/")
    seen, status = refused_with(page, "/ws/http/refusing/cookie/")
    assert seen.is_nothing
    assert status == 403
    assert context.cookies() == []
    assert visit(page, "/ws/close/refusing/cookie/").code == 4403
    assert "refused" in [cookie.get("name") for cookie in context.cookies()]
