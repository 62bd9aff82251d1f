"""The type of a topic's events, their codec, and the look at each one."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypedDict, TypeVar, Union

import pytest
from django.test import override_settings
from typing_extensions import TypeAliasType

from django_ws import JSON
from django_ws.codecs.choice import BytesCodec, TextCodec
from django_ws.codecs.json import JSONCodec
from django_ws.topics import Topic
from django_ws.topics.events import check_event, event_codec, event_type
from topics.support import Feed, News, Room

T = TypeVar("T")


@dataclasses.dataclass
class Said:
    text: str


class Moved(TypedDict):
    x: int


Event = TypeAliasType("Event", Said | Moved)


class Base(Topic[T]):
    """A base of topics."""


class Plain(Base[Said]):
    pattern = "plain"


def test_the_type_is_the_argument_of_the_topic() -> None:
    assert event_type(Room, Topic) is str
    assert event_type(Plain, Topic) is Said
    assert event_type(Plain, Topic) is Said


def test_the_codec_is_that_of_the_type() -> None:
    assert isinstance(event_codec(Room, Topic), TextCodec)
    assert isinstance(event_codec(Feed, Topic), BytesCodec)
    assert isinstance(event_codec(News, Topic), JSONCodec)
    assert event_codec(Plain, Topic).decode(event_codec(Plain, Topic).encode(Said("x"))) == Said("x")


def test_the_codec_is_made_once_for_each_settings() -> None:
    before = event_codec(News, Topic)
    assert event_codec(News, Topic) is before
    with override_settings(WS_JSON_CODEC="django_ws.codecs.msgspec.MsgspecCodec"):
        within = event_codec(News, Topic)
        assert type(within).__name__ == "MsgspecCodec"
    assert type(event_codec(News, Topic)) is type(before)


# The type of the events is a run-time value here.
@pytest.mark.parametrize(
    ("type_", "event"),
    [
        (str, "text"),
        (Said, Said("x")),
        (Moved, {"x": 1}),
        (Event, Said("x")),
        (Event, {"x": 1}),
        (int | None, None),
        (Union[int, None], 1),  # noqa: UP007 - the other spelling is another class before Python 3.14
        (JSON, {"any": ["thing"]}),
        (object, 1),
        (Any, 1),
        (Sequence[int], "not looked into"),
        (Literal["a"], "not looked into"),
        (T, "not said"),
    ],
)
def test_what_fits(type_: Any, event: object) -> None:
    check_event(event, type_, "Topic")


@pytest.mark.parametrize(
    ("type_", "event", "said"),
    [
        (str, b"bytes", "Where takes events of type str, not bytes"),
        (Said, "x", "Where takes events of type Said, not str"),
        (Event, ["x"], "Where takes events of type Said or dict, not list"),
        (int | None, "x", "Where takes events of type int or NoneType, not str"),
    ],
)
def test_what_does_not_fit(type_: Any, event: object, said: str) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=f"^{said}$"):
            check_event(event, type_, "Where")


def test_a_type_that_cannot_be_hashed() -> None:
    unhashable: Any = Annotated[str, []]
    with pytest.raises(TypeError, match="unhashable"):
        hash(unhashable)
    check_event("x", unhashable, "Where")
