"""The demo project works, as its user meets it: over HTTP and over real websockets."""

import html
import http.cookiejar
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

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


class Socket:
    """A real client; JSON in and out, pings left out unless asked for."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client

    async def send(self, message: object) -> None:
        await self.client.send(json.dumps(message))

    # JSON: the demo's messages are told apart by their content.
    async def next(self, *, pings: bool = False) -> Any:
        while True:
            message = json.loads(await self.client.recv())
            if pings or "ping" not in message:
                return message

    async def closed(self) -> tuple[int, str]:
        with pytest.raises(ConnectionClosed):
            while True:
                await self.client.recv()
        assert self.client.close_code is not None
        return self.client.close_code, self.client.close_reason or ""


@pytest.fixture
def playground(demo_url: str) -> Callable[..., Any]:
    @asynccontextmanager
    async def open_socket(cookies: str = "", path: str = "/ws/playground/") -> AsyncIterator[Socket]:
        address = demo_url.replace("http", "ws", 1) + path
        headers = {"Cookie": cookies} if cookies else {}
        async with connect(address, additional_headers=headers, origin=None, proxy=None) as client:
            yield Socket(client)

    return open_socket


TITLES = (
    "Connection",
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


def test_project_passes_djangos_checks_and_has_all_migrations() -> None:
    for command in (["check", "--fail-level", "WARNING"], ["makemigrations", "--check", "--dry-run"]):
        subprocess.run(
            [sys.executable, "manage.py", *command, "--settings", "demo.settings"],
            cwd=PROJECT,
            check=True,
            capture_output=True,
            timeout=60,
        )


# --- the sockets ---------------------------------------------------------------------------------


async def test_echo(playground: Callable[..., Any]) -> None:
    async with playground() as ws:
        await ws.next()
        await ws.send({"type": "echo", "id": 7, "text": "Grüße"})
        assert await ws.next() == {"type": "echo", "id": 7, "text": "Grüße"}


async def test_whoami_follows_login_and_logout(playground: Callable[..., Any], browser: Browser) -> None:
    async with playground() as ws:
        assert await ws.next() == {"type": "whoami", "user": None}
    address, _ = browser.post("/login/", username="demo", password="demo")
    assert address == f"{browser.url}/"
    async with playground(browser.cookies) as ws:
        assert await ws.next() == {"type": "whoami", "user": "demo"}
    browser.post("/logout/")
    async with playground(browser.cookies) as ws:
        assert await ws.next() == {"type": "whoami", "user": None}


async def test_members_socket_greets_who_is_logged_in_alone(playground: Callable[..., Any], browser: Browser) -> None:
    async with playground(path="/ws/members/") as ws:
        with pytest.raises(ConnectionClosed):  # and no message before it
            await ws.client.recv()
        assert (ws.client.close_code, ws.client.close_reason) == (4401, "Unauthorized")
    browser.post("/login/", username="demo", password="demo")
    async with playground(browser.cookies, path="/ws/members/") as ws:
        assert await ws.next() == {"type": "welcome", "user": "demo"}
        assert await ws.closed() == (1000, "")
    async with playground("sessionid=made-up", path="/ws/members/") as ws:
        assert await ws.closed() == (4401, "Unauthorized")


async def test_patient_socket_loses_none_of_a_flood(playground: Callable[..., Any]) -> None:
    numbers = [str(number) for number in range(60)]
    async with playground(path="/ws/patient/") as ws:
        for number in numbers:
            await ws.client.send(number)
        assert [await ws.client.recv() for _ in numbers] == numbers


async def test_strict_socket_closes_on_a_flood(playground: Callable[..., Any]) -> None:
    numbers = [str(number) for number in range(200)]
    back: list[str] = []
    async with playground(path="/ws/strict/") as ws:
        with suppress(ConnectionClosed):  # it may be closed before the last is sent
            for number in numbers:
                await ws.client.send(number)
        with pytest.raises(ConnectionClosed):
            while True:
                back.append(await ws.client.recv())
        assert (ws.client.close_code, ws.client.close_reason) == (1008, "too many messages")
    assert back == numbers[: len(back)]
    assert len(back) < len(numbers)


async def test_weather_comes_until_it_is_stopped(playground: Callable[..., Any]) -> None:
    async with playground() as ws:
        await ws.next()
        await ws.send({"type": "weather", "on": True})
        first, second = await ws.next(), await ws.next()
        assert first["type"] == second["type"] == "weather"
        assert -20 < first["celsius"] < 50
        apart = datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])
        assert 0.9 < apart.total_seconds() < 5
        await ws.send({"type": "weather", "on": False})
        await ws.send({"type": "echo", "id": 1, "text": "after"})
        while (message := await ws.next())["type"] == "weather":
            pass
        assert message["type"] == "echo"


async def test_ping_comes_by_itself(playground: Callable[..., Any]) -> None:
    async with playground() as ws:
        await ws.next()
        message = await ws.next(pings=True)
        assert datetime.fromisoformat(message["ping"]).tzinfo is not None


async def test_countdown_takes_its_start_from_the_route(demo_url: str) -> None:
    address = demo_url.replace("http", "ws", 1) + "/ws/countdown/1/"
    async with connect(address, proxy=None) as client:
        assert [message async for message in client] == ["1", "Lift-off!"]
        assert client.close_code == 1000


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ('{"type": "close", "code": 1000}', 1000, "Goodbye"),
        ('{"type": "close", "code": 1013}', 1013, "Busy, come back later"),
        ('{"type": "close", "code": 4001}', 4001, "A code of our own"),
        ('{"type": "fault"}', 1011, ""),
        ('{"type": "forbidden"}', 1008, ""),
        ('{"this is": no JSON', 1007, ""),
        ("x" * 20_000, 1009, ""),
        (b"\x01\x02\x03", 1003, ""),
    ],
    ids=["1000", "1013", "4001", "1011", "1008", "1007", "1009", "1003"],
)
async def test_close_codes(playground: Callable[..., Any], message: str | bytes, code: int, reason: str) -> None:
    async with playground() as ws:
        await ws.next()
        await ws.client.send(message)
        assert await ws.closed() == (code, reason)


async def test_code_that_is_not_offered_is_an_answer_not_a_close(playground: Callable[..., Any]) -> None:
    async with playground() as ws:
        await ws.next()
        await ws.send({"type": "close", "code": 1005})
        assert (await ws.next())["type"] == "error"


async def test_other_sites_are_kept_out(demo_url: str) -> None:
    address = demo_url.replace("http", "ws", 1) + "/ws/playground/"
    with pytest.raises(InvalidStatus) as caught:
        await connect(address, additional_headers={"Origin": "https://evil.example"}, proxy=None)
    assert caught.value.response.status_code == 403
