"""Each symptom of the guide comes about in a Chromium, before a server whose log is read; its commands are run."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from browser.harness import CHROMIUM, stranger
from browser.seen import begin, end, refused_with, visit, wait_until_open
from docs.code_blocks import DOCS
from docs.howto_site import Project, Running, shell_lines

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGE = (DOCS / "howto" / "debug.md").read_text("utf-8")
ROWS = [
    tuple(cell.strip() for cell in row.split("|")[1:3])
    for row in re.findall(r"^\| .*", PAGE.partition("## By symptom")[2], re.MULTILINE)[2:]
]
SERVER = "uvicorn mysite.asgi:application --port 8000 --log-level warning"

pytestmark = [
    pytest.mark.server,
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("howto-debug"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]


class Scene(NamedTuple):
    """Where a symptom is looked at."""

    page: "Page"
    project: Project
    server: Running

    @property
    def site(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def refused(self, path: str, protocols: list[str] | None = None) -> str:
        seen, status = refused_with(self.page, f"ws://{self.site}{path}", protocols)
        assert seen.is_nothing
        return str(status)

    def closed(self, path: str, *messages: str, protocols: list[str] | None = None) -> str:
        return f"`close` {visit(self.page, f'ws://{self.site}{path}', protocols, messages).code}"

    def log_in(self) -> None:
        self.page.goto(f"http://{self.site}/admin/login/?next=/ready/")
        self.page.fill("[name=username]", "ada")
        self.page.fill("[name=password]", "ada")
        self.page.click("[type=submit]")
        self.page.wait_for_url("**/ready/")


def no_route(scene: Scene) -> str:
    return scene.refused("/ws/nope/")


def bad_host(scene: Scene) -> str:
    scene.page.goto(f"http://localhost:{scene.server.port}/ready/")
    _, status = refused_with(scene.page, f"ws://localhost:{scene.server.port}/ws/talk/")
    return str(status)


def another_site(scene: Scene) -> str:
    with stranger() as port:
        scene.page.goto(f"http://127.0.0.1:{port}/")
        return scene.refused("/ws/talk/")


def another_scheme(scene: Scene) -> str:
    """What a proxy passes on that ends TLS and does not say so: Chromium has no part in that."""
    origin = Origin(f"https://{scene.site}")
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://{scene.site}/ws/talk/", origin=origin, proxy=None):
        raise AssertionError("it got in")
    return str(refused.value.response.status_code)


def no_origin_of_a_page(scene: Scene) -> str:
    scene.page.evaluate(
        """() => new Promise((resolve) => {
            const frame = Object.assign(document.createElement("iframe"), {sandbox: "allow-scripts", srcdoc: "<p>"});
            frame.onload = resolve;
            document.body.append(frame);
        })"""
    )
    (frame,) = scene.page.main_frame.child_frames
    with scene.page.expect_console_message(lambda message: "response code" in message.text) as message:
        assert visit(frame, f"ws://{scene.site}/ws/talk/").is_nothing
    return message.value.text.rpartition(" ")[2]


def nobody(scene: Scene) -> str:
    return scene.refused("/ws/me/")


def not_this_user(scene: Scene) -> str:
    scene.log_in()
    return scene.refused("/ws/moderators/")


def no_subprotocol(scene: Scene) -> str:
    return scene.refused("/ws/strict/")


def too_many(scene: Scene) -> str:
    scene.log_in()
    begin(scene.page, f"ws://{scene.site}/ws/who/")
    wait_until_open(scene.page)
    return scene.refused("/ws/who/")


def too_slow(scene: Scene) -> str:
    return scene.refused("/ws/slow/")


def fault_before(scene: Scene) -> str:
    return scene.refused("/ws/faulty/")


def fault_after(scene: Scene) -> str:
    return scene.closed("/ws/talk/", json.dumps("fail"), protocols=["chat.v1"])


def no_json(scene: Scene) -> str:
    return scene.closed("/ws/talk/", "hello", protocols=["chat.v1"])


def no_binary(scene: Scene) -> str:
    return scene.closed("/ws/binary/", "hello")


def too_big(scene: Scene) -> str:
    return scene.closed("/ws/talk/", "x" * (1 << 20) + "x", protocols=["chat.v1"])


def nothing_moves(scene: Scene) -> str:
    """Of the proxy's part see test_howto_proxies.py: here somebody cuts the connection."""
    with connect(f"ws://{scene.site}/ws/talk/", subprotocols=[Subprotocol("chat.v1")], proxy=None) as client:
        client.socket.shutdown(2)
    return "`close` 1006 after a minute"


def other_subprotocol(scene: Scene) -> str:
    with scene.page.expect_console_message(lambda message: "WebSocket" in message.text) as message:
        begin(scene.page, f"ws://{scene.site}/ws/talk/", ["chat.v7"])
        seen = end(scene.page)
    assert seen.is_nothing
    return f'`close` 1006 at once, "{message.value.text.rpartition(": ")[2]}"'


