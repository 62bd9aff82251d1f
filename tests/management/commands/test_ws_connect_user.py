"""``ws_connect --user`` before a server of its own, with the sessions and the users of a database that both share."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

DEADLINE = 60.0
"""Seconds within which anything happens, on a busy machine."""
FILES = {
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
""",
    "settings.py": """
SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = [
    "django_ws", "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"
]
WS_MIDDLEWARE = ["django_ws.middleware.AuthMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
USE_TZ = True
""",
    "urls.py": "urlpatterns = []",
    "ws_urls.py": """
from django_ws import WebSocket
from django_ws.guards import login_required
from django_ws.urls import path

async def open_to_all(ws: WebSocket[str, str]) -> None:
    user = await ws.request.auser()
    await ws.send(f"{user}, who is in: {user.is_authenticated}")

@login_required
async def closed(ws: WebSocket[str, str]) -> None:
    user = await ws.request.auser()
    await ws.send(f"{user}, who is in: {user.is_authenticated}")

urlpatterns = [path("open/", open_to_all), path("closed/", closed)]
""",
    "asgi.py": """
import os
from django_ws import get_websocket_application
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
application = get_websocket_application()
""",
}
ALICE = "from django.contrib.auth.models import User; User.objects.create_user('alice')"
COUNT = "from django.contrib.sessions.models import Session; print('left:', Session.objects.count())"


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=folder,
        env=environment,
        input="",
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    for arguments in (["migrate"], ["shell", "-c", ALICE]):
        done = run(folder, *arguments)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def port(project: Path) -> Iterator[int]:
    log = project / "server.log"
    command = "uvicorn asgi:application --port 0 --ws websockets-sansio --lifespan on"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(command)], cwd=project, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + DEADLINE
        while "running on http://127.0.0.1:" not in (told := log.read_text("utf-8")):
            assert process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.05)
        yield int(told.partition("running on http://127.0.0.1:")[2].split()[0])
    finally:
        process.terminate()
        process.wait(DEADLINE)


def connected(project: Path, port: int, path: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    more = ("--host", str(port), "--wait", str(DEADLINE), "--receive", "1")
    return run(project, "ws_connect", path, *more, *arguments)


def test_a_user_comes_in_and_the_session_is_gone_afterwards(project: Path, port: int) -> None:
    for path in ("/open/", "/closed/"):
        done = connected(project, port, path, "--user", "alice")
        assert (done.returncode, done.stdout) == (0, "alice, who is in: True\n"), done.stderr
        assert f"Connected to ws://127.0.0.1:{port}{path} as alice\n" in done.stderr
    assert run(project, "shell", "-c", COUNT).stdout.splitlines()[-1] == "left: 0"


def test_without_one_nobody_comes_in(project: Path, port: int) -> None:
    done = connected(project, port, "/open/")
    assert (done.returncode, done.stdout) == (0, "AnonymousUser, who is in: False\n"), done.stderr
    done = connected(project, port, "/closed/")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The handshake was denied: " in done.stderr
    assert "--user NAME comes in as a user of this project." in done.stderr


def test_a_user_that_is_none_is_told(project: Path, port: int) -> None:
    done = connected(project, port, "/open/", "--user", "bob")
    assert done.returncode == 1
    assert "There is no user with the username 'bob'" in done.stderr
