"""testing/pytest.py: the fixture, by itself and with the plugin whose database it asks for."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from websockets.sync.client import connect

from django_ws.testing import pytest as plugin

ws_live_server = plugin.ws_live_server


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    with override_settings(
        ASGI_APPLICATION=None, ROOT_URLCONF="testing.live_site", ROOT_WS_URLCONF="testing.live_sockets"
    ):
        yield


def test_it_gives_the_urls_of_a_server(ws_live_server: plugin.WebSocketLiveServer) -> None:
    assert ws_live_server.url == f"http://{ws_live_server.host}:{ws_live_server.port}"
    assert ws_live_server.ws_url == f"ws://{ws_live_server.host}:{ws_live_server.port}"
    assert ws_live_server.host in settings.ALLOWED_HOSTS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{ws_live_server.url}/page/", timeout=20) as response:
        assert response.status == 200
    with connect(f"{ws_live_server.ws_url}/ws/echo/", proxy=None, open_timeout=20) as ws:
        ws.send("hello")
        assert ws.recv(20) == "hello"


class FakePlugins:
    def __init__(self, *names: str) -> None:
        self.pluginmanager = self
        self.has_plugin = names.__contains__


def test_what_uses_it_has_a_database_of_pytest_django(request: pytest.FixtureRequest) -> None:
    request.config.addinivalue_line("markers", "django_db: as pytest-django registers it")
    function = request.node
    items = [pytest.Function.from_parent(function.parent, name=name, callobj=lambda: None) for name in "abc"]
    using, marked, other = items
    using.fixturenames.append("ws_live_server")
    marked.fixturenames.append("ws_live_server")
    marked.add_marker(pytest.mark.django_db(databases=["other"]))
    unmarked: Any = FakePlugins()
    plugin.pytest_collection_modifyitems(unmarked, [*items])
    assert using.get_closest_marker("django_db") is None
    with_django: Any = FakePlugins("django")
    plugin.pytest_collection_modifyitems(with_django, [*items])
    found = [item.get_closest_marker("django_db") for item in items]
    assert [mark and mark.kwargs for mark in found] == [
        {"transaction": True},
        {"databases": ["other"], "transaction": True},
        None,
    ]
    assert other.get_closest_marker("django_db") is None


TESTS = """
from websockets.sync.client import connect

def test_it(ws_live_server):
    with connect(f"{ws_live_server.ws_url}/ws/users/", proxy=None, open_timeout=20) as ws:
        ws.send("ada")
        assert ws.recv(20) == "1"

def test_it_again(ws_live_server):
    test_it(ws_live_server)
"""


def run(folder: Path, conftest: str, *arguments: str) -> str:
    (folder / "conftest.py").write_text(conftest)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(TESTS)
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-p",
            "no:asyncio",
            *arguments,
        ],
        check=False,
        text=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=100,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
            "DJANGO_SETTINGS_MODULE": "testing.client_settings",
            "CLIENT_WS_URLCONF": "testing.live_sockets",
            "CLIENT_DATABASE": '{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}',
        },
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


BY_HAND = """
import django
import pytest

django.setup()
pytest_plugins = ["django_ws.testing.pytest"]

@pytest.fixture(autouse=True)
def rows():
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("flush", verbosity=0, interactive=False)
"""


def test_it_is_a_plugin_by_itself(tmp_path: Path) -> None:
    assert "2 passed" in run(tmp_path, BY_HAND, "-p", "no:django")


def test_it_goes_with_pytest_django(tmp_path: Path) -> None:
    assert "2 passed" in run(tmp_path, 'pytest_plugins = ["django_ws.testing.pytest"]\n')
