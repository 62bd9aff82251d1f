"""A page of another site gets no socket, whatever cookies the browser sends with its handshake."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Page

from browser.harness import Serve, Site, log_in, marks, stranger
from browser.seen import visit

pytestmark = marks(__name__)


class Sites(NamedTuple):
    """Another site has two names, and is told of to each of ours under one of them."""

    trusting: Site
    """Names ``localhost`` in CSRF_TRUSTED_ORIGINS."""
    allowing: Site
    """Names ``127.0.0.1`` in WS_ALLOWED_ORIGINS; CSRF_TRUSTED_ORIGINS is not looked at then."""
    by_address: str
    """The other site: same host, another port, so that every cookie of ours goes along."""
    by_name: str
    """The other site: another host."""


@pytest.fixture(scope="module")
def sites(serve: Serve) -> Iterator[Sites]:
    with stranger() as port:
        by_address, by_name = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        yield Sites(
            serve(CSRF_TRUSTED_ORIGINS=[by_name]),
            serve(CSRF_TRUSTED_ORIGINS=[by_name], WS_ALLOWED_ORIGINS=[by_address]),
            by_address,
            by_name,
        )


def expect_foreign(site: Site, mark: int, origin: str) -> None:
    """See that the handshake came, that one line says why it was refused, and that no code of the project ran."""
    assert len(site.lines(mark, f"handshake /ws/whoami/ origin={origin} ")) == 1
    (line,) = site.lines(mark, "WARNING")
    assert line.startswith("WARNING django_ws: Forbidden: '/ws/whoami/': ")
    assert site.lines(mark, "entered") == []


def test_own_page_connects(page: Page, sites: Sites) -> None:
    for site in (sites.trusting, sites.allowing):
        page.goto(f"{site.http}/page/")
        seen = visit(page, "/ws/whoami/")
        assert (seen.events, seen.messages, seen.code) == (["open", "close"], ["nobody"], 1000)


def test_another_site_is_refused_with_a_valid_session_cookie(page: Page, sites: Sites) -> None:
    site = sites.trusting
    log_in(page, site)
    assert visit(page, "/ws/whoami/").messages == ["ada"]
    mark = site.mark()
    page.goto(sites.by_address)
    assert visit(page, f"{site.ws}/ws/whoami/").is_nothing
    expect_foreign(site, mark, sites.by_address)
    (handshake,) = site.lines(mark, "site: handshake ")
    assert "sessionid" in handshake
    (warning,) = site.lines(mark, "WARNING")
    assert "CSRF_TRUSTED_ORIGINS or WS_ALLOWED_ORIGINS" in warning


def test_another_site_is_let_in_where_it_is_named(page: Page, sites: Sites) -> None:
    for site, origin in ((sites.trusting, sites.by_name), (sites.allowing, sites.by_address)):
        page.goto(origin)
        assert visit(page, f"{site.ws}/ws/whoami/").messages == ["nobody"]


def test_ws_allowed_origins_stands_for_itself(page: Page, sites: Sites) -> None:
    page.goto(sites.by_name)
    mark = sites.allowing.mark()
    assert visit(page, f"{sites.allowing.ws}/ws/whoami/").is_nothing
    expect_foreign(sites.allowing, mark, sites.by_name)


def test_a_page_whose_cookies_are_not_sent_is_refused_as_well(page: Page, sites: Sites) -> None:
    site = sites.allowing
    log_in(page, site)
    mark = site.mark()
    page.goto(sites.by_name)  # SameSite=Lax, Django's default: not with a socket that another host opens
    assert visit(page, f"{site.ws}/ws/whoami/").is_nothing
    (handshake,) = site.lines(mark, "site: handshake ")
    assert "sessionid" not in handshake
    expect_foreign(site, mark, sites.by_name)


@pytest.mark.parametrize(
    "attributes",
    [{"sandbox": "allow-scripts", "srcdoc": "<!doctype html>"}, {"src": "data:text/html,<!doctype html>"}],
    ids=["sandboxed", "data URL"],
)
def test_a_frame_without_an_origin_is_null_and_refused(page: Page, sites: Sites, attributes: dict[str, str]) -> None:
    site = sites.trusting
    log_in(page, site)
    mark = site.mark()
    page.evaluate(
        """(attributes) => new Promise((resolve) => {
            const frame = Object.assign(document.createElement("iframe"), attributes);
            frame.onload = resolve;
            document.body.append(frame);
        })""",
        attributes,
    )
    (frame,) = page.main_frame.child_frames
    assert visit(frame, f"{site.ws}/ws/whoami/").is_nothing
    expect_foreign(site, mark, "null")
