"""Log in by Django's own form, then open a socket: it knows who it is."""

from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Page

from browser.harness import Serve, Site, log_in, marks
from browser.seen import refused_with, visit

pytestmark = marks(__name__)

DJANGO: Final = {
    "WS_MIDDLEWARE": ["browser.site.middleware.Noting", "django_ws.middleware.DjangoMiddleware"],
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ],
}


@pytest.fixture(scope="module")
def sites(serve: Serve) -> dict[str, Site]:
    """By the middleware that finds the user; with Django's own, LoginRequiredMiddleware is in force."""
    return {"AuthMiddleware": serve(), "DjangoMiddleware": serve(**DJANGO)}


@pytest.mark.parametrize(
    ("middleware", "path", "status"),
    [
        ("AuthMiddleware", "/ws/private/", 401),
        ("AuthMiddleware", "/ws/decorated/", 302),
        ("DjangoMiddleware", "/ws/private/", 401),
        ("DjangoMiddleware", "/ws/whoami/", 302),
    ],
)
def test_in_after_the_login_and_out_after_the_logout(
    page: Page, sites: dict[str, Site], middleware: str, path: str, status: int
) -> None:
    site = sites[middleware]
    page.goto(f"{site.http}/page/")
    seen, told = refused_with(page, path)
    assert seen.is_nothing
    assert told == status
    log_in(page, site)
    seen = visit(page, path)
    assert (seen.events, seen.messages, seen.code) == (["open", "close"], ["ada"], 1000)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/")
    seen, told = refused_with(page, path)
    assert seen.is_nothing
    assert told == status


def test_who_has_not_logged_in_is_nobody_where_no_guard_asks(page: Page, sites: dict[str, Site]) -> None:
    page.goto(f"{sites['AuthMiddleware'].http}/page/")
    assert visit(page, "/ws/whoami/").messages == ["nobody"]


@pytest.mark.parametrize("middleware", ["AuthMiddleware", "DjangoMiddleware"])
def test_who_lacks_the_permission_is_forbidden(page: Page, sites: dict[str, Site], middleware: str) -> None:
    log_in(page, sites[middleware])
    seen, status = refused_with(page, "/ws/moderators/")
    assert seen.is_nothing
    assert status == 403


@pytest.mark.parametrize("middleware", ["AuthMiddleware", "DjangoMiddleware"])
def test_two_users_of_one_browser_are_told_apart(
    context: BrowserContext, page: Page, sites: dict[str, Site], middleware: str
) -> None:
    site = sites[middleware]
    log_in(page, site, "grace")
    assert visit(page, "/ws/whoami/").messages == ["grace"]
    context.clear_cookies()
    log_in(page, site, "ada")
    assert visit(page, "/ws/whoami/").messages == ["ada"]


def test_a_script_is_told_where_the_login_is_if_the_socket_closes_for_it(page: Page, sites: dict[str, Site]) -> None:
    page.goto(f"{sites['DjangoMiddleware'].http}/page/")
    seen = visit(page, "/ws/close/whoami/?room=7")
    assert (seen.events, seen.code, seen.reason) == (
        ["open", "close"],
        4401,
        "/login/?next=/ws/close/whoami/%3Froom%3D7",
    )
