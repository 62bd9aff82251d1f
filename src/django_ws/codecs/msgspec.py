"""JSON by msgspec, several times as fast; an extra: ``pip install "django-ws[msgspec]"``.

:class:`TypedMsgspecCodec` is chosen by type arguments, see :mod:`django_ws.codecs.typed`. :class:`MsgspecCodec` is
chosen in one line, for one class by ``codec = MsgspecCodec()``, for all sockets that speak JSON by the setting
``WS_JSON_CODEC = "django_ws.codecs.msgspec.MsgspecCodec"``. Never by itself: it does not write everything as
``DjangoJSONEncoder`` does.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast, final

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise

from django_ws.codecs.json import MAX_DEPTH, check_depth
from django_ws.codecs.validation import Detail, MessageValidationError, names_in
from django_ws.exceptions import InvalidMessageError, MessageTooDeepError, UnsupportedDataError

try:
    import msgspec
except ImportError as _missing:
    raise ImproperlyConfigured(
        "django_ws.codecs.msgspec needs msgspec, which is not installed: pip install 'django-ws[msgspec]'"
    ) from _missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.codecs.json import JSON, JSONEncodable
    from django_ws.interfaces import Data

__all__ = ["MsgspecCodec", "TypedMsgspecCodec"]


@final
class MsgspecCodec:
    """JSON in text frames by msgspec: :data:`JSON` in, :data:`JSONEncodable` out.

    What goes out differs from :class:`~django_ws.handler.JSONCodec` in this: NaN and the infinities become ``null``
    instead of an error; a ``datetime`` keeps its microseconds; a ``timedelta`` is ``"PT61S"`` and not
    ``"P0DT00H01M01S"``; sets, dataclasses and ``msgspec.Struct`` are written, too.

    Args:
        max_depth: How deep lists and objects of an incoming message may nest.
    """

    __slots__ = ("_max_depth",)

    def __init__(self, *, max_depth: int = MAX_DEPTH) -> None:
        self._max_depth: int = max_depth

    def decode(self, data: "Data", /) -> "JSON":
        """Decode one JSON text (RFC 8259).

        Raises:
            UnsupportedDataError: It came in a binary frame.
            InvalidMessageError: It is not JSON, nests too deep, has a number out of range, or half of a surrogate pair.
        """
        if not isinstance(data, str):
            raise UnsupportedDataError("a binary frame came to a socket that takes JSON in text frames")
        try:
            value = _decode(data)
        except RecursionError:
            raise MessageTooDeepError("not taken: the JSON nests too deep") from None
        except ValueError as error:
            # msgspec's own words tell a kind and a position, nothing of the payload; others may.
            why = str(error) if isinstance(error, msgspec.MsgspecError) else "it is no Unicode text"
            raise InvalidMessageError(f"not JSON: {why}") from None
        if len(data) > self._max_depth:
            check_depth(data, value, self._max_depth)
        return cast("JSON", value)

    def encode(self, message: "JSONEncodable", /) -> str:
        """Encode without blanks, characters beyond ASCII as they are.

        Raises:
            TypeError: Something in it has no JSON form.
            ValueError: A circular reference, or half of a surrogate pair.
        """
        return _encode_text(message)


@final
class TypedMsgspecCodec:
    """Messages of one type in text frames, decoded, validated and encoded by msgspec.

    Outgoing messages are written as by :class:`MsgspecCodec`.

    Args:
        type_: The type: a dataclass, a ``TypedDict``, a ``msgspec.Struct``, a tagged union of these, or what else
            msgspec takes.
        max_depth: How deep lists and objects of an incoming message may nest.

    Raises:
        ImproperlyConfigured: msgspec does not take the type; the text has its reason.
    """

    __slots__ = ("_decode", "_max_depth", "_names")

    def __init__(self, type_: object, /, *, max_depth: int = MAX_DEPTH) -> None:
        try:
            # A decoder is made for any class whatsoever, and fails at each message; a schema is not.
            schema = msgspec.json.schema(type_)
            # The type is a run-time value.
            decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(cast("Any", type_))
        except Exception as error:  # the type's own code may run, and raise anything
            raise ImproperlyConfigured(f"msgspec says: {_summary(error)}") from error
        self._decode: Callable[[str], Any] = decoder.decode
        self._names: frozenset[str] = names_in(schema)
        self._max_depth: int = max_depth

    # The type is a run-time value.
    def decode(self, data: "Data", /) -> Any:
        """Decode and validate one JSON text (RFC 8259).

        Raises:
            UnsupportedDataError: It came in a binary frame.
            MessageValidationError: It is not of the type.
            InvalidMessageError: It is not JSON, nests too deep, or has half of a surrogate pair.
        """
        if not isinstance(data, str):
            raise UnsupportedDataError("a binary frame came to a socket that takes JSON in text frames")
        try:
            if len(data) > self._max_depth < data.count("[") + data.count("{"):
                check_depth(data, _decode(data), self._max_depth)
            return self._decode(data)
        except InvalidMessageError:
            raise
        except RecursionError:
            raise MessageTooDeepError("not taken: the JSON nests too deep") from None
        except ValueError as error:
            raise self._wrong(error) from None

    # See decode.
    def encode(self, message: Any, /) -> str:
        """Encode without blanks, characters beyond ASCII as they are.

        Raises:
            TypeError: Something in it has no JSON form.
            ValueError: A circular reference, or half of a surrogate pair.
        """
        return _encode_text(message)

    def _wrong(self, error: Exception) -> InvalidMessageError:
        text = str(error)
        # What __post_init__ raises is wrapped, with a cause; but for a ValidationError, which comes as it is.
        raised_by_type = error.__cause__ is not None or getattr(error.__traceback__, "tb_next", None) is not None
        if raised_by_type:
            return MessageValidationError(
                Detail(self._where(text, shows_items=False), "Refused by the type's own check")
            )
        if isinstance(error, msgspec.ValidationError):
            for start, what in _QUOTING.items():
                if text.startswith(start):
                    return MessageValidationError(Detail(self._where(text, shows_items=False), what))
            what = _AT.sub("", text)
            safe = what.startswith(_SAFE) or what in _SAFE_WHOLE
            return MessageValidationError(Detail(self._where(text), what if safe else "Invalid value"))
        # What else msgspec says is a kind and a position.
        why = text if isinstance(error, msgspec.MsgspecError) else "it is no Unicode text"
        return InvalidMessageError(f"not JSON: {why}")

    def _where(self, text: str, *, shows_items: bool = True) -> str:
        """Find the path at the end of an error's text; ``$`` where it is none of this type's.

        A text that quotes the payload may end in what only looks like one: then it may hold names that are the type's,
        and no numbers.
        """
        found = _AT.search(text)
        if found is None or not self._names.issuperset(_NAME.findall(found[1])):
            return "$"
        return found[1] if shows_items else _ITEM.sub("[...]", found[1])


_AT: Final = re.compile(r" - at (?:`key` in )?`(\$(?:\.[^`.\[\]]+|\[\d+\]|\[\.\.\.\])*)`\Z")
_NAME: Final = re.compile(r"\.([^`.\[\]]+)(?=[.\[]|\Z)")
_ITEM: Final = re.compile(r"\[\d+\]")

# Errors of msgspec whose text quotes the payload.
_QUOTING: Final = {
    "Invalid value": "Unknown tag or value",
    "Invalid enum value": "Not one of the values that the type has",
    "Object contains unknown field": "Unknown field",
}
# Errors of msgspec whose text is made of the type alone.
_SAFE: Final = ("Expected `", "Object missing required field `")
_SAFE_WHOLE: Final = frozenset(
    {
        "Duration is out of range",
        "Integer value out of range",
        "Invalid ISO8601 duration",
        "Invalid RFC3339 encoded date",
        "Invalid RFC3339 encoded datetime",
        "Invalid RFC3339 encoded time",
        "Invalid UUID",
        "Invalid base64 encoded string",
        "Invalid decimal string",
        "Number out of range",
        "Timestamp is out of range",
    }
)


def _summary(error: Exception) -> str:
    return " ".join(str(error).split())


def _encode_text(message: object) -> str:
    try:
        return _encode(message).decode()
    except RecursionError as error:
        raise ValueError("the message is circular or nests too deep for JSON") from error


def _plain(value: object) -> object:
    """Turn what msgspec does not know and ``DjangoJSONEncoder`` does into what it knows."""
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, Sequence):
        return list(cast("Sequence[object]", value))
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(enc_hook=_plain).encode
