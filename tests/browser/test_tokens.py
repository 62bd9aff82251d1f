"""A token as a subprotocol: fetched by a page whose user is logged in, and to be found in no log."""

from typing import Final

import pytest
from playwright.sync_api import Page, Request, WebSocket

from browser.harness import Serve, Site, log_in, marks
from browser.seen import refused_with, visit

pytestmark = marks(__name__)

MIDDLEWARE: Final = [
    "browser.site.middleware.Noting",
    "django_ws.middleware.AuthMiddleware",
    "browser.site.middleware.Tokens",
]
PATH: Final = "/ws/token/whoami/"


@pytest.fixture(scope="module")
def site(serve: Serve) -> Site:
    return serve(WS_MIDDLEWARE=MIDDLEWARE)


def fetch_token(page: Page, path: str = "/ticket/") -> str:
    token: str = page.evaluate("async (path) => (await (await fetch(path)).json()).token", path)
    return token


def log_out(page: Page) -> None:
    """Leave the token as the only thing that says who it is."""
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/")


def tampered(token: str) -> str:
    """Change one character of what is signed."""
    return ("A" if token[0] != "A" else "B") + token[1:]


def test_a_token_lets_its_user_in(page: Page, site: Site) -> None:
    log_in(page, site)
    token = fetch_token(page)
    log_out(page)
    assert visit(page, "/ws/whoami/").messages == ["nobody"]
    seen = visit(page, PATH, ["chat.v1", f"bearer.{token}"])
    assert (seen.protocol, seen.messages, seen.code) == ("chat.v1", ["ada"], 1000)


def test_a_token_counts_more_than_the_session(page: Page, site: Site) -> None:
    log_in(page, site, "grace")
    token = fetch_token(page)
    log_out(page)
    log_in(page, site, "ada")
    assert visit(page, "/ws/whoami/").messages == ["ada"]
    assert visit(page, PATH, ["chat.v1", f"bearer.{token}"]).messages == ["grace"]


def test_no_token_is_handed_out_without_a_login(page: Page, site: Site) -> None:
    page.goto(f"{site.http}/page/")
    where: str = page.evaluate("async () => (await fetch('/ticket/')).url")
    assert where == f"{site.http}/login/?next=/ticket/"


@pytest.mark.parametrize("fault", ["tampered", "expired"])
def test_a_token_that_is_not_valid_is_refused_even_to_who_is_logged_in(page: Page, site: Site, fault: str) -> None:
    log_in(page, site)
    token = tampered(fetch_token(page)) if fault == "tampered" else fetch_token(page, "/ticket/late/")
    seen, status = refused_with(page, PATH, ["chat.v1", f"bearer.{token}"])
    assert seen.is_nothing
    assert status == 401


def test_a_token_is_in_no_log_and_in_no_address(page: Page, site: Site) -> None:
    addresses: list[str] = []

    def note(sent: Request | WebSocket) -> None:
        addresses.append(sent.url)

    page.on("request", note)
    page.on("websocket", note)
    mark = site.mark()
    log_in(page, site)
    token = fetch_token(page)
    bad = tampered(token)
    late = fetch_token(page, "/ticket/late/")
    assert visit(page, PATH, ["chat.v1", f"bearer.{token}"]).messages == ["ada"]
    for other in (bad, late):
        assert visit(page, PATH, ["chat.v1", f"bearer.{other}"]).is_nothing
    # The server's own lines among them: what was accepted, and what was refused.
    assert len(site.lines(mark, f'"WebSocket {PATH}" [accepted]')) == 1
    assert len(site.lines(mark, f'"WebSocket {PATH}" 401')) == 2
    assert len(site.lines(mark, "its token is not valid")) == 2
    told = "\n".join([site.output(), *addresses])
    assert site.ws + PATH in addresses
    for secret in (token, bad, late):
        # But for the time in the middle, which is short and no secret.
        for part in (secret, *secret.split(".")[::2]):
            assert part not in told
