"""The demo in a process of its own: migrate, then uvicorn; and a browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).parents[2] / "examples" / "demo"
PATIENCE = 30  # seconds, for a machine that is busy with other tests

RunDemo = Callable[..., AbstractContextManager[str]]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def environment(database: Path, **more: str) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**environ, "DEMO_DATABASE": str(database), "PYTHONUNBUFFERED": "1", **more}


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    except OSError:
        return False


@contextmanager
def uvicorn(database: Path, port: int, **more: str) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "demo.asgi:application", "--port", str(port)]
    log = database.with_suffix(".log")
    with log.open("a") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment(database, **more), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(url):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium is on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[[], Page]]:
    """Gives pages, each with cookies of its own; an uncaught error in its scripts fails the test."""
    with ExitStack() as contexts:
        errors: list[str] = []

        def new() -> Page:
            page = contexts.enter_context(chromium.new_context()).new_page()
            page.set_default_timeout(20_000)
            page.on("pageerror", lambda error: errors.append(str(error)))
            return page

        yield new
        assert errors == []


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="module")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("demo") / "demo.sqlite3"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=PROJECT,
        env=environment(database),
        check=True,
        timeout=60,
    )
    return database


@pytest.fixture(scope="module")
def run_demo(demo_database: Path) -> RunDemo:
    """Gives what starts the demo on a port, with this environment, and stops it; its value is the address."""
    return lambda port, **environ: uvicorn(demo_database, port, **environ)


@pytest.fixture(scope="module")
def demo_url(run_demo: RunDemo, free_port: Callable[[], int]) -> Iterator[str]:
    with run_demo(free_port()) as url:
        yield url
