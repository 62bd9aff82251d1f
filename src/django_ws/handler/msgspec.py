"""JSON by msgspec, several times as fast; an extra: ``pip install "django-ws[msgspec]"``.

Chosen in one line, for one class by ``codec = MsgspecCodec()``, for all sockets that speak JSON by the setting
``WS_JSON_CODEC = "django_ws.handler.msgspec.MsgspecCodec"``. Never by itself: it does not write everything as
``DjangoJSONEncoder`` does.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast, final

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise

from django_ws.exceptions import InvalidMessageError, MessageTooDeepError, UnsupportedDataError
from django_ws.handler.json import MAX_DEPTH, check_depth

try:
    import msgspec
except ImportError as _missing:
    raise ImproperlyConfigured(
        "MsgspecCodec needs msgspec, which is not installed: pip install 'django-ws[msgspec]'"
    ) from _missing

if TYPE_CHECKING:
    from django_ws.handler.json import JSON, JSONEncodable
    from django_ws.interfaces import Data

__all__ = ["MsgspecCodec"]


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
