"""The project in a real server, and the pages that the tests look at it from."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page
from typing_extensions import override

from servers.habits import SERVERS, Habits
from servers.harness import DEADLINE, Server

__all__ = ["CHROMIUM", "UVICORN", "Serve", "Site", "log_in", "make_database", "marks", "stranger"]

UVICORN: Final = next(habits for habits in SERVERS if habits.key == "uvicorn-sansio")
CHROMIUM: Final = shutil.which("chromium")
PASSWORD: Final = "correct horse"


def marks(module: str) -> list[pytest.MarkDecorator]:
    """Give the marks of a module of tests, which is one unit: it has one browser and its own servers."""
    return [
        pytest.mark.browser,
        pytest.mark.server,
        pytest.mark.timeout(120),
        pytest.mark.xdist_group(module),
        pytest.mark.skipif(CHROMIUM is None, reason="no chromium is on the PATH"),
    ]


class Site(Server):
    """The project, served.

    Args:
        folder: For its log.
        database: As :func:`make_database` made it.
        settings: What is not as in ``site/settings.py``.
        habits: The server.
    """

    def __init__(self, folder: Path, database: Path, settings: dict[str, object], habits: Habits = UVICORN) -> None:
        environment = {"BROWSER_DATABASE": str(database), "BROWSER_SETTINGS": json.dumps(settings)}
        super().__init__(
            habits,
            folder,
            application="browser.site.asgi:application",
            settings="browser.site.settings",
            environment=environment,
        )

    @property
    def http(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """The same for websockets."""
        return f"ws://127.0.0.1:{self.port}"

    def mark(self) -> int:
        """Give where its log ends, so that a test reads no line of another one."""
        return self.log.stat().st_size

    def lines(self, mark: int, text: str = "") -> list[str]:
        """Give the lines of its log since ``mark`` that hold ``text``, those of answered handshakes included."""
        self.ask_ready()
        return [line for line in self.output(mark).splitlines() if text in line]

    def wait_for(self, mark: int, text: str) -> None:
        """Wait until its log has a line with ``text``."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.output(mark):
            assert time.monotonic() < deadline, self.output(mark)
            time.sleep(0.02)


Serve = Callable[..., Site]
"""Starts the project with settings that are named by keyword, and stops it at the end of the module."""


def make_database(path: Path) -> Path:
    """Make a database with the users ada and grace."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "browser.site.settings", "BROWSER_DATABASE": str(path)}
    command = [sys.executable, "-m", "browser.site.prepare"]
    subprocess.run(command, cwd=Path(__file__).parents[1], env=environment, check=True, timeout=90)
    return path


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>Another site</title>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def stranger() -> Iterator[int]:
    """Serve another site, an empty page at every path; gives its port, which answers to every name of 127.0.0.1."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def log_in(page: Page, site: Site, name: str = "ada") -> None:
    """Log in by Django's own form."""
    page.goto(f"{site.http}/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/home/")
