"""JSON as messages: what may come, what may go, and the codec between.

The standard library's scanner and encoder are kept, not made anew for each message, which ``json.loads`` and
``json.dumps`` with arguments would do.
"""

import json
import re
from collections.abc import Mapping, Sequence  # noqa: TC003 - the aliases name them, for tools that resolve these
from datetime import date, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast, final
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import Promise
from typing_extensions import TypeAliasType

from django_ws.exceptions import InvalidMessageError, MessageTooDeepError, UnsupportedDataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.interfaces import Data

__all__ = ["JSON", "MAX_DEPTH", "JSONCodec", "JSONEncodable", "check_depth", "encode_json"]

_Scalar: TypeAlias = None | bool | int | float | str | date | time | timedelta | Decimal | UUID | Promise

# The string form is the one in which all type checkers follow the recursion.
JSON = TypeAliasType("JSON", "None | bool | int | float | str | list[JSON] | dict[str, JSON]")
"""What a decoded JSON message may be."""

JSONEncodable = TypeAliasType("JSONEncodable", "_Scalar | Sequence[JSONEncodable] | Mapping[str, JSONEncodable]")
"""What can go out as JSON: all that ``DjangoJSONEncoder`` writes. Covariant, so a ``dict[str, str]`` is one."""


MAX_DEPTH: Final = 128
"""How deep lists and objects of a message may nest, so that whatever was taken can be walked through and sent back."""


@final
class JSONCodec:
    """JSON in text frames: :data:`JSON` in, :data:`JSONEncodable` out.

    Args:
        max_depth: How deep lists and objects of an incoming message may nest; the codec of sockets that declare none
            goes by ``WS_MAX_MESSAGE_DEPTH``.
    """

    __slots__ = ("_max_depth",)

    def __init__(self, *, max_depth: int = MAX_DEPTH) -> None:
        self._max_depth: int = max_depth

    def decode(self, data: "Data", /) -> JSON:
        """Decode one JSON text (RFC 8259).

        Raises:
            UnsupportedDataError: It came in a binary frame.
            InvalidMessageError: It is not JSON, nests too deep, has a number of too many digits or beyond the range of
                a float, NaN or an infinity, or half of a surrogate pair.
        """
        if not isinstance(data, str):
            raise UnsupportedDataError("a binary frame came to a socket that takes JSON in text frames")
        try:
            value, end = _scan(data, 0)
            if end != len(data):
                value = _decoder.decode(data)
        except StopIteration:
            value = _decode_slowly(data)
        except (ValueError, RecursionError) as error:
            raise _invalid(error) from None
        if "\\u" in data:
            _check_surrogates(data)
        if len(data) > self._max_depth:
            check_depth(data, value, self._max_depth)
        return value

    def encode(self, message: JSONEncodable, /) -> str:
        """Encode as ``DjangoJSONEncoder`` does, without blanks, characters beyond ASCII as they are.

        Raises:
            TypeError: Something in it has no JSON form.
            ValueError: NaN, an infinity, a circular reference, or half of a surrogate pair.
        """
        return encode_json(message)


def encode_json(message: object, /) -> str:
    """Encode ``message`` as one JSON text.

    Raises:
        TypeError: Something in it has no JSON form.
        ValueError: NaN, an infinity, a circular reference, or half of a surrogate pair.
    """
    try:
        text = "".join(_encode_chunks(message, 0))
    except RecursionError as error:
        raise ValueError("the message is circular or nests too deep for JSON") from error
    if not text.isascii():
        text.encode()
    return text


def _decode_slowly(data: str) -> JSON:
    """Decode what the scanner did not take at once: leading blanks, or no JSON."""
    try:
        return cast("JSON", _decoder.decode(data))
    except (ValueError, RecursionError) as error:
        raise _invalid(error) from None


def _invalid(error: Exception) -> InvalidMessageError:
    if isinstance(error, json.JSONDecodeError):
        return InvalidMessageError(f"not JSON: {error.msg} at character {error.pos}")
    if isinstance(error, RecursionError):
        return MessageTooDeepError("not taken: the JSON nests too deep")
    return InvalidMessageError(f"not taken: {_REASONS.get(type(error), 'a number in the JSON has too many digits')}")


class _ConstantError(ValueError):
    """NaN or an infinity, which JSON has not (RFC 8259 section 6)."""


class _RangeError(ValueError):
    """A number that a float cannot hold."""


_REASONS: Final[dict[type[Exception], str]] = {
    _ConstantError: "NaN and Infinity are not JSON",
    _RangeError: "a number in the JSON is out of range",
}


def _refuse_constant(_: str) -> NoReturn:
    raise _ConstantError


def _finite_float(text: str) -> float:
    # What float() makes an infinity of could not be sent back.
    value = float(text)
    if not isfinite(value):
        raise _RangeError
    return value


_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def _check_surrogates(data: str) -> None:
    """Refuse half a surrogate pair, which no frame could carry back (RFC 8259 section 8.2)."""
    if _SURROGATE.search(data) is None:
        return
    try:
        json.dumps(_decoder.decode(data), ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        raise InvalidMessageError("not taken: the JSON has half of a surrogate pair") from None


_CONTAINERS: Final = frozenset({dict, list})


def check_depth(data: str, value: object, max_depth: int, /) -> None:
    """Refuse what nests too deep.

    Args:
        data: The JSON text; one with few brackets is not looked at any further.
        value: What was decoded from it.
        max_depth: How deep lists and objects may nest.

    Raises:
        MessageTooDeepError: They nest deeper.
    """
    left = data.count("[") + data.count("{")
    if left <= max_depth or not isinstance(value, (dict, list)):
        return
    # Decoded containers hold values of any JSON type.
    level: list[Any] = [value]
    for depth in range(1, max_depth + 1):
        left -= len(level)
        # What has not been seen, brackets within strings among it, cannot nest deeper than it is many. So the leaves of
        # a long list of small objects are not looked at.
        if depth + left <= max_depth or not level:
            return
        level = [
            inner
            for outer in level
            for inner in (outer.values() if hasattr(outer, "values") else outer)
            if type(inner) in _CONTAINERS
        ]
    if level:
        raise MessageTooDeepError("not taken: the JSON nests too deep")


_decoder: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite_float)

# The scanner under JSONDecoder.decode, which adds two searches for blanks; typeshed does not know it.
_scan: Final = cast("Callable[[str, int], tuple[JSON, int]]", vars(_decoder)["scan_once"])


def _chunk_encoder() -> "Callable[[object, int], Sequence[str]]":
    """Make the C encoder that ``JSONEncoder.iterencode`` would make for each message; the pure one without it."""
    encoder = DjangoJSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))
    # typeshed: json.encoder's C parts are not in the stubs.
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda message, _: (encoder.encode(message),)
    escape: object = getattr(json.encoder, "encode_basestring", None)
    chunks: Callable[[object, int], Sequence[str]] = make(
        None, encoder.default, escape, None, ":", ",", False, False, False
    )
    return chunks


_encode_chunks: Final = _chunk_encoder()
