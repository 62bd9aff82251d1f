"""The scripts of the guides, in a Chromium, before a real server."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.harness import CHROMIUM
from docs.howto_site import BLOCKS, EXAMPLES, Project, Running, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SERVER = "uvicorn mysite.asgi:application --port 8000 --log-level warning"

pytestmark = [
    pytest.mark.server,
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("howto-pages"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]

COUNTED = """() => {
    const Original = WebSocket;
    window.tries = 0;
    window.closes = [];
    window.messages = [];
    window.WebSocket = class extends Original {
        constructor(url) {
            super(url);
            window.tries += 1;
            this.addEventListener("close", (event) => window.closes.push(event.code));
        }
    };
}"""


@pytest.fixture
def page(chromium: "Browser") -> "Iterator[Page]":
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def go(page: "Page", server: Running, script: str) -> str:
    """Open a page of the site with a script of a guide, and give where its sockets are."""
    page.goto(f"http://127.0.0.1:{server.port}/ready/")
    page.add_script_tag(path=EXAMPLES / script)
    return f"ws://127.0.0.1:{server.port}"


def test_every_script_is_run() -> None:
    shown = {block.file for block in BLOCKS if block.directive == "literalinclude" and block.file.suffix == ".js"}
    assert shown == {EXAMPLES / "authenticate" / "open.js", EXAMPLES / "drain" / "reconnect.js"}


def test_a_socket_is_opened_by_a_token(page: "Page", tmp_path: Path) -> None:
    project = Project(tmp_path, "authenticate/settings_token.py")
    project.run("python manage.py migrate --verbosity 0")
    create = (
        "from django.contrib.auth.models import User; User.objects.create_user('ada', password='ada', is_staff=True)"
    )
    project.run(f'python manage.py shell --verbosity 0 -c "{create}"')
    with project.serve(SERVER) as server:
        page.goto(f"http://127.0.0.1:{server.port}/admin/login/?next=/ready/")
        page.fill("[name=username]", "ada")
        page.fill("[name=password]", "ada")
        page.click("[type=submit]")
        page.wait_for_url("**/ready/")
        site = go(page, server, "authenticate/open.js")
        said = page.evaluate(
            """(url) => openSocket(url).then((socket) => new Promise((resolve) => {
                socket.onmessage = ({data}) => resolve([socket.protocol, data]);
                socket.onclose = ({code}) => resolve(code);
            }))""",
            f"{site}/ws/me/",
        )
        assert said == ["chat.v1", "You are ada."]


def test_it_comes_back_after_a_restart(page: "Page", tmp_path: Path) -> None:
    project, port = Project(tmp_path), free_port()
    with project.serve(SERVER, port) as server:
        site = go(page, server, "drain/reconnect.js")
        page.evaluate(COUNTED)
        page.evaluate("(url) => stayConnected(url, ({data}) => window.messages.push(data))", f"{site}/ws/who/")
        page.wait_for_function("window.messages.length === 1")
        server.terminate()
        page.wait_for_function("window.closes.length > 0")
        assert page.evaluate("window.closes[0]") == 1012
    with project.serve(SERVER, port):
        page.wait_for_function("window.messages.length === 2")
        assert set(page.evaluate("window.closes.slice(1)")) <= {1006}


def test_it_stays_away_after_a_proper_end(page: "Page", tmp_path: Path) -> None:
    with Project(tmp_path).serve(SERVER) as server:
        page.clock.install()
        site = go(page, server, "drain/reconnect.js")
        page.evaluate(COUNTED)
        page.evaluate("(url) => stayConnected(url, () => {})", f"{site}/ws/answer/")
        page.wait_for_function("window.closes.length === 1")
        page.clock.fast_forward(120_000)
        assert page.evaluate("[window.closes, window.tries]") == [[1000], 1]
