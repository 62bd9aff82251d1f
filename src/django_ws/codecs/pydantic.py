"""Messages that are pydantic models, or what else pydantic takes; an extra: ``pip install "django-ws[pydantic]"``."""

import re
from typing import TYPE_CHECKING, Any, Final, cast, final

from django.core.exceptions import ImproperlyConfigured

from django_ws.codecs.json import MAX_DEPTH, check_depth
from django_ws.codecs.validation import Detail, MessageValidationError, names_in
from django_ws.exceptions import InvalidMessageError, MessageTooDeepError, UnsupportedDataError

try:
    from pydantic import TypeAdapter, ValidationError
    from pydantic.errors import PydanticInvalidForJsonSchema
    from pydantic_core import from_json
except ImportError as _missing:
    raise ImproperlyConfigured(
        "django_ws.codecs.pydantic needs pydantic, which is not installed: pip install 'django-ws[pydantic]'"
    ) from _missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django_ws.interfaces import Data

__all__ = ["PydanticCodec"]

_MOST: Final = 100
"""Details that are given one by one: a client can send hundreds of thousands of wrong items."""


@final
class PydanticCodec:
    """Messages of one type in text frames, decoded, validated and encoded by a pydantic ``TypeAdapter``.

    Args:
        type_: The type: a model, a union of models, or what else pydantic takes.
        strict: Whether to take no value of another type (``"1"`` for an ``int``); ``None``: as the type says itself.
        max_depth: How deep lists and objects of an incoming message may nest; pydantic itself takes 200.

    Raises:
        ImproperlyConfigured: pydantic does not take the type; the text has its reason.
    """

    __slots__ = ("_adapter", "_max_depth", "_names", "_strict")

    def __init__(self, type_: object, /, *, strict: bool | None = None, max_depth: int = MAX_DEPTH) -> None:
        try:
            # The type is a run-time value.
            adapter: TypeAdapter[Any] = TypeAdapter(cast("Any", type_))
            names = _names_of(adapter)
        except Exception as error:  # the type's own code may run, and raise anything
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise ImproperlyConfigured(f"pydantic says: {why}") from error
        # See above.
        self._adapter: TypeAdapter[Any] = adapter
        self._names: frozenset[str] = names
        self._strict: bool | None = strict
        self._max_depth: int = max_depth

    # The type is a run-time value.
    def decode(self, data: "Data", /) -> Any:
        """Decode and validate one JSON text (RFC 8259).

        Raises:
            UnsupportedDataError: It came in a binary frame.
            MessageValidationError: It is not of the type.
            InvalidMessageError: It is not JSON, nests too deep, has NaN or an infinity, or half of a surrogate pair.
        """
        if not isinstance(data, str):
            raise UnsupportedDataError("a binary frame came to a socket that takes JSON in text frames")
        # pydantic reads NaN and Infinity, which JSON has not (RFC 8259 section 6).
        if len(data) > self._max_depth < data.count("[") + data.count("{") or "NaN" in data or "Infinity" in data:
            self._check(data)
        try:
            return self._adapter.validate_json(data, strict=self._strict)
        except ValidationError as error:
            raise self._wrong(error) from None

    # See decode.
    def encode(self, message: Any, /) -> str:
        """Encode as the type says.

        Raises:
            ValueError: The message is not of the type, or cannot be encoded.
        """
        return self._adapter.dump_json(message, warnings="error").decode()

    def _check(self, data: str) -> None:
        try:
            value: object = from_json(data, allow_inf_nan=False)
        except (ValueError, TypeError) as error:
            raise _not_json(str(error)) from None
        check_depth(data, value, self._max_depth)

    def _wrong(self, error: ValidationError) -> InvalidMessageError:
        count = error.error_count()
        if count > _MOST:
            return MessageValidationError(Detail("$", f"{count} errors"))
        # Only type and loc are looked at: the rest may hold what the client sent.
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        first = errors[0]
        if first["type"] == "json_invalid" and not first["loc"]:
            return _not_json(first["msg"])
        return MessageValidationError(*[Detail(self._where(each["loc"]), each["type"]) for each in errors])

    def _where(self, location: "Iterable[int | str]") -> str:
        """Write a ``loc`` as a path; what the type does not name is a key of the client's."""
        path = "$"
        for item in location:
            if isinstance(item, int):
                path += f"[{item}]"
            elif item != "[key]":  # pydantic's mark for an error in the key itself
                path += f".{item}" if item in self._names else "[...]"
        return path


# The type is a run-time value.
def _names_of(adapter: "TypeAdapter[Any]") -> frozenset[str]:
    """Give the names that an error's ``loc`` may hold: fields, and the tags and names of a union's members."""
    try:
        schema: Mapping[str, object] = adapter.json_schema()
    except PydanticInvalidForJsonSchema:
        return frozenset()  # it can be validated all the same
    mapping = re.compile(r"#/\$defs/(.+)")
    names = set(names_in(schema))
    rest: list[object] = [schema]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            members = cast("dict[str, object]", part)
            rest.extend(members.values())
            # A mapping of a discriminator, from tags to references.
            names.update(key for key, value in members.items() if isinstance(value, str) and mapping.match(value))
        elif isinstance(part, list):
            rest.extend(cast("list[object]", part))
        elif isinstance(part, str) and (found := mapping.fullmatch(part)):
            names.add(found[1])
    return frozenset(names)


_POSITION: Final = re.compile(r" at line \d+ column \d+\Z")


def _not_json(text: str) -> InvalidMessageError:
    """Tell of what is no JSON: only the position of pydantic's text."""
    if "recursion limit" in text:
        return MessageTooDeepError("not taken: the JSON nests too deep")
    position = _POSITION.search(text)
    return InvalidMessageError(f"not JSON{position[0]}" if position else "not JSON: it is no Unicode text")