SYMPTOMS: dict[str, Callable[[Scene], str]] = {
    "Not Found: '/ws/nope/'": no_route,
    "its Host is malformed or not in ALLOWED_HOSTS": bad_host,
    "its Origin is another site": another_site,
    "its Origin is this host by another scheme": another_scheme,
    "its Origin is not a scheme and a host": no_origin_of_a_page,
    "with 401: Unauthorized": nobody,
    "the user lacks a permission of": not_this_user,
    "the client offers none of its subprotocols": no_subprotocol,
    "Too Many Requests": too_many,
    "the handshake took longer than WS_HANDSHAKE_TIMEOUT": too_slow,
    "Websocket fault: '/ws/": fault_before,
    "a message was refused (1007)": no_json,
    "a message was refused (1003)": no_binary,
    "a message was refused (1009)": too_big,
    "closed Talk with 1005": nothing_moves,
    "opened Talk": other_subprotocol,
}
ELSEWHERE = {"Unsupported upgrade request.", "no middleware has set request.user"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("debug"), "debug/settings.py")
    with (project.folder / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
        file.write("\nWS_HANDSHAKE_TIMEOUT = 1\nWS_MAX_CONNECTIONS_PER_USER = 1\n")
    project.run("python manage.py migrate --verbosity 0")
    create = (
        "from django.contrib.auth.models import User; User.objects.create_user('ada', password='ada', is_staff=True)"
    )
    project.run(f'python manage.py shell --verbosity 0 -c "{create}"')
    return project


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Running]:
    with project.serve(SERVER) as server:
        yield server


@pytest.fixture
def scene(chromium: "Browser", project: Project, server: Running) -> Iterator[Scene]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/ready/")
    yield Scene(page, project, server)
    context.close()


@pytest.mark.parametrize(("shown", "said"), ROWS, ids=lambda text: re.sub(r"[^\w]+", "-", text)[:40])
def test_a_symptom(request: pytest.FixtureRequest, shown: str, said: str) -> None:
    text = re.findall(r'"([^"]+)"', said)[0]
    if text in ELSEWHERE:
        return
    scene: Scene = request.getfixturevalue("scene")
    cause = fault_after if shown == "`close` 1011" else SYMPTOMS[text]
    before = len(scene.server.output)
    assert cause(scene) == shown
    scene.server.wait_for(text, before)


def test_every_symptom_is_in_the_table() -> None:
    texts = {text for _, said in ROWS for text in re.findall(r'"([^"]+)"', said)}
    assert texts == set(SYMPTOMS) | ELSEWHERE
    assert len(ROWS) == len(SYMPTOMS) + len(ELSEWHERE) + 1  # a fault has two rows


def test_what_uvicorn_adds(scene: Scene) -> None:
    text = "ASGI callable returned without completing handshake."
    assert text in PAGE
    before = len(scene.server.output)
    assert no_route(scene) == "404"
    scene.server.wait_for(text, before)


def test_no_user(chromium: "Browser", tmp_path: Path) -> None:
    with ExitStack() as stack:
        project = Project(tmp_path, "debug/settings.py")
        with (tmp_path / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
            file.write("\nWS_MIDDLEWARE = []\n")
        server = stack.enter_context(project.serve(SERVER))
        page = stack.enter_context(chromium.new_context()).new_page()
        page.goto(f"http://127.0.0.1:{server.port}/ready/")
        assert Scene(page, project, server).refused("/ws/me/") == "500"
        server.wait_for("no middleware has set request.user")


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("python manage.py runserver --noreload 8000", "INSTALLED_APPS.remove('django_ws')"),
        (f"{SERVER} --ws none", ""),
    ],
    ids=["runserver", "uvicorn"],
)
def test_a_server_without_websockets(chromium: "Browser", tmp_path: Path, line: str, settings: str) -> None:
    project = Project(tmp_path, "debug/settings.py")
    with (tmp_path / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{settings}\n")
    with ExitStack() as stack:
        server = stack.enter_context(project.serve(line))
        page = stack.enter_context(chromium.new_context()).new_page()
        page.goto(f"http://127.0.0.1:{server.port}/ready/")
        assert Scene(page, project, server).refused("/ws/me/") == "404"
        assert "django_ws" not in server.output
        assert ("Unsupported upgrade request." in server.output) is (server.name == "uvicorn")


def test_what_the_console_says(scene: Scene) -> None:
    for path, text in (
        ("/ws/nope/", "Error during WebSocket handshake: Unexpected response code: 403"),
        ("/ws/me/", "HTTP Authentication failed; no valid credentials available"),
    ):
        with scene.page.expect_console_message(lambda message: "WebSocket" in message.text) as message:
            visit(scene.page, f"ws://{scene.site}{path}")
        assert text.replace("403", "404") in message.value.text
        assert text in re.sub(r"\s+", " ", PAGE)
    with scene.page.expect_console_message(lambda message: "WebSocket" in message.text) as message:
        visit(scene.page, "ws://127.0.0.1:1/")
    assert "net::ERR_" in message.value.text


@pytest.mark.parametrize("line", shell_lines("python manage.py "))
def test_the_commands(project: Project, server: Running, line: str) -> None:
    if "wss://" in line:
        return  # test_howto_proxies.py has a proxy for it
    if "ws_connect" in line:
        line = line.replace(" --receive", f" --host {server.port} --receive")
    said = project.run(line)
    expected = {"check": "no issues", "ws_urls": "ws/me/", "ws_connect": "You are ada."}
    assert expected[line.split()[2]] in said
