"""The tables of the migration guides: every name that there was is in them, every name that they give exists."""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import django.contrib.auth
import django.core.exceptions
import django.http
import django.test
import pytest

import django_ws
import django_ws.middleware
import django_ws.testing
from docs.code_blocks import DOCS, FENCE

HOWTO = DOCS / "howto"
CHANNELS = (
    "channels.auth",
    "channels.consumer",
    "channels.db",
    "channels.exceptions",
    "channels.generic.http",
    "channels.generic.websocket",
    "channels.layers",
    "channels.middleware",
    "channels.routing",
    "channels.security.websocket",
    "channels.sessions",
    "channels.testing",
    "channels.utils",
    "channels.worker",
)
CLASSES = ("channels.generic.websocket.AsyncJsonWebsocketConsumer", "channels.testing.WebsocketCommunicator")
VERSION_1 = {
    "get_websocket_application": ("http_app",),
    "WebSocketRequest": (),
    "WebSocketHandler": (
        *("LOOP_SLEEP_TIME", "PROCESS_CANCEL_ERRORS", "request", "_receive", "_send_coro", "connected", "closed"),
        *("tasks", "sleep_loop", "_ping", "ping", "start_ping", "start_task", "process_task_exception"),
        *("on_task_error", "cancel_tasks", "on_open", "on_message", "on_close", "on_error", "accept_connection"),
        *("_send", "send", "process_message", "load_data", "close", "run_loop", "_run_loop", "_middleware"),
    ),
    "TASK_DUPLICATE_STARTED": ("task-duplicate-started",),
    "TASK_WS_CLOSED": ("task-websocket-closed",),
    "__version__": (),
    "ROOT_WS_URLCONF": (),
    "WS_MIDDLEWARE": (),
}


def code_of(page: str) -> str:
    """Give what stands between backticks on a page."""
    return " ".join(re.findall(r"`([^`]+)`", FENCE.sub("", (HOWTO / page).read_text("utf-8"))))


def named(code: str, name: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", code) is not None


def own_names(module: ModuleType) -> list[str]:
    """Give what a module of Channels defines for others."""
    package = module.__name__ if not hasattr(module, "__path__") else f"{module.__name__}."
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith(package)
    ]


@pytest.mark.parametrize("module", CHANNELS)
def test_every_name_of_channels_is_in_the_guide(module: str) -> None:
    pytest.importorskip("channels")
    code = code_of("migrate-from-channels.md")
    missing = [name for name in own_names(importlib.import_module(module)) if not named(code, name)]
    assert missing == []


@pytest.mark.parametrize("path", CLASSES)
def test_every_method_of_a_consumer_is_in_the_guide(path: str) -> None:
    pytest.importorskip("channels")
    code = code_of("migrate-from-channels.md")
    module, _, name = path.rpartition(".")
    cls = getattr(importlib.import_module(module), name)
    own = [base for base in cls.__mro__ if base.__module__.startswith("channels")]
    methods = {each for base in own for each in vars(base) if not each.startswith("_")}
    assert sorted(each for each in methods if not named(code, each)) == []


@pytest.mark.parametrize("name", ["RedisChannelLayer", "RedisPubSubChannelLayer"])
def test_every_option_of_channels_redis_is_in_the_guide(name: str) -> None:
    pytest.importorskip("channels_redis")
    module = importlib.import_module(f"channels_redis.{'pubsub' if 'PubSub' in name else 'core'}")
    options = set(inspect.signature(getattr(module, name)).parameters) - {"args", "kwargs"}
    code = code_of("migrate-from-channels.md")
    assert named(code, name)
    internal = {"random_prefix_length", "serializer_format"}
    assert sorted(option for option in options - internal if not named(code, option)) == []


@pytest.mark.parametrize("name", VERSION_1)
def test_every_name_of_1_0_2_is_in_the_guide(name: str) -> None:
    code = code_of("migrate-from-1.md")
    assert [each for each in (name, *VERSION_1[name]) if not named(code, each)] == []


@pytest.mark.parametrize("page", ["migrate-from-channels.md", "migrate-from-1.md"])
def test_every_name_that_a_guide_gives_exists(page: str) -> None:
    homes: list[object] = [
        *(django_ws, django_ws.middleware, django_ws.testing, django_ws.WebSocketHandler),
        *(django_ws.Topic, django.http, django.test, django.core.exceptions, django.contrib.auth),
        *(django_ws.testing.ClientSocket, django_ws.testing.WebSocketLiveServerTestCase, django_ws.WebSocketRequest),
    ]
    rows = re.findall(r"^\| .+ \| (.+) \|$", (HOWTO / page).read_text("utf-8"), re.MULTILINE)
    cells = " ".join(re.findall(r"`([^`]+)`", " ".join(rows)))
    cells = re.sub(r"\"[^\"]*\"|'[^']*'", "", cells)
    attributes = set(re.findall(r"(?:self|ws|topic)\.(\w+)", cells))
    classes = set(re.findall(r"(?<![\w.])([A-Z][a-z]+[A-Z]\w+)", cells))
    example = {"Say", "Said", "Inbox", "Room", "DjangoMiddleware"}
    # What a request and an instance have besides, and what stands for one's own.
    instance = {"request", "args", "denied", "kwargs", "session", "subprotocol"}
    wrong = [
        name
        for name in (attributes | classes) - example - instance
        if not any(hasattr(home, name) for home in homes) and name not in {"ValkeyBroker", "CancelledError"}
    ]
    assert sorted(wrong) == []


def test_the_examples_of_the_guides_are_whole() -> None:
    """Between the parts of before.py and after.py that are shown there is nothing but imports."""
    page = (HOWTO / "migrate-from-channels.md").read_text("utf-8")
    folder = Path(__file__).resolve().parents[2] / "examples" / "howto" / "migrate_channels"
    for name in ("before.py", "after.py"):
        parts = re.findall(r"^# --- (\w+\.py)$", (folder / name).read_text("utf-8"), re.MULTILINE)
        assert parts
        for part in parts:
            assert part in page


ORIGINAL = Path(sys.prefix) / "original-django-ws"
"""Where `make bench` puts 1.0.2, whose import name is ours."""
LOOK = """
import asyncio, json, sys
from django.conf import settings
settings.configure()
from django_ws import WebSocketHandler
from howto.migrate_v1.before import Weather

async def main():
    sent = []
    kinds = ("connect", "receive", "disconnect")
    events = iter([{"type": f"websocket.{kind}", "text": "{}"} for kind in kinds])
    async def receive():
        return next(events)
    async def send(message):
        sent.append(message["type"])
    await Weather.run_loop(Weather(None, receive, send))
    return sent

names = [name for name in vars(WebSocketHandler) if not name.startswith("__")]
print(json.dumps([names, asyncio.run(main())]))
"""


@pytest.mark.skipif(not ORIGINAL.exists(), reason="1.0.2 is not installed: make bench does it")
def test_what_is_said_of_1_0_2() -> None:
    """Its names; and that it runs what the guide shows, but sends nothing of what is not awaited."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={**os.environ, "PYTHONPATH": f"{ORIGINAL}{os.pathsep}{DOCS.parent / 'examples'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names, sent = json.loads(done.stdout)
    assert set(names) <= {*VERSION_1["WebSocketHandler"], "_msg_middleware"}
    assert sent == ["websocket.accept"]
    assert "was never awaited" in done.stderr
