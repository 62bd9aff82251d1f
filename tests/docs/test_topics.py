"""Every example of docs/topics.md runs: its blocks become the files that their first lines name."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.utils.module_loading import import_string

from django_ws.conf import get_settings
from django_ws.topics import brokers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "topics.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

REST = {
    "chat/__init__.py": "",
    "chat/ws_urls.py": (
        "from django_ws.urls import path\nfrom chat.quiet import Quiet\nfrom chat.ws import Chat\n"
        "urlpatterns = [path('ws/room/<int:room_id>/', Chat), path('ws/quiet/<int:room_id>/', Quiet)]\n"
    ),
    "chat/urls.py": (
        "from django.urls import path\nfrom chat.stream import stream\nfrom chat.views import announce\n"
        "urlpatterns = [path('announce/', announce), path('stream/', stream)]\n"
    ),
    "project.py": (
        "from testing.client_settings import *\n"
        "ROOT_URLCONF = 'chat.urls'\nROOT_WS_URLCONF = 'chat.ws_urls'\nINSTALLED_APPS += ['django_ws']\n"
        "SILENCED_SYSTEM_CHECKS = ['django_ws.W001']\n"
    ),
    "chat/test_more.py": """
import asyncio

from django.test import AsyncClient, TestCase

from chat.ws import Room, Said
from django_ws.testing import connect


class MoreTests(TestCase):
    async def test_quiet(self):
        async with connect("/ws/quiet/3/") as quiet, connect("/ws/room/3/") as loud:
            await loud.send({"type": "say", "text": "HELLO"})
            assert await quiet.receive_json() == {"type": "said", "who": "somebody", "text": "hello"}

    async def test_stream(self):
        response = await AsyncClient().get("/stream/")
        lines = response.streaming_content
        first = asyncio.ensure_future(anext(lines))
        while not first.done():
            await Room(room_id=3).apublish(Said("a", "b"))
            await asyncio.sleep(0)
        assert await first == b"data: b\\n\\n"
        await lines.aclose()
""",
}


def test_every_block_says_its_file() -> None:
    assert len(BLOCKS) == PAGE.count("```python") == 6


def test_the_examples_and_their_tests(tmp_path: Path) -> None:
    for name, text in [*BLOCKS, *REST.items()]:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "tests")]),
        "DJANGO_SETTINGS_MODULE": "project",
        "CLIENT_DATABASE": json.dumps({"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}),
    }
    for command, said in ((("test", "chat", "-p", "test*.py"), "Ran 4 tests in "), (("check",), "no issues")):
        result = subprocess.run(
            [sys.executable, "-W", "error", "-m", "django", *command],
            check=False,
            text=True,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=100,
        )
        assert result.returncode == 0, result.stdout
        assert said in result.stdout, result.stdout


def test_the_settings_that_are_shown_are_right() -> None:
    [text] = [text for name, text in BLOCKS if name == "settings.py"]
    shown: dict[str, object] = {}
    exec(text, shown)
    with override_settings(WS_BROKERS=shown["WS_BROKERS"]):
        assert get_settings().brokers["default"].location == "redis://127.0.0.1:6379/0"
        assert type(brokers["default"]).__name__ == "ValkeyBroker"


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+\.\w+Broker)`", PAGE, re.MULTILINE))
def test_an_engine_of_the_table_is_there(name: str) -> None:
    try:
        engine: type = import_string(f"django_ws.topics.engines.{name}")
    except ImproperlyConfigured as missing:
        pytest.skip(str(missing))
    assert isinstance(engine, type)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(WS_[A-Z_]+)`", PAGE))))
def test_a_setting_that_is_named_exists(name: str) -> None:
    assert name in importlib.import_module("django_ws.conf").NAMES


def test_a_name_that_is_shown_exists() -> None:
    for name in set(re.findall(r"`(django_ws(?:\.\w+)+)`", PAGE)):
        module, _, last = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), last), name
