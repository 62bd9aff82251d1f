"""handler/codecs.py"""

from dataclasses import dataclass
from threading import Thread
from typing import Any, Literal

import pytest
from django.core.exceptions import ImproperlyConfigured
from typing_extensions import TypeAliasType, TypeVar

from django_ws.close_codes import CloseCode
from django_ws.codecs.choice import BytesCodec, TextCodec, decoder_for, encoder_for, json_codec
from django_ws.codecs.json import JSON, MAX_DEPTH, JSONCodec, JSONEncodable
from django_ws.codecs.msgspec import MsgspecCodec, TypedMsgspecCodec
from django_ws.exceptions import MessageTooDeepError, UnsupportedDataError

T = TypeVar("T", default=bytes)


@dataclass
class Message:
    text: str


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("text", ["", "hello", "grüße", "\U0001f600", "\0"])
def test_text_comes_and_goes_as_it_is(text: str) -> None:
    codec = TextCodec()
    assert codec.decode(text) == text
    assert codec.encode(text) == text


def test_a_binary_frame_is_not_taken_as_text() -> None:
    with pytest.raises(UnsupportedDataError, match="binary frame") as caught:
        TextCodec().decode(b"hello")
    assert caught.value.code is CloseCode.UNSUPPORTED_DATA


def test_a_kind_of_str_is_text() -> None:
    assert TextCodec().encode(Text("hello")) == "hello"


@pytest.mark.parametrize("message", [None, 1, b"hello", {"a": 1}])
def test_what_is_no_text_is_refused_at_the_call(message: Any) -> None:
    with pytest.raises(TypeError, match=f"sends str, not {type(message).__name__}"):
        TextCodec().encode(message)


def test_half_a_surrogate_pair_is_refused_at_the_call() -> None:
    with pytest.raises(UnicodeEncodeError):
        TextCodec().encode("\ud800")


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"hello"])
def test_bytes_come_and_go_as_they_are(data: bytes) -> None:
    codec = BytesCodec()
    assert codec.decode(data) is data
    assert codec.encode(data) is data


def test_a_text_frame_is_not_taken_as_bytes() -> None:
    with pytest.raises(UnsupportedDataError, match="text frame"):
        BytesCodec().decode("hello")


def test_a_bytearray_may_change_after_the_call() -> None:
    buffer: Any = bytearray(b"hello")
    encoded = BytesCodec().encode(buffer)
    buffer[0] = 0
    assert encoded == b"hello"
    assert type(encoded) is bytes


def test_a_memoryview_is_copied() -> None:
    view: Any = memoryview(b"hello")[1:3]
    assert BytesCodec().encode(view) == b"el"


@pytest.mark.parametrize("message", [None, 3, "hello", [1, 2]])
def test_what_is_not_binary_is_refused_at_the_call(message: Any) -> None:
    with pytest.raises(TypeError, match=f"sends bytes, not {type(message).__name__}"):
        BytesCodec().encode(message)


@pytest.mark.parametrize("argument", [JSON, JSONEncodable, object, Any, T])
def test_json_is_meant_by_its_alias_by_object_by_any_and_by_nothing(argument: object) -> None:
    assert isinstance(decoder_for(argument, "Chat"), JSONCodec)
    assert isinstance(encoder_for(argument, "Chat"), JSONCodec)


def test_another_codec_may_stand_for_json() -> None:
    fast = json_codec("django_ws.codecs.msgspec.MsgspecCodec")
    assert isinstance(fast, MsgspecCodec)
    assert decoder_for(JSON, "Chat", fast) is fast
    assert encoder_for(JSONEncodable, "Chat", fast) is fast
    assert encoder_for(dict[str, int], "Chat", fast) is fast
    assert isinstance(encoder_for(str, "Chat", fast), TextCodec)
    assert isinstance(json_codec(None), JSONCodec)


class Shallow:
    """A codec that takes a depth."""

    def __init__(self, *, max_depth: int) -> None:
        self.max_depth = max_depth

    def decode(self, data: str) -> object: ...

    def encode(self, message: object) -> str:
        return ""


class Careless:
    """A codec that knows of no depth."""

    def decode(self, data: str) -> object: ...

    def encode(self, message: object) -> str:
        return ""


def test_the_depth_is_told_to_a_codec_that_takes_one() -> None:
    def depth(codec: object) -> object:
        return getattr(codec, "_max_depth", getattr(codec, "max_depth", None))

    assert depth(json_codec(None)) == depth(json_codec(None, 128)) == MAX_DEPTH
    assert json_codec(None) is json_codec(None, MAX_DEPTH)
    assert depth(json_codec(None, 3)) == 3
    assert depth(json_codec("django_ws.codecs.msgspec.MsgspecCodec", 3)) == 3
    assert depth(json_codec(f"{__name__}.Shallow", 3)) == 3
    assert depth(json_codec(f"{__name__}.Careless", 3)) is None


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nowhere.Codec", "of which no codec can be made"),
        ("decimal.localcontext", "has no decode"),
        ("functools.partial", "of which no codec can be made"),
        ("base64.b64decode", "of which no codec can be made"),
    ],
)
def test_a_wrong_json_codec_is_refused_by_name(name: str, error: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"WS_JSON_CODEC names '{name}'.* {error}"):
        json_codec(name)


def test_str_means_text_frames_and_bytes_means_binary_ones() -> None:
    assert isinstance(decoder_for(str, "Chat"), TextCodec)
    assert isinstance(decoder_for(bytes, "Chat"), BytesCodec)
    assert isinstance(encoder_for(str, "Chat"), TextCodec)
    assert isinstance(encoder_for(bytes, "Chat"), BytesCodec)


def test_an_alias_is_followed() -> None:
    text = TypeAliasType("text", str)
    assert isinstance(decoder_for(text, "Chat"), TextCodec)
    assert isinstance(encoder_for(text, "Chat"), TextCodec)


@pytest.mark.parametrize("argument", [Message, list[Message], Message | None, Literal["a"] | Message])
def test_a_type_with_fields_that_comes_is_validated(argument: object) -> None:
    decoder = decoder_for(argument, "Chat", JSONCodec(), 2)
    assert isinstance(decoder, TypedMsgspecCodec)
    with pytest.raises(MessageTooDeepError):
        decoder.decode("[[[]]]")


def test_a_type_with_fields_goes_out_by_its_library_and_any_other_as_json() -> None:
    assert encoder_for(list[Message], "Chat").encode([Message("a")]) == '[{"text":"a"}]'
    assert isinstance(encoder_for(dict[str, int], "Chat"), JSONCodec)
    assert isinstance(encoder_for(list[str], "Chat"), JSONCodec)


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        (int, "type int,"),
        (Thread, "type Thread,"),
        (dict[str, int], r"type dict\[str, int\],"),
        ("Late", "type Late,"),
    ],
)
def test_a_type_without_a_decoder_is_refused_by_name(argument: object, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"Chat takes messages of {name}.*codec = MyCodec"):
        decoder_for(argument, "Chat")


def test_a_type_that_no_library_takes_is_refused_for_what_goes_out_too() -> None:
    @dataclass
    class Strange:
        thing: Thread

    with pytest.raises(ImproperlyConfigured, match=r"Chat has messages of type Strange.*msgspec says.*pydantic says"):
        encoder_for(Strange, "Chat")
