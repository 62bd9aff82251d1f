"""checks/topics.py: engines, and the topics that the websocket URLconf brings."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pydantic
import pytest
from django.conf import settings
from django.db import connections

from checks.support import Module, told
from django_ws import JSON
from django_ws.checks import check_deployed_topics, check_topics
from django_ws.topics import Topic
from django_ws.topics import topic as topic_module


class Struct(msgspec.Struct, tag=True):
    pass


class Model(pydantic.BaseModel):
    pass


@contextmanager
def override_database(**databases: dict[str, str]) -> Iterator[None]:
    """Let there be more databases, to which nobody connects."""
    with pytest.MonkeyPatch.context() as patch:
        for alias, database in databases.items():
            patch.setitem(connections.settings, alias, {**connections.settings["default"], **database})
        yield


MEMORY = {"default": {"BACKEND": "django_ws.topics.engines.memory.MemoryBroker"}}


@pytest.fixture(autouse=True)
def own_topics(monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    """Topics of other tests are none of this one's."""
    gc.collect()
    classes: set[Any] = set()
    monkeypatch.setattr(topic_module, "_classes", classes)
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    return classes


def test_a_right_one_is_not_mentioned() -> None:
    class Room(Topic[JSON]):
        pattern = "room.{room_id}"
        room_id: int

    class Lobby(Topic[JSON]):
        pattern = "lobby"

    assert told(check_topics) == []


@pytest.mark.parametrize(
    ("broker", "text"),
    [
        ({"BACKEND": "nowhere.Broker"}, "WS_BROKERS['default']: BACKEND 'nowhere.Broker': No module named 'nowhere'"),
        (
            {**MEMORY["default"], "OPTIONS": {"SIZE": 3}},
            "WS_BROKERS['default']: OPTIONS has 'SIZE', which this engine does not know",
        ),
    ],
)
def test_an_engine_that_cannot_be_made_is_told(broker: dict[str, object], text: str) -> None:
    class Room(Topic[JSON]):
        pattern = "room"

    assert told(check_topics, WS_BROKERS={"default": broker}) == [("E010", text)]
    assert told(check_deployed_topics, WS_BROKERS={"default": broker}) == []


def test_the_engine_over_postgresql_needs_its_app() -> None:
    app = "django_ws.topics.engines.postgres"
    databases = {"other": {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}}
    broker = {"default": {"BACKEND": f"{app}.PostgresBroker", "LOCATION": "other"}}
    text = f"WS_BROKERS['default'] goes over PostgreSQL, but the app {app!r} is not in INSTALLED_APPS"
    with override_database(**databases):
        assert told(check_topics, WS_BROKERS=broker) == [("E010", text)]
        installed = [*settings.INSTALLED_APPS, app]
        assert told(check_topics, WS_BROKERS=broker, INSTALLED_APPS=installed) == []


def test_a_clash_is_told() -> None:
    class Room(Topic[JSON]):
        pattern = "room.{room_id}"
        room_id: int

    class Lobby(Topic[JSON]):
        pattern = "room.lobby"

    [(number, text)] = told(check_topics)
    assert number == "E011"
    assert re.fullmatch(
        r"\S+\.(Room|Lobby) and \S+\.(Lobby|Room) have patterns that may make the same channel: '.+' and '.+'", text
    )


def test_topics_of_two_brokers_do_not_clash() -> None:
    class Room(Topic[JSON]):
        pattern = "room"

    class Other(Topic[JSON]):
        pattern = "room"
        broker = "other"

    assert told(check_topics, WS_BROKERS={**MEMORY, "other": MEMORY["default"]}) == []


def test_a_topic_that_cannot_be_used_is_told() -> None:
    class Lost(Topic[JSON]):
        pattern = "lost"
        broker = "nowhere"

    class Mixed(Topic[Struct | Model]):
        pattern = "mixed"

    found = told(check_topics)
    assert ("E011", f"{__name__}.{Lost.__qualname__}.broker is 'nowhere', which is not in WS_BROKERS") in found
    [text] = [text for number, text in found if number == "E011" and "Mixed" in text]
    assert text.startswith(f"{__name__}.{Mixed.__qualname__}: ")
    assert "it mixes Model of pydantic and Struct of msgspec" in text


def test_memory_and_several_workers_do_not_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    class Room(Topic[JSON]):
        pattern = "room"

    alone = "The broker 'default' carries events within one process only"
    assert told(check_topics) == []
    assert told(check_deployed_topics) == [("W011", f"{alone}, which is right where the site is one process")]
    monkeypatch.setenv("WEB_CONCURRENCY", "1")
    assert told(check_topics) == []
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert told(check_topics) == [("W011", f"{alone}, but WEB_CONCURRENCY is 4")]
    monkeypatch.setenv("WEB_CONCURRENCY", "many")
    assert told(check_topics) == []


def test_an_engine_that_reaches_other_processes_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    class Room(Topic[JSON]):
        pattern = "room"

    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    brokers = {"default": {"BACKEND": "django_ws.testing.FakeBroker"}}
    assert told(check_topics, WS_BROKERS=brokers) == []
    assert told(check_deployed_topics, WS_BROKERS=brokers) == []


def test_without_topics_memory_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert told(check_topics) == []
    assert told(check_deployed_topics) == []


def test_a_topic_is_known_when_the_urlconf_brings_it(module: Module) -> None:
    assert told(check_topics, ROOT_WS_URLCONF=module()) == []


def test_wrong_settings_are_another_checks_affair() -> None:
    assert told(check_topics, WS_BROKERS=3) == []
    assert told(check_deployed_topics, WS_BROKERS=3) == []
