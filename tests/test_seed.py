"""The snippets that the first README showed, to the letter."""

import asyncio
import importlib
import json
import math
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from django_ws import TASK_DUPLICATE_STARTED, TASK_WS_CLOSED
from django_ws.testing import Peer, websocket_scope
from handler.support import until

ASGI = """\
from django_ws import get_websocket_application

application = get_websocket_application()
"""

WS_URLS = """\
from django.urls import path

import myapp.ws

urlpatterns = [
  path('ws', myapp.ws.MySocket),
]
"""

WS = """\
from django_ws import WebSocketHandler

class MySocket(WebSocketHandler):
  async def on_open(self):
    do_something_on_open()

  async def on_message(self, data):
    do_something_on_msg()

    # send json data
    self.send({"reply": "sending data back"})

  async def on_close(self):
    do_something_on_close()
"""

MIDDLEWARE = """\
from importlib import import_module

from asgiref.sync import sync_to_async

from django.contrib import auth
from django.conf import settings


class AuthAsyncMiddleware:
    def __init__(self, func):
        self.func = func

    async def __call__(self, ws):
        print('Pre Run Loop')

        if not hasattr(ws.request, 'user'):
            engine = import_module(settings.SESSION_ENGINE)
            SessionStore = engine.SessionStore
            session_key = ws.request.COOKIES.get(settings.SESSION_COOKIE_NAME)
            ws.request.session = SessionStore(session_key)
            ws.request.user = await sync_to_async(auth.get_user)(ws.request)

        print('USER:', ws.request.user)

        ret = await self.func(ws)

        print('POST Run Loop')

        return ret
"""

SETTINGS = {
    "ROOT_URLCONF": "myproject.urls",
    "WS_MIDDLEWARE": [
        "myproject.middleware.AuthAsyncMiddleware",
    ],
}  # fmt: skip

# What the snippets leave to their reader.
READERS = """
journal = []

def do_something_on_open():
    journal.append("open")

def do_something_on_msg():
    journal.append("message")

def do_something_on_close():
    journal.append("close")
"""

FEATURES = """
from django_ws import WebSocketHandler

class MySocket(WebSocketHandler):
  async def on_open(self):
    self.start_ping()
    self.start_task('send_weather', self.send_weather)

  async def on_message(self, data):
    self.start_task('send_weather', self.send_weather)

  async def send_weather(self):
    try:
      await self.sleep_loop(self._send_weather, 60 * 3)
    except BaseException as error:
      journal.append(str(error))
      raise

  async def _send_weather(self):
    self.send({"weather": "fine"})
"""


