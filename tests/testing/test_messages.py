"""testing/messages.py"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import pydantic
import pytest

from django_ws import JSON, WebSocket, WebSocketHandler
from django_ws.testing import FakeCodec, connect
from django_ws.testing.messages import Messages, from_json

Text: TypeAlias = str


@dataclass
class Move:
    x: int
    day: date = date(2026, 1, 2)


class Score(pydantic.BaseModel):
    points: int


class OfText(WebSocketHandler[Text, Text]): ...


class OfBytes(WebSocketHandler[bytes, bytes]): ...


class OfJSON(WebSocketHandler): ...


class OfMoves(WebSocketHandler[Move, Move]): ...


class OfScores(WebSocketHandler[Score | Move, Score]): ...


class OfItsOwn(WebSocketHandler[JSON, str]):
    codec = FakeCodec()


def messages_of(socket: type[WebSocket[Any, Any]]) -> Messages[Any, Any]:
    messages = Messages[Any, Any]()
    messages.learn(socket)
    return messages


@pytest.mark.parametrize(
    ("socket", "message", "frame"),
    [
        (OfText, "text", "text"),
        (OfText, b"bytes", b"bytes"),
        (OfBytes, b"bytes", b"bytes"),
        (OfBytes, "text", "text"),
        (OfJSON, "text", '"text"'),
        (OfJSON, {"n": [date(2026, 1, 2)]}, '{"n":["2026-01-02"]}'),
        (OfJSON, b"bytes", b"bytes"),
        (OfMoves, {"x": 1}, '{"x":1}'),
        (OfMoves, {"y": "of the wrong type"}, '{"y":"of the wrong type"}'),
        (OfMoves, Move(1), '{"x":1,"day":"2026-01-02"}'),
        (OfScores, Score(points=3), '{"points":3}'),
        (OfItsOwn, "text", "text"),
        (OfItsOwn, [1], "[1]"),
    ],
)
def test_what_goes_out(socket: type[WebSocket[Any, Any]], message: object, frame: str | bytes) -> None:
    assert messages_of(socket).encode(message) == frame


@pytest.mark.parametrize(
    ("socket", "frame", "message"),
    [
        (OfText, "1", "1"),
        (OfBytes, b"bytes", b"bytes"),
        (OfJSON, "1", 1),
        (OfJSON, b"1", b"1"),
        (OfMoves, '{"x":1,"day":"2026-01-02"}', Move(1)),
        (OfScores, '{"points":3}', Score(points=3)),
        (OfItsOwn, "1", "1"),
    ],
)
def test_what_comes_in(socket: type[WebSocket[Any, Any]], frame: str | bytes, message: object) -> None:
    assert messages_of(socket).decode(frame) == message


def test_before_a_socket_is_known() -> None:
    messages = Messages[Any, Any]()
    assert (messages.encode("text"), messages.encode({}), messages.decode("[]")) == ("text", "{}", [])


def test_what_has_no_form() -> None:
    for socket in (OfJSON, OfText, OfMoves):
        with pytest.raises(TypeError):
            messages_of(socket).encode(object())


@pytest.mark.parametrize(
    ("decode", "error"),
    [
        (from_json, "expected JSON, but this text came: 'x'"),
        (messages_of(OfJSON).decode, "expected JSON, but this text came: 'x'"),
        (messages_of(OfMoves).decode, "of the type that OfMoves declares to send, but this came: 'x': not JSON"),
    ],
)
def test_what_is_not_a_message(decode: Callable[[str], object], error: str) -> None:
    with pytest.raises(AssertionError, match=error):
        decode("x")


def test_a_codec_decides_alone() -> None:
    codec = FakeCodec()
    messages = Messages(codec)
    messages.learn(OfJSON)
    assert (messages.encode("text"), messages.decode(b"1")) == ("text", "1")
    assert (codec.encoded, codec.decoded) == (["text"], [b"1"])


async def test_objects_over_a_websocket() -> None:
    async def doubled(ws: WebSocket[Move, Move]) -> None:
        async for move in ws:
            await ws.send(Move(2 * move.x, move.day))

    async with connect(doubled) as ws:
        await ws.send(Move(4))
        assert await ws.receive() == Move(8)
