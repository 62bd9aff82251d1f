"""The codecs for text and bytes, and the choice of a codec by a socket's type arguments."""

import inspect
from typing import TYPE_CHECKING, Any, Final, TypeVar, final, get_origin

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ws.codecs.json import JSON, MAX_DEPTH, JSONCodec, JSONEncodable
from django_ws.codecs.typed import has_fields, resolve, typed_codec
from django_ws.exceptions import UnsupportedDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django_ws.interfaces import Codec, Data

__all__ = ["BytesCodec", "TextCodec", "decoder_for", "encoder_for", "json_codec", "means_json"]


@final
class TextCodec:
    """Text frames as ``str``."""

    __slots__ = ()

    def decode(self, data: "Data", /) -> str:
        """Give the text.

        Raises:
            UnsupportedDataError: It came in a binary frame.
        """
        if isinstance(data, str):
            return data
        raise UnsupportedDataError("a binary frame came to a socket that takes text frames")

    def encode(self, message: str, /) -> str:
        """Give the text.

        Raises:
            TypeError: It is no ``str``.
            UnicodeEncodeError: It has half of a surrogate pair, which UTF-8 cannot carry.
        """
        if type(message) is str and message.isascii():
            return message
        # An untyped caller may pass anything, which must not reach the server.
        if not _is_text(message):
            raise TypeError(f"a text socket sends str, not {type(message).__name__}")
        message.encode()
        return message


@final
class BytesCodec:
    """Binary frames as ``bytes``."""

    __slots__ = ()

    def decode(self, data: "Data", /) -> bytes:
        """Give the bytes.

        Raises:
            UnsupportedDataError: They came in a text frame.
        """
        if isinstance(data, bytes):
            return data
        raise UnsupportedDataError("a text frame came to a socket that takes binary frames")

    def encode(self, message: bytes, /) -> bytes:
        """Give the bytes; a ``bytearray`` or ``memoryview`` is copied, so that it may change after the call.

        Raises:
            TypeError: It is nothing of the kind.
        """
        if type(message) is bytes:
            return message
        if not _is_binary(message):
            raise TypeError(f"a binary socket sends bytes, not {type(message).__name__}")
        return bytes(message)


def _is_text(message: object) -> bool:
    return isinstance(message, str)


def _is_binary(message: object) -> bool:
    return isinstance(message, bytes | bytearray | memoryview)


# A codec found by a run-time type argument has types that only its user knows.
_JSON: Final["Codec[Any, Any]"] = JSONCodec()
# See _JSON.
_FRAMES: Final["Mapping[object, Codec[Any, Any]]"] = {str: TextCodec(), bytes: BytesCodec()}


# See _JSON.
def json_codec(name: str | None, max_depth: int = MAX_DEPTH, /) -> "Codec[Any, Any]":
    """Give the codec of the sockets that speak JSON.

    Args:
        name: ``WS_JSON_CODEC``: the dotted name of a class, made with ``max_depth=`` if it takes that, else without
            arguments; ``None``: the standard library's.
        max_depth: ``WS_MAX_MESSAGE_DEPTH``.

    Raises:
        ImproperlyConfigured: There is no such class, or it is no codec.
    """
    if name is None:
        return _JSON if max_depth == MAX_DEPTH else JSONCodec(max_depth=max_depth)
    try:
        make = import_string(name)
        codec = make(max_depth=max_depth) if _takes_depth(make) else make()
    except (ImportError, TypeError) as error:
        raise ImproperlyConfigured(
            f"WS_JSON_CODEC names {name!r}, of which no codec can be made without arguments: {error}"
        ) from error
    if not callable(getattr(codec, "decode", None)) or not callable(getattr(codec, "encode", None)):
        raise ImproperlyConfigured(f"WS_JSON_CODEC names {name!r}, which has no decode(data) and encode(message)")
    found: Codec[Any, Any] = codec
    return found


def _takes_depth(make: "Callable[..., object]") -> bool:
    try:
        return "max_depth" in inspect.signature(make).parameters
    except ValueError:  # a class in C without a signature
        return False


# The type argument is a run-time value here.
def decoder_for(
    argument: object, where: str, json: "Codec[Any, Any]" = _JSON, max_depth: int = MAX_DEPTH, /
) -> "Codec[Any, Any]":
    """Choose what decodes a socket's messages by its first type argument.

    Args:
        argument: ``str``, ``bytes``, one that means JSON (:data:`~django_ws.handler.JSON`, ``object``, ``Any``, or
            nothing: an unbound type variable), or a type with a dataclass, TypedDict, Struct or model in it, which
            msgspec or pydantic validates.
        where: The socket's name, for the error.
        json: What decodes JSON.
        max_depth: ``WS_MAX_MESSAGE_DEPTH``, for what does not decode plain JSON.

    Raises:
        ImproperlyConfigured: There is no codec for messages of that type; the text says why.
    """
    if means_json(argument):
        return json
    type_ = resolve(argument)
    codec = _FRAMES.get(type_)
    if codec is None and not has_fields(type_):
        name = type_.__name__ if isinstance(type_, type) and get_origin(type_) is None else str(type_)
        raise ImproperlyConfigured(
            f"{where} takes messages of type {name}, which no codec of django-ws decodes. Use str, bytes, JSON, or a "
            "type with a dataclass, TypedDict, msgspec.Struct or pydantic model in it as the first type argument, or "
            "give the class a codec: codec = MyCodec()"
        )
    return codec or typed_codec(type_, where, max_depth)


# The type argument is a run-time value here.
def encoder_for(argument: object, where: str, json: "Codec[Any, Any]" = _JSON, /) -> "Codec[Any, Any]":
    """Choose what encodes a socket's messages by its second type argument.

    Args:
        argument: ``str``, ``bytes``, or a type with a dataclass, TypedDict, Struct or model in it, which msgspec or
            pydantic encodes; any other type goes out as JSON, whose encoder checks each message.
        where: The socket's name, for the error.
        json: What encodes JSON.

    Raises:
        ImproperlyConfigured: There is no codec for messages of that type; the text says why.
    """
    if means_json(argument):
        return json
    type_ = resolve(argument)
    return _FRAMES.get(type_) or (typed_codec(type_, where) if has_fields(type_) else json)


def means_json(argument: object, /) -> bool:
    """Say whether a type argument stands for plain JSON: one that says so, or none at all."""
    return argument in (JSON, JSONEncodable, object, Any) or isinstance(argument, TypeVar)
