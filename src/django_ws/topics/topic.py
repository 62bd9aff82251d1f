"""A topic: what can be published where, and who hears of it."""

from __future__ import annotations

import dataclasses
import typing
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, cast
from weakref import WeakSet

from django.core.exceptions import ImproperlyConfigured
from django.utils.asyncio import async_unsafe
from typing_extensions import TypeVar, dataclass_transform, override

from django_ws.topics import publishing
from django_ws.topics.events import event_codec, event_type
from django_ws.topics.hub import hub_of
from django_ws.topics.listener import Listener
from django_ws.topics.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django_ws.interfaces import Codec, Member, Membership

__all__ = ["Topic", "topic_classes"]

EventT = TypeVar("EventT")

_classes: Final[WeakSet[type[Topic[Any]]]] = WeakSet()


# A topic's events have a type that only its class knows.
def topic_classes() -> list[type[Topic[Any]]]:
    """Give every topic class that has been made, in the order of their patterns."""
    return sorted(_classes, key=lambda cls: (cls.pattern, cls.__module__, cls.__qualname__))


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Topic(Generic[EventT]):
    """Where events of one type are published: a frozen dataclass of the fields that its :attr:`pattern` names.

    ::

        class Room(Topic[Said]):
            pattern = "room.{room_id}"
            room_id: int

        Room(room_id=3).publish(Said(text="hello"))

    Events travel as their codec writes them: a dataclass, TypedDict, Struct or model through msgspec or pydantic,
    ``str`` and ``bytes`` as they are, anything else as JSON. Who hears of one gets what was read back from that.

    An engine carries events to all processes (``WS_BROKERS``). One publisher's events come in the order in which it
    published them, to every member that had subscribed before; nothing is kept for those who come later.
    """

    __slots__ = ()

    pattern: ClassVar[str]
    """The name of the channel, with fields in braces: tokens with dots between (:mod:`django_ws.topics.patterns`)."""
    broker: ClassVar[str] = "default"
    """Which of ``WS_BROKERS`` carries it."""

    _pattern: ClassVar[Pattern]

    @override
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        text = vars(cls).get("pattern", getattr(cls, "pattern", None))
        if text is None:
            return  # a base of topics: it may add methods, and has no channel
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        try:
            cls._pattern = Pattern(text)
        except (TypeError, AttributeError, ValueError) as error:
            raise ImproperlyConfigured(f"{cls.__qualname__}.pattern: {error}") from error
        named = {field.name for field in dataclasses.fields(cast("Any", cls))}
        if named != set(cls._pattern.fields):
            raise ImproperlyConfigured(
                f"{cls.__qualname__}.pattern is {text!r}, but its fields are {', '.join(sorted(named)) or 'none'}: "
                "each field stands in the pattern once, and nothing else does"
            )
        _classes.add(cls)

    def __post_init__(self) -> None:
        """Hold the fields to their types, for those who do not use a type checker.

        Raises:
            TypeError: A field has a value of another type.
        """
        for name, expected in _field_types(type(self)).items():
            value = getattr(self, name)
            if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
                wanted = " or ".join(one.__qualname__ for one in expected)
                raise TypeError(f"{type(self).__qualname__}.{name} is {value!r}, but must be of type {wanted}")

    # --- what it is -------------------------------------------------------------------------------

    @property
    def channel(self) -> str:
        """The name under which the engine knows it.

        Raises:
            ValueError: It would be longer than 200 bytes.
        """
        return self._pattern.format({name: getattr(self, name) for name in self._pattern.fields})

    @classmethod
    def event_type(cls) -> object:
        """Give the type of its events, aliases followed."""
        return event_type(cls, Topic)

    # A codec found by a run-time type has types that only its user knows.
    @classmethod
    def codec(cls) -> Codec[Any, Any]:
        """Give what writes and reads its events.

        Raises:
            ImproperlyConfigured: There is none for events of that type; the message says why.
        """
        return event_codec(cls, Topic)

    # --- publish ----------------------------------------------------------------------------------

    @async_unsafe(
        "publish() waits for the engine, which would hold the event loop up: use «await topic.apublish(event)»."
    )
    def publish(self, event: EventT, /) -> None:
        """Publish from sync code: a view, a task of Celery, a signal, the shell. No event loop is needed.

        Raises:
            TypeError, ValueError: The event is not of the topic's type, or cannot be encoded.
            ImproperlyConfigured: There is no such broker, or its engine cannot be made; or no codec takes the events.
            PayloadTooBigError: It has more bytes than the engine carries.
            BrokerError: The engine cannot be reached; nothing was published.
            SynchronousOnlyOperation: It was called where an event loop runs.
        """
        publishing.publish([(self, event)])

    async def apublish(self, event: EventT, /) -> None:
        """Publish from async code.

        Raises:
            TypeError, ValueError: The event is not of the topic's type, or cannot be encoded.
            ImproperlyConfigured: There is no such broker, or its engine cannot be made; or no codec takes the events.
            PayloadTooBigError: It has more bytes than the engine carries.
            BrokerError: The engine cannot be reached; nothing was published.
        """
        await publishing.apublish([(self, event)])

    def publish_on_commit(self, event: EventT, /, *, using: str | None = None, robust: bool = False) -> None:
        """Publish when the transaction has been committed, and not at all if it is rolled back; without one, now.

        The event is encoded now, so that what cannot be encoded raises where the mistake is.

        Args:
            event: The event.
            using: The alias of the database.
            robust: Log what the engine raises after the commit instead of raising it
                (https://docs.djangoproject.com/en/stable/topics/db/transactions/#django.db.transaction.on_commit).

        Raises:
            TypeError, ValueError: The event is not of the topic's type, or cannot be encoded.
            ImproperlyConfigured, PayloadTooBigError, BrokerError: See :meth:`publish`; at the commit, or here where
                there is no transaction. If ``robust``, what happens at the commit is logged.
        """
        publishing.publish_on_commit([(self, event)], using=using, robust=robust)

    @classmethod
    @async_unsafe("publish_many() waits for the engine: use «await Topic.apublish_many()».")
    def publish_many(cls, events: Iterable[tuple[Self, EventT]], /) -> None:
        """Publish many events in one round trip, in their order; see :meth:`publish`.

        Raises:
            TypeError, ValueError: One is wrong, see :meth:`publish`; none was published.
            PayloadTooBigError: One has more bytes than the engine carries; none was published.
            ImproperlyConfigured, BrokerError, SynchronousOnlyOperation: See :meth:`publish`.
        """
        publishing.publish(list(events))

    @classmethod
    async def apublish_many(cls, events: Iterable[tuple[Self, EventT]], /) -> None:
        """Publish many events in one round trip, in their order; see :meth:`apublish`.

        Raises:
            TypeError, ValueError: One is wrong, see :meth:`apublish`; none was published.
            PayloadTooBigError: One has more bytes than the engine carries; none was published.
            ImproperlyConfigured, BrokerError: See :meth:`apublish`.
        """
        await publishing.apublish(list(events))

    # --- hear -------------------------------------------------------------------------------------

    def listen(self, *, max_pending: int = 1000) -> Listener[EventT]:
        """Hear of its events in any async code: a background task, a view that streams, a management command.

        ::

            async with Room(room_id=3).listen() as events:
                async for event in events: ...

        Args:
            max_pending: How many events may wait to be taken.

        Raises:
            ValueError: ``max_pending`` is not over 0.
        """
        return Listener(self, max_pending)

    async def join(self, member: Member, /) -> Membership:
        """Tell ``member`` of every event from now on, until it leaves; for those who write a member of their own.

        Raises:
            BrokerError: The engine could not be reached within ``WS_BROKER_TIMEOUT`` seconds.
            ImproperlyConfigured: There is no such broker, or its engine cannot be made; or another topic class makes
                the same channel.
            ValueError: The channel's name would be longer than 200 bytes.
        """
        return await hub_of(self.broker).join(self, member)


_field_types_of: Final[dict[type, dict[str, tuple[type, ...]]]] = {}


def _field_types(cls: type) -> dict[str, tuple[type, ...]]:
    """Give the classes that each field may be of; a field whose annotation is no class or union of them is left out."""
    types = _field_types_of.get(cls)
    if types is None:
        hints = typing.get_type_hints(cls)
        types = {}
        for field in dataclasses.fields(cast("Any", cls)):
            hint = hints[field.name]
            members = typing.get_args(hint) or (hint,)
            if all(isinstance(member, type) for member in members):
                types[field.name] = members
        _field_types_of[cls] = types
    return types
