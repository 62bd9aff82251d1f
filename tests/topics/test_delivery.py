"""topics/delivery.py: decoded once, encoded once for each codec, and nothing taken that is not ours."""

import json
from typing import Any

import pytest

from django_ws.exceptions import InvalidMessageError
from django_ws.topics.delivery import Delivery, pack, unpack
from topics.support import News, Room


class Counting:
    """A codec that counts."""

    def __init__(self) -> None:
        self.decoded = 0
        self.encoded = 0

    # A codec of anything.
    def decode(self, data: str | bytes, /) -> Any:
        self.decoded += 1
        return json.loads(data)

    # See decode.
    def encode(self, message: Any, /) -> str:
        self.encoded += 1
        return f"{self.encoded} {message}"


@pytest.mark.parametrize("data", ["", "text", "é\0", b"", b"T", bytes(range(256))])
def test_what_is_packed_is_unpacked(data: str | bytes) -> None:
    assert unpack(pack(data)) == data


@pytest.mark.parametrize(
    ("payload", "why"), [(b"", "kind of its frame"), (b"X1", "kind of its frame"), (b"T\xff", "its text is no UTF-8")]
)
def test_what_somebody_else_has_published_is_refused(payload: bytes, why: str) -> None:
    with pytest.raises(InvalidMessageError, match=why):
        Delivery(News(), payload)


def test_an_event_is_decoded_once_and_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = Counting()
    monkeypatch.setattr(News, "codec", staticmethod(lambda: codec))
    delivery = Delivery(News(), b'T{"a":1}')
    assert delivery.encoded(codec) == '{"a":1}'
    assert codec.decoded == 0
    assert delivery.event == {"a": 1}
    assert delivery.event is delivery.event
    assert (codec.decoded, codec.encoded) == (1, 0)
    assert delivery.topic == News()


def test_null_is_an_event_too(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = Counting()
    monkeypatch.setattr(News, "codec", staticmethod(lambda: codec))
    delivery = Delivery(News(), b"Tnull")
    assert (delivery.event, delivery.event, codec.decoded) == (None, None, 1)


def test_it_is_encoded_once_for_each_codec() -> None:
    one, other = Counting(), Counting()
    delivery = Delivery(Room(room_id=1), b"Thello")
    assert [delivery.encoded(codec) for codec in (one, other, one, other)] == ["1 hello"] * 4
    assert (one.encoded, other.encoded) == (1, 1)


def test_what_cannot_be_decoded_raises_each_time() -> None:
    delivery = Delivery(News(), b"T{")
    for _ in range(2):
        with pytest.raises(InvalidMessageError):
            _ = delivery.event
    with pytest.raises(InvalidMessageError):
        delivery.encoded(Counting())
