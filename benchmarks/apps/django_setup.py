"""A Django project in one call, for those that need one."""

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import django
from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created

from benchmarks.apps import ENGINE

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["configure", "slow_query"]

SLOW_SECONDS: Final = 0.02
"""How long the query of the ``orm`` socket takes."""


_MEMORY_BROKER: Final = {"BACKEND": "django_ws.topics.engines.memory.MemoryBroker"}
_VALKEY_BROKER: "Final[dict[str, object]]" = {"BACKEND": "django_ws.topics.engines.valkey.ValkeyBroker"}
_MEMORY_LAYER: Final = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
_VALKEY_LAYER: "Final[dict[str, object]]" = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}


def configure(urlconf: str) -> None:
    """Set Django up, with every setting of websockets at its default but the URLconf and the rate of messages."""
    engine = os.environ.get(ENGINE, "")
    settings.configure(
        SECRET_KEY="only for the benchmarks",  # noqa: S106
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=urlconf,
        ROOT_WS_URLCONF=urlconf,
        # So many that no client is made to wait: the messages are counted as by default, but not held up.
        WS_MESSAGES_PER_SECOND=1e9,
        WS_BROKERS={"default": _VALKEY_BROKER | {"LOCATION": engine} if engine else _MEMORY_BROKER},
        CHANNEL_LAYERS={"default": _VALKEY_LAYER | {"CONFIG": {"hosts": [engine]}} if engine else _MEMORY_LAYER},
        # What the middleware of startproject needs.
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
    )
    connection_created.connect(_add_slow, weak=False)
    django.setup(set_prefix=False)


# Django: a signal's other arguments.
def _add_slow(connection: "BaseDatabaseWrapper", **_: object) -> None:
    connection.connection.create_function("slow", 0, partial(time.sleep, SLOW_SECONDS))


def slow_query() -> None:
    """Query the database, which takes its time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT slow()")
        cursor.fetchall()
