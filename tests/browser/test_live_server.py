"""The live server of django_ws.testing under a real browser: a page, its static file, and a socket of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings
from playwright.sync_api import Page

from browser.harness import marks
from browser.seen import visit
from django_ws.testing import pytest as plugin

pytestmark = marks(__name__)

ws_live_server = plugin.ws_live_server


@pytest.fixture(autouse=True)
def site(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "script.js").write_text("document.title = 'by the script'")
    with override_settings(
        ASGI_APPLICATION=None,
        INSTALLED_APPS=[*settings.INSTALLED_APPS, "django.contrib.staticfiles"],
        ROOT_URLCONF="testing.live_site",
        ROOT_WS_URLCONF="testing.live_sockets",
        STATIC_URL="/static/",
        STATICFILES_DIRS=[tmp_path],
    ):
        yield


def test_a_page_opens_a_socket(page: Page, ws_live_server: plugin.WebSocketLiveServer) -> None:
    page.goto(f"{ws_live_server.url}/page/")
    page.add_script_tag(url="/static/script.js")
    assert page.title() == "by the script"
    page.evaluate(
        """(url) => new Promise((resolve) => {
            const socket = window.socket = new WebSocket(url);
            socket.onopen = () => socket.send("hello");
            socket.onmessage = ({data}) => { document.title = data; resolve(); };
        })""",
        f"{ws_live_server.ws_url}/ws/echo/",
    )
    assert page.title() == "hello"


def test_a_route_that_is_not_there_is_refused(page: Page, ws_live_server: plugin.WebSocketLiveServer) -> None:
    page.goto(f"{ws_live_server.url}/page/")
    assert visit(page, f"{ws_live_server.ws_url}/ws/nowhere/").is_nothing