class Project:
    """A project on disk that was written after the README."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)

    def load(self, name: str) -> ModuleType:
        importlib.invalidate_caches()
        return importlib.import_module(name)

    @property
    def journal(self) -> list[str]:
        journal: list[str] = self.load("myapp.ws").journal
        return journal


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.syspath_prepend(str(tmp_path))
    project = Project(tmp_path)
    project.write("myproject/urls.py", "urlpatterns = []")
    project.write("myproject/ws_urls.py", WS_URLS)
    project.write("myproject/asgi.py", ASGI)
    project.write("myproject/middleware.py", MIDDLEWARE)
    project.write("myapp/ws.py", WS + READERS)
    yield project
    for name in [name for name in sys.modules if name.split(".")[0] in {"myproject", "myapp"}]:
        del sys.modules[name]


@pytest.fixture
def database(database_file: Path) -> None:
    """A migrated one."""
    call_command("migrate", verbosity=0)


def log_in(name: str) -> str:
    """Make a user and a session of that user; the cookie of which it gives."""
    user = get_user_model().objects.create_user(username=name, password="secret")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


async def test_the_socket_of_the_readme_runs(project: Project) -> None:
    with override_settings(ROOT_URLCONF="myproject.urls"):
        application = project.load("myproject.asgi").application
        async with Peer(application, websocket_scope("/ws")) as peer:
            assert await peer.connect()
            for text in ("{}", "[1, 2]"):
                peer.text(text)
                assert json.loads(await peer.receive()) == {"reply": "sending data back"}
    assert project.journal == ["open", "message", "message", "close"]


async def test_the_middleware_of_the_readme_knows_who_is_logged_in(
    project: Project, database: None, capsys: pytest.CaptureFixture[str]
) -> None:
    cookie = await sync_to_async(log_in)("alice")
    with override_settings(**SETTINGS):
        application = project.load("myproject.asgi").application
        async with Peer(application, websocket_scope("/ws", headers=[("cookie", cookie)])) as peer:
            assert await peer.connect()
            peer.text("{}")
            assert await peer.receive() == '{"reply":"sending data back"}'
    assert capsys.readouterr().out.splitlines() == ["Pre Run Loop", "USER: alice", "POST Run Loop"]
    assert project.journal == ["open", "message", "close"]


@pytest.mark.parametrize("cookie", [None, "sessionid=unknown", "sessionid="])
async def test_the_middleware_of_the_readme_knows_who_is_not(
    project: Project, database: None, capsys: pytest.CaptureFixture[str], cookie: str | None
) -> None:
    with override_settings(**SETTINGS):
        application = project.load("myproject.asgi").application
        headers = [] if cookie is None else [("cookie", cookie)]
        async with Peer(application, websocket_scope("/ws", headers=headers)) as peer:
            assert await peer.connect()
    assert capsys.readouterr().out.splitlines() == ["Pre Run Loop", "USER: AnonymousUser", "POST Run Loop"]


class Naps:
    """Takes the place of ``asyncio.sleep`` for long sleeps, which end when they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[float] = []
        self.sleeping: list[tuple[float, asyncio.Event]] = []
        self._sleep = asyncio.sleep
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        if seconds < 1:
            return await self._sleep(seconds)
        # A ping may come up to a tenth of a second early.
        seconds = math.ceil(seconds - 1e-6) if seconds % 1 > 0.89 else seconds
        nap = (seconds, asyncio.Event())
        self.taken.append(seconds)
        self.sleeping.append(nap)
        try:
            await nap[1].wait()
        finally:
            self.sleeping.remove(nap)
        return None

    def wake(self, seconds: float) -> None:
        for nap, event in self.sleeping:
            if nap == seconds:
                event.set()


async def test_the_features_of_the_readme_do_what_it_says(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("myapp/ws.py", FEATURES + READERS)
    naps = Naps(monkeypatch)
    with override_settings(ROOT_URLCONF="myproject.urls"):
        application = project.load("myproject.asgi").application
        async with Peer(application, websocket_scope("/ws")) as peer:
            assert await peer.connect()
            await until(lambda: len(naps.sleeping) == 2)
            assert sorted(naps.taken) == [59, 180]
            assert len(peer.events) == 1

            # A ping after each 59 seconds, with the time.
            for _ in range(2):
                naps.wake(59)
                message = json.loads(await peer.receive())
                assert list(message) == ["ping"]
                said = datetime.fromisoformat(message["ping"])
                assert abs(timezone.now() - said) < timedelta(minutes=1)
                await until(lambda: len(naps.sleeping) == 2)

            # The weather after each 3 minutes.
            naps.wake(180)
            assert json.loads(await peer.receive()) == {"weather": "fine"}
            await until(lambda: len(naps.sleeping) == 2)

            # The same task again: the one that runs is cancelled, and one goes on.
            peer.text("{}")
            await until(lambda: project.journal and len(naps.sleeping) == 2)
            assert project.journal == [TASK_DUPLICATE_STARTED]
            naps.wake(180)
            assert json.loads(await peer.receive()) == {"weather": "fine"}
            assert naps.taken.count(59) == 3
    assert project.journal == [TASK_DUPLICATE_STARTED, TASK_WS_CLOSED]
    assert naps.sleeping == []
