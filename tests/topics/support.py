"""Topics and engines for the tests of this folder."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.test import override_settings

from django_ws import JSON
from django_ws.testing import FakeBroker
from django_ws.topics import Topic, brokers


class Room(Topic[str]):
    pattern = "room.{room_id}"
    room_id: int


class News(Topic[JSON]):
    pattern = "news"


class Feed(Topic[bytes]):
    pattern = "feed.{name}"
    name: str


@contextmanager
def fake_broker(timeout: float = 5.0) -> Iterator[FakeBroker]:
    """Let the default broker be a fake."""
    configured = {"default": {"BACKEND": "django_ws.testing.FakeBroker"}}
    with override_settings(WS_BROKERS=configured, WS_BROKER_TIMEOUT=timeout):
        broker = brokers["default"]
        assert isinstance(broker, FakeBroker)
        yield broker
