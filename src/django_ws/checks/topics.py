"""The system checks of topics and of the engines that carry them."""

import contextlib
import itertools
import os
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from django_ws.checks.messages import error_message, warning_message
from django_ws.conf import get_settings, wrong_settings
from django_ws.routing import DjangoResolver
from django_ws.topics import Topic, brokers
from django_ws.topics.engines.memory import MemoryBroker
from django_ws.topics.patterns import Pattern
from django_ws.topics.topic import topic_classes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_deployed_topics", "check_topics"]

_POSTGRES: Final = "django_ws.topics.engines.postgres"
"""The engine over PostgreSQL, and the app that it needs."""


def check_topics(**_: object) -> list[CheckMessage]:
    """Check the engines, and every topic that the websocket URLconf brings: E010, E011, W011."""
    if wrong_settings():
        return []
    found: list[CheckMessage] = [error_message("E010", text) for text in _engines()]
    topics = _topics()
    found += [error_message("E011", text) for text in (*_clashes(topics), *_unusable(topics))]
    workers = os.environ.get("WEB_CONCURRENCY", "")
    if workers.isdecimal() and int(workers) > 1:
        found += [warning_message("W011", f"{text}, but WEB_CONCURRENCY is {workers}") for text in _alone(topics)]
    return found


def check_deployed_topics(**_: object) -> list[CheckMessage]:
    """Check what matters in production, by ``check --deploy``: W011."""
    if wrong_settings():
        return []
    workers = "which is right where the site is one process"
    return [warning_message("W011", f"{text}, {workers}") for text in _alone(_topics())]


# Events have types that only their topics know.
def _topics() -> list[type[Topic[Any]]]:
    """Give the project's topics, as far as its sockets know them."""
    with contextlib.suppress(Exception):  # another check tells what is wrong with the URLconf
        list(DjangoResolver().targets())
    return [topic for topic in topic_classes() if not topic.__module__.startswith("django_ws.")]


def _engines() -> "Iterator[str]":
    for alias in brokers:
        try:
            _ = brokers[alias]
        except ImproperlyConfigured as error:
            yield str(error)
        if get_settings().brokers[alias].backend.startswith(_POSTGRES) and not apps.is_installed(_POSTGRES):
            yield f"WS_BROKERS[{alias!r}] goes over PostgreSQL, but the app {_POSTGRES!r} is not in INSTALLED_APPS"


# See _topics.
def _clashes(topics: list[type[Topic[Any]]]) -> "Iterator[str]":
    for one, other in itertools.combinations(topics, 2):
        if one.broker == other.broker and Pattern(one.pattern).clashes(Pattern(other.pattern)):
            yield (
                f"{_name(one)} and {_name(other)} have patterns that may make the same channel: "
                f"{one.pattern!r} and {other.pattern!r}"
            )


# See _topics.
def _unusable(topics: list[type[Topic[Any]]]) -> "Iterator[str]":
    for topic in topics:
        if topic.broker not in get_settings().brokers:
            yield f"{_name(topic)}.broker is {topic.broker!r}, which is not in WS_BROKERS"
        try:
            topic.codec()
        except ImproperlyConfigured as error:
            yield f"{_name(topic)}: {error}"


# See _topics.
def _alone(topics: list[type[Topic[Any]]]) -> "Iterator[str]":
    for alias in dict.fromkeys(topic.broker for topic in topics):
        try:
            alone = isinstance(brokers[alias], MemoryBroker)
        except ImproperlyConfigured:
            continue  # told already
        if alone:
            yield f"The broker {alias!r} carries events within one process only"


def _name(topic: type[object]) -> str:
    return f"{topic.__module__}.{topic.__qualname__}"
