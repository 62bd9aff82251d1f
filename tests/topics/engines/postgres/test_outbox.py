"""What is written into notifications and rows, and read from them."""

import pytest

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.topics.engines.postgres import outbox
from django_ws.topics.engines.postgres.outbox import INLINE, read, waking_channel, write
from django_ws.topics.patterns import MAX_NAME

BOUND = 8000
"""Of PostgreSQL: a notification must have less."""


@pytest.mark.parametrize(
    "payload", [b"Thello", b"T two  words \\ '\n", b"", b"T\0", b"B\xff\x00", "Tgrüße".encode(), b"Tk", b"B\xff" * 1000]
)
def test_what_is_small_travels_in_the_notification(payload: bytes) -> None:
    keys, payloads, [text] = write([("n" * MAX_NAME, payload)])
    assert not keys
    assert not payloads
    assert text.isascii()
    assert "\0" not in text
    assert len(text) < BOUND
    note = read(text)
    assert (note.channel, note.key, note.payload) == ("n" * MAX_NAME, "", payload)
    assert str(note) == text


def test_what_is_larger_is_stored_under_a_key() -> None:
    at, over = b"T" * INLINE, b"T" * (INLINE + 1)
    keys, payloads, texts = write([("a", over), ("b", at), ("c", over + b"!")])
    notes = [read(text) for text in texts]
    assert [note.channel for note in notes] == ["a", "b", "c"]
    assert [note.key for note in notes] == [keys[0], "", keys[1]]
    assert payloads == [over, over + b"!"]
    assert keys[0] != keys[1]


def test_equal_events_make_notifications_that_differ() -> None:
    _, _, texts = write([("a", b"Tsame"), ("a", b"Tsame"), ("a", b"B\xff"), ("a", b"B\xff")])
    assert len(set(texts)) == 4


def test_too_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_PAYLOAD", 3000)
    write([("a", b"T" * 3000)])
    with pytest.raises(PayloadTooBigError, match=r"a payload for 'a' has 3001 bytes, more than the 3000"):
        write([("b", b"T"), ("a", b"T" * 3001)])


@pytest.mark.parametrize("text", ["a z1 text", "a", "a b1 no base64!", "a a1 \xe9"])
def test_what_is_not_ours_is_told(text: str) -> None:
    with pytest.raises(BrokerError, match="a notification cannot be read: it begins with"):
        _ = read(text).payload


def test_two_tables_are_two_engines() -> None:
    assert waking_channel(1234) == "django_ws_1234"
