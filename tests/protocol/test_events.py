import typing
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest

from django_ws.protocol import events
from django_ws.protocol.events import (
    Accept,
    ApplicationEvent,
    Close,
    Connect,
    DenialBody,
    DenialEnd,
    DenialStart,
    Disconnect,
    Lost,
    PeerEvent,
    Receive,
    Send,
)

# The keys of each message in ASGI's www.rst and extensions.rst, "more_body" told by the class.
FIELDS: dict[type[PeerEvent | ApplicationEvent], dict[str, object]] = {
    Connect: {},
    Receive: {"data": "x"},
    Disconnect: {"code": 1005, "reason": ""},
    Lost: {},
    Accept: {"subprotocol": None, "headers": ()},
    Send: {"data": "x"},
    Close: {"code": 1000, "reason": ""},
    DenialStart: {"status": 403, "headers": ()},
    DenialBody: {"body": b""},
    DenialEnd: {"body": b""},
}
WITH_DATA = (Receive, Send)


def make(kind: type[PeerEvent | ApplicationEvent]) -> PeerEvent | ApplicationEvent:
    filled: dict[str, Any] = {"data": "x"} if kind in WITH_DATA else {}
    return kind(**filled)


def test_the_unions_hold_every_event_once() -> None:
    peer, application = set(typing.get_args(PeerEvent)), set(typing.get_args(ApplicationEvent))
    assert peer == {Connect, Receive, Disconnect, Lost}
    assert application == {Accept, Send, Close, DenialStart, DenialBody, DenialEnd}
    assert not peer & application
    assert peer | application == set(FIELDS)


def test_everything_public_is_an_event_or_a_name_for_them() -> None:
    assert set(events.__all__) == {kind.__name__ for kind in FIELDS} | {"ApplicationEvent", "PeerEvent", "RawHeaders"}


@pytest.mark.parametrize("kind", FIELDS)
def test_an_event_has_the_fields_and_defaults_of_the_specification(kind: type[PeerEvent | ApplicationEvent]) -> None:
    assert is_dataclass(kind)
    event = make(kind)
    assert {field.name: getattr(event, field.name) for field in fields(kind)} == FIELDS[kind]


@pytest.mark.parametrize("kind", FIELDS)
def test_an_event_is_a_value(kind: type[PeerEvent | ApplicationEvent]) -> None:
    assert make(kind) == make(kind)
    assert hash(make(kind)) == hash(make(kind))
    assert not hasattr(make(kind), "__dict__")


@pytest.mark.parametrize("kind", [kind for kind, names in FIELDS.items() if names])
def test_an_event_cannot_be_changed(kind: type[PeerEvent | ApplicationEvent]) -> None:
    event = make(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(event, next(iter(FIELDS[kind])), None)


@pytest.mark.parametrize("kind", WITH_DATA)
def test_a_message_without_data_cannot_be_made(kind: type[object]) -> None:
    with pytest.raises(TypeError):
        kind()


def test_events_of_different_kinds_are_never_equal() -> None:
    made = [make(kind) for kind in FIELDS]
    assert all((left == right) is (left is right) for left in made for right in made)
