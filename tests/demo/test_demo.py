"""The demo project works, as its user meets it: over HTTP and over real websockets."""

import html
import http.cookiejar
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

pytestmark = [pytest.mark.server, pytest.mark.timeout(60), pytest.mark.xdist_group("demo")]

PROJECT = Path(__file__).parents[2] / "examples" / "demo"


class Browser:
    """Cookies and forms, without a page."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> tuple[str, str]:
        with self.opener.open(self.url + path, timeout=10) as response:
            return response.headers["content-type"], response.read().decode()

    def post(self, path: str, **fields: str) -> tuple[str, str]:
        """Posts a form with Django's token; gives the address at which it ended, and the page there."""
        self.get("/")
        token = next(cookie.value for cookie in self.jar if cookie.name == "csrftoken")
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        with self.opener.open(self.url + path, data, timeout=10) as response:
            return response.geturl(), response.read().decode()

    @property
    def cookies(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)


@pytest.fixture
def browser(demo_url: str) -> Browser:
    return Browser(demo_url)


TITLES = (
    "Connection",
    "Chat room",
    "Echo",
    "Live weather",
    "Who am I?",
    "Who gets in",
    "Ping",
    "A function is a socket",
    "Make the server close",
    "Flood",
    "Event log",
)
LINES_OF_CODE = (
    "class Room(Topic[Said | Joined | Left]):\n",
    "await self.subscribe(self.room)  # nothing",
    ".publish_on_commit(Said(",
    "await self.sleep_loop(self.report, 1)",
    'WS_MIDDLEWARE = ["django_ws.middleware.AuthMiddleware"]\n',
    "user = await self.request.auser()\n",
    "@login_required\nclass Members(WebSocketHandler):\n",
    "flood = Flood.CLOSE",
)

# --- the page ------------------------------------------------------------------------------------


def test_page_shows_every_card_and_the_code_that_runs(browser: Browser) -> None:
    content_type, body = browser.get("/")
    assert content_type.startswith("text/html")
    page = html.unescape(body)
    for title in TITLES:
        assert f">{title}</h2>" in page
    for line in LINES_OF_CODE:
        assert line in page


def test_static_files_are_served_by_uvicorn_alone(browser: Browser) -> None:
    _, page = browser.get("/")
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(paths) >= 3
    for path in paths:
        content_type, body = browser.get(path)
        assert content_type.split(";")[0] in {"text/css", "text/javascript", "application/javascript", "image/svg+xml"}
        for module in re.findall(r'from "\./([^"]+)"', body):
            assert "javascript" in browser.get(f"/static/playground/{module}")[0]


def test_page_needs_nothing_from_elsewhere(browser: Browser) -> None:
    _, page = browser.get("/")
    assert "https://" not in page
    assert "http://" not in page
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert "https://" not in browser.get(path)[1]


def test_wrong_password_is_told(browser: Browser) -> None:
    address, page = browser.post("/login/", username="demo", password="wrong")
    assert address.endswith("/login/")
    assert "Please enter a correct username and password" in page


def manage(*arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments, "--settings", "demo.settings"],
        cwd=PROJECT,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_project_passes_djangos_checks_and_has_all_migrations() -> None:
    manage("check", "--fail-level", "WARNING")
    manage("makemigrations", "--check", "--dry-run")


def test_project_passes_its_own_tests() -> None:
    number = (PROJECT / "playground" / "tests.py").read_text("utf-8").count("def test_")
    assert number >= 20
    assert f"Ran {number} tests in " in manage("test")


# --- the sockets, over uvicorn: what each one does is tested by the project itself -----------------


async def test_a_login_on_the_page_is_one_on_the_sockets(demo_url: str, browser: Browser) -> None:
    address = demo_url.replace("http", "ws", 1) + "/ws/playground/"

    async def whoami() -> object:
        headers = {"Cookie": browser.cookies} if browser.cookies else {}
        async with connect(address, additional_headers=headers, proxy=None) as client:
            return json.loads(await client.recv())

    assert await whoami() == {"type": "whoami", "user": None}
    page, _ = browser.post("/login/", username="demo", password="demo")
    assert page == f"{browser.url}/"
    assert await whoami() == {"type": "whoami", "user": "demo"}
    browser.post("/logout/")
    assert await whoami() == {"type": "whoami", "user": None}


async def test_a_function_ends_with_its_close_frame(demo_url: str) -> None:
    address = demo_url.replace("http", "ws", 1) + "/ws/countdown/1/"
    async with connect(address, proxy=None) as client:
        assert [message async for message in client] == ["1", "Lift-off!"]
        assert client.close_code == 1000


async def test_other_sites_are_kept_out(demo_url: str) -> None:
    address = demo_url.replace("http", "ws", 1) + "/ws/playground/"
    with pytest.raises(InvalidStatus) as caught:
        await connect(address, additional_headers={"Origin": "https://evil.example"}, proxy=None)
    assert caught.value.response.status_code == 403
