"""The way out: events are checked and encoded where they are published, then given to the engine, or to a test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import transaction

from django_ws.topics.brokers import brokers
from django_ws.topics.delivery import pack
from django_ws.topics.events import check_event
from django_ws.topics.hub import hub_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from django_ws.interfaces import ChannelMessage
    from django_ws.topics.topic import Topic

__all__ = ["Published", "apublish", "captured", "publish", "publish_on_commit"]


class Published(NamedTuple):
    """One event that was published."""

    # Events have types that only their topics know.
    topic: Topic[Any]
    """Where it was published."""
    event: Any
    """The event, as it was given to ``publish()``."""


class _Capture(NamedTuple):
    published: list[Published]
    deliver: bool


_captures: Final[list[_Capture]] = []


def publish(events: Sequence[tuple[Topic[Any], Any]]) -> None:
    """Publish from sync code, in order; see :meth:`~django_ws.topics.Topic.publish`."""
    batches = _encode(events)
    if _goes_out(events):
        for alias, messages in batches.items():
            brokers[alias].publish(messages)


async def apublish(events: Sequence[tuple[Topic[Any], Any]]) -> None:
    """Publish from async code, in order; see :meth:`~django_ws.topics.Topic.apublish`."""
    batches = _encode(events)
    if _goes_out(events):
        for alias, messages in batches.items():
            await hub_of(alias).publish(messages)


def publish_on_commit(events: Sequence[tuple[Topic[Any], Any]], *, using: str | None, robust: bool) -> None:
    """Encode now, publish after the commit; see :meth:`~django_ws.topics.Topic.publish_on_commit`."""
    batches = _encode(events)

    def go() -> None:
        if _goes_out(events):
            for alias, messages in batches.items():
                brokers[alias].publish(messages)

    transaction.on_commit(go, using=using, robust=robust)


@contextmanager
def captured(*, deliver: bool) -> Generator[list[Published]]:
    """Note what this process publishes, from any thread; for :func:`django_ws.testing.capture_publishes`.

    Args:
        deliver: Whether it goes out all the same.
    """
    capture = _Capture([], deliver)
    _captures.append(capture)
    try:
        yield capture.published
    finally:
        # By identity: two captures may hold equal lists.
        del _captures[next(index for index, one in enumerate(_captures) if one is capture)]


def _goes_out(events: Sequence[tuple[Topic[Any], Any]]) -> bool:
    """Tell the tests that capture, and say whether the engine gets it, too."""
    if not _captures:
        return True
    for capture in _captures:
        capture.published.extend(Published(topic, event) for topic, event in events)
    return all(capture.deliver for capture in _captures)


def _encode(events: Sequence[tuple[Topic[Any], Any]]) -> dict[str, list[ChannelMessage]]:
    """Give what each broker is to carry.

    Raises:
        TypeError, ValueError: An event is not of its topic's type, or cannot be encoded.
    """
    batches: dict[str, list[ChannelMessage]] = {}
    for topic, event in events:
        check_event(event, topic.event_type(), type(topic).__qualname__)
        batches.setdefault(topic.broker, []).append((topic.channel, pack(topic.codec().encode(event))))
    return batches
