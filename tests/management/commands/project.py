"""A project of its own folder, and ``manage.py`` of it in a process."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

__all__ = ["Project", "wait_until"]

DEADLINE = 40.0

FILES = {
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
execute_from_command_line(sys.argv)
""",
    "mysite/__init__.py": "",
    "mysite/asgi.py": "from django_ws import get_websocket_application\napplication = get_websocket_application()\n",
    "mysite/urls.py": """
import asyncio, sys, threading
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

def hello(request):
    return HttpResponse("hello")

def hang(request):
    print("it hangs", flush=True)
    threading.Event().wait()

def stream(request):
    async def parts():
        for part in "abc":
            await asyncio.sleep(0)
            yield part
    return StreamingHttpResponse(parts())

urlpatterns = [path("", hello), path("hang/", hang), path("stream/", stream)]
""",
    "mysite/ws_urls.py": """
from django_ws import WebSocketHandler
from django_ws.urls import path

class Echo(WebSocketHandler[str, str]):
    async def on_message(self, data):
        await self.send(data)

    async def on_close(self):
        print("on_close", self.close_code, flush=True)

urlpatterns = [path("ws/echo/", Echo)]
""",
    "assets/a.txt": "static",
}


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until it holds, and fail if it does not come to."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Project:
    """The project.

    Args:
        folder: Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "output"
        self.log.touch()
        self.process: subprocess.Popen[bytes] | None = None
        self.host, self.port = "127.0.0.1", 0
        for name, text in FILES.items():
            file = folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        self.settings()

    def settings(
        self,
        *,
        apps: Sequence[str] = ("django_ws", "django.contrib.staticfiles", "django.contrib.contenttypes"),
        asgi: str | None = "mysite.asgi.application",
        debug: bool = True,
    ) -> None:
        values = {
            "SECRET_KEY": "only for tests",
            "DEBUG": debug,
            "ALLOWED_HOSTS": ["127.0.0.1", "[::1]"],
            "ROOT_URLCONF": "mysite.urls",
            "INSTALLED_APPS": list(apps),
            "STATIC_URL": "static/",
            "STATICFILES_DIRS": [str(self.folder / "assets")],
            "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self.folder / "db")}},
            **({} if asgi is None else {"ASGI_APPLICATION": asgi}),
        }
        lines = [f"{name} = {value!r}" for name, value in values.items()]
        (self.folder / "mysite" / "settings.py").write_text("\n".join(lines))

    def start(
        self,
        *arguments: str,
        host: str = "127.0.0.1",
        addrport: Callable[[int], str] = "127.0.0.1:{}".format,
    ) -> None:
        """Start ``runserver`` on a free port, and wait until it serves."""
        self.host = host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((host.strip("[]"), 0))
            self.port = probe.getsockname()[1]
        self._popen(*arguments, addrport(self.port))
        assert self.wait_until_ready(lambda: self.get("/")[0] == 200), self.output()

    def run(self, *arguments: str) -> int:
        """Run ``runserver`` to its end, and give its status."""
        return self._popen(*arguments).wait(DEADLINE)

    def _popen(self, *arguments: str) -> "subprocess.Popen[bytes]":
        # What this process was told of Django is not the project's.
        environment = {name: text for name, text in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "runserver", *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        return self.process

    def wait_until_ready(self, condition: Callable[[], bool]) -> bool:
        """Wait until a condition holds that may fail with an ``OSError`` before."""

        def holds() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.output()
            with contextlib.suppress(OSError):
                return condition()
            return False

        wait_until(holds)
        return True

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def wait_for(self, *texts: str) -> None:
        """Wait until one line of the output has all the texts."""
        wait_until(lambda: any(all(text in line for text in texts) for line in self.output().splitlines()))

    def get(self, path: str) -> tuple[int, str]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{self.host}:{self.port}{path}", timeout=DEADLINE) as response:
                body: bytes = response.read()
                return response.status, body.decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""

    def connect(self, path: str) -> ClientConnection:
        return connect(f"ws://{self.host}:{self.port}{path}", proxy=None, open_timeout=DEADLINE)

    def change(self, before: str, after: str) -> bool:
        """Change the view, again and again until the reloader has seen it: its first look finds nothing changed."""
        urls = self.folder / "mysite" / "urls.py"
        urls.write_text(urls.read_text().replace(before, after))
        seconds = time.time()

        def touch() -> bool:
            nonlocal seconds
            seconds += 1
            os.utime(urls, (seconds, seconds))
            return "urls.py changed, reloading." in self.output()

        wait_until(touch)
        return True

    def interrupt(self) -> int:
        """Press Ctrl+C, which a terminal sends to all processes of the command; give the status of the end."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(DEADLINE)
