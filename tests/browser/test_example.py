"""The script of docs/denials.md, run as it stands there."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page

from browser.harness import PASSWORD, Serve, Site, marks
from browser.tables import DOCUMENT

pytestmark = marks(__name__)

AGAIN: Final = (1001, 1011, 1012, 1013, 4429, 4500, 4503)
AT_ONCE: Final = (1000, 1003, 1007, 1008, 1009, 3008, 4302, 4400, 4403, 4404)

_RUN: Final = """([path, attempts, random]) => new Promise((resolve) => {
    const told = {waits: [], messages: [], ended: null};
    Math.random = () => random;
    // What is waited for comes at once; after the last of them, or at the end, there is something to tell.
    window.setTimeout = (again, milliseconds) => {
        told.waits.push(milliseconds);
        told.waits.length < attempts ? queueMicrotask(again) : resolve(told);
    };
    keepOpen(path, (event) => told.messages.push(event.data), (code, reason) => {
        resolve({...told, ended: [code, reason]});
    });
})"""


@pytest.fixture(scope="module")
def site(serve: Serve) -> Site:
    return serve(WS_DENIAL="close")


@pytest.fixture
def example(page: Page, site: Site) -> Page:
    """The own page, with the script in it."""
    (script,) = re.findall(r"```js\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    page.goto(f"{site.http}/page/?room=7")
    page.add_script_tag(content=script)
    return page


def test_it_waits_longer_each_time_up_to_half_a_minute(example: Page) -> None:
    told = example.evaluate(_RUN, ["/ws/refusing/503/", 7, 1])
    assert told["waits"] == [1000, 2000, 4000, 8000, 16000, 30000, 30000]
    assert told["ended"] is None


def test_the_wait_is_random(example: Page) -> None:
    assert example.evaluate(_RUN, ["/ws/refusing/503/", 3, 0.25])["waits"] == [250, 500, 1000]


@pytest.mark.parametrize("code", AGAIN)
def test_it_connects_again(example: Page, code: int) -> None:
    told = example.evaluate(_RUN, [f"/ws/hello/{code}/", 3, 1])
    # A message came each time, so it begins anew each time.
    assert told == {"waits": [1000, 1000, 1000], "messages": ["hello"] * 3, "ended": None}


@pytest.mark.parametrize("code", AT_ONCE)
def test_it_gives_up(example: Page, code: int) -> None:
    told = example.evaluate(_RUN, [f"/ws/hello/{code}/", 3, 1])
    assert told == {"waits": [], "messages": ["hello"], "ended": [code, ""]}


def test_it_connects_again_after_a_connection_that_failed(example: Page) -> None:
    assert example.evaluate(_RUN, ["/ws/http/refusing/403/", 2, 1])["waits"] == [1000, 2000]


@pytest.mark.parametrize("path", ["/ws/private/", "/ws/decorated/"])
def test_it_goes_to_the_login_and_comes_back(example: Page, site: Site, path: str) -> None:
    example.evaluate("(path) => { keepOpen(path, () => {}, () => {}); }", path)
    example.wait_for_url("**/login/?next=*")
    assert example.url == f"{site.http}/login/?next=%2Fpage%2F%3Froom%3D7"
    example.get_by_label("Username").fill("ada")
    example.get_by_label("Password").fill(PASSWORD)
    example.get_by_role("button", name="Log in").click()
    example.wait_for_url("**/page/?room=7")


def test_it_gives_the_socket_that_is_open_now(example: Page) -> None:
    url = example.evaluate("keepOpen('/ws/hold/', () => {}, () => {})().url")
    assert url.endswith("/ws/hold/")
