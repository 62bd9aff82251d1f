"""What a script sees of each refusal, held to the table of docs/denials.md."""

from contextlib import ExitStack, closing

import pytest
from playwright.sync_api import Browser, Page

from browser.harness import Serve, Site, log_in, marks, stranger
from browser.seen import begin, end, refused_with, visit, wait_until_open
from browser.tables import DENIALS, LATE, SHUTDOWN, Denied, cells
from servers.harness import tracebacks

pytestmark = marks(__name__)

LIMITS = {"WS_MAX_CONNECTIONS_PER_ADDRESS": 1, "WS_MAX_CONNECTIONS_PER_USER": 1}


@pytest.fixture(scope="module")
def sites(serve: Serve) -> dict[str, Site]:
    """By WS_DENIAL."""
    return {how: serve(WS_DENIAL=how, **LIMITS) for how in ("http", "close")}


def go(page: Page, site: Site, denied: Denied) -> str:
    """Go where the handshakes of a row come from.

    Returns:
        What their paths are put behind.
    """
    if denied.user is not None:
        log_in(page, site, denied.user)
    if denied.page == "bad host":
        page.goto(f"http://localhost:{site.port}/page/")
        return f"ws://localhost:{site.port}"
    page.goto(f"{site.http}/page/")
    return ""


@pytest.mark.parametrize("how", ["http", "close"])
@pytest.mark.parametrize("denied", DENIALS, ids=lambda denied: denied.row)
def test_a_script_sees_what_the_table_says(page: Page, sites: dict[str, Site], denied: Denied, how: str) -> None:
    site = sites[how]
    status, over_http, by_close, reason = cells("denials")[denied.row]
    with stranger() as port:
        base = go(page, site, denied)
        if denied.page == "foreign":
            page.goto(f"http://127.0.0.1:{port}/")
            base = site.ws
        if denied.occupied is not None:
            begin(page, base + denied.occupied)
            wait_until_open(page)
        for path in denied.paths:
            if how == "http" or denied.always_http:
                seen, told = refused_with(page, base + path, denied.protocols)
                assert str(told) == status
            else:
                seen = visit(page, base + path, denied.protocols)
            if how == "close":
                assert seen.told_reason == reason
            assert seen.summary == (over_http if how == "http" else by_close)
            assert seen.messages == []


def test_no_detail_of_an_exception_goes_out(page: Page, sites: dict[str, Site]) -> None:
    site = sites["close"]
    mark = site.mark()
    page.goto(f"{site.http}/page/")
    assert visit(page, "/ws/refusing/fault/").reason == "Internal Server Error"
    assert visit(page, "/ws/refusing/permission/").reason == "Forbidden"
    # The log has them.
    assert len(site.lines(mark, "RuntimeError: a detail that is nobody's business")) == 1
    assert len(site.lines(mark, "Forbidden: '/ws/refusing/permission/' ")) == 1
    (line,) = site.lines(mark, "denied '/ws/refusing/permission/' ")
    assert " with 403: " in line
    assert tracebacks(site.output(mark)) == 1


@pytest.mark.parametrize("how", ["http", "close"])
def test_a_class_may_differ_from_the_setting(page: Page, sites: dict[str, Site], how: str) -> None:
    page.goto(f"{sites[how].http}/page/")
    seen, status = refused_with(page, "/ws/http/refusing/429/")
    assert seen.is_nothing
    assert status == 429
    assert visit(page, "/ws/close/refusing/429/").code == 4429


def test_a_refusal_by_close_answers_a_browser_that_offered_subprotocols(page: Page, sites: dict[str, Site]) -> None:
    page.goto(f"{sites['close'].http}/page/")
    seen = visit(page, "/ws/private/", ["chat.v7", "bearer.token"])
    assert (seen.events, seen.protocol, seen.code) == (["open", "close"], "chat.v7", 4401)


def test_a_location_that_does_not_fit_is_left_out(page: Page, sites: dict[str, Site]) -> None:
    page.goto(f"{sites['close'].http}/page/")
    seen = visit(page, "/ws/refusing/far/")
    assert seen.code == 4302
    assert seen.reason == "Found"


def test_a_handshake_that_takes_too_long_is_refused(page: Page, serve: Serve) -> None:
    site = serve(WS_DENIAL="close", WS_HANDSHAKE_TIMEOUT=0.2)
    status, over_http, by_close, reason = cells("denials")[LATE]
    page.goto(f"{site.http}/page/")
    seen, told = refused_with(page, "/ws/http/never/")
    assert (str(told), seen.summary) == (status, over_http)
    seen = visit(page, "/ws/never/")
    assert (seen.summary, seen.told_reason) == (by_close, reason)


def test_a_handshake_that_meets_a_shutdown_is_refused_over_http(chromium: Browser, serve: Serve) -> None:
    site = serve(WS_DENIAL="close")
    status, over_http, by_close, reason = cells("denials")[SHUTDOWN]
    pages: list[tuple[Page, str]] = []
    with ExitStack() as stack:
        for path, cell in (("/ws/http/never/", over_http), ("/ws/never/", by_close)):
            # Of contexts of their own: in one, Chromium begins no handshake with a host that owes it an answer.
            page = stack.enter_context(closing(chromium.new_context())).new_page()
            page.goto(f"{site.http}/page/")
            mark = site.mark()
            begin(page, path)
            site.wait_for(mark, f"waiting in on_connect: {path}")
            pages.append((page, cell))
        site.terminate()
        for page, cell in pages:
            seen = end(page)
            assert (seen.summary, seen.told_reason) == (cell, reason)
    assert status == "500, of uvicorn"
    assert site.output().count("connection rejected (500 Internal Server Error)") == 2
    # It would wait for on_connect.
    site.kill()
