"""Which events may be sent by which socket, for those who do not use a type checker."""

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import msgspec
import pytest
from typing_extensions import TypeAliasType

from django_ws.codecs.json import JSON, JSONEncodable
from django_ws.codecs.sendable import is_sendable, members_of


class Said(msgspec.Struct, tag=True):
    text: str


class Shouted(Said):
    pass


class Left(msgspec.Struct, tag=True):
    pass


@dataclass
class Plain:
    text: str


class Row(TypedDict):
    text: str


class OtherRow(TypedDict):
    text: str


Marked = Annotated[str, ["cannot be hashed"]]
Events = TypeAliasType("Events", Said | Left)
Nested = TypeAliasType("Nested", Events | Plain)


def test_the_members_of_a_union_and_of_its_aliases() -> None:
    assert members_of(Nested) == (Said, Left, Plain)
    assert members_of(int) == (int,)


@pytest.mark.parametrize(
    ("events", "messages", "sendable"),
    [
        (Said, Said, True),
        (Said, Events, True),
        (Shouted, Events, True),
        (Events, Nested, True),
        (Events, Said, False),
        (Plain, Events, False),
        (str, str, True),
        (bytes, str, False),
        (Said, str, False),
        (Any, str, True),
        (list[str], str, True),
        (str, list[str], True),
        (Row, Row, True),
        (Row, Said | Row, True),
        (Row, OtherRow, False),
        (Row, Said, False),
        (Said, Row, False),
        (Marked, str, True),
        # Plain JSON.
        (JSON, JSON, True),
        (JSON, JSONEncodable, True),
        (dict[str, int], JSON, True),
        (str, JSON, True),
        (Row, JSON, True),
        (bytes, JSON, False),
        (Said, Any, False),
        (Said, object, False),
        (Said, JSON, False),
        (Plain, JSON, False),
    ],
)
def test_what_may_be_sent_where(events: object, messages: object, sendable: bool) -> None:
    assert is_sendable(events, messages) is sendable
    # The answer is kept.
    assert is_sendable(events, messages) is sendable
