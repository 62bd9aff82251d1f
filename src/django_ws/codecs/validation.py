"""What is told of a message that does not fit its type: where and what, no part of the message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from typing_extensions import override

from django_ws.exceptions import InvalidMessageError

__all__ = ["Detail", "MessageValidationError", "names_in"]

_TOLD: Final = 3
"""Details that the error's text tells; its attribute has them all."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that is wrong in a message."""

    where: str
    """A path into the message: ``$`` is the whole, ``.name`` a name that the type declares, ``[0]`` an item, and
    ``[...]`` a key of the client's own."""
    what: str
    """What is wrong there: msgspec's words (``Expected `int`, got `str```) or pydantic's error type (``missing``)."""


class MessageValidationError(InvalidMessageError):
    """A message is JSON, but not of the type that the socket takes; closed with 1007 unless ``on_invalid`` decides.

    Neither the text nor :attr:`details` hold a part of the payload: they may be logged, and sent to the client.

    Args:
        details: What is wrong.
    """

    def __init__(self, *details: Detail) -> None:
        self.details: tuple[Detail, ...] = details
        """What is wrong: one with msgspec, which stops at the first; with pydantic, all up to a hundred."""
        told = "; ".join(f"{detail.what} at {detail.where}" for detail in details[:_TOLD])
        more = f"; and {len(details) - _TOLD} more" if len(details) > _TOLD else ""
        super().__init__(f"not taken: {told}{more}")

    @override
    def __reduce__(self) -> tuple[type["MessageValidationError"], tuple[Detail, ...]]:
        return type(self), self.details


def names_in(schema: object, /) -> frozenset[str]:
    """Give the names of all properties in a JSON schema: those that are the type's, whoever sends a message."""
    found: set[str] = set()
    rest: list[object] = [schema]
    while rest:
        part = rest.pop()
        if isinstance(part, list):
            rest.extend(cast("list[object]", part))
        elif isinstance(part, Mapping):
            members = cast("Mapping[str, object]", part)
            rest.extend(value for key, value in members.items() if key != "properties")
            properties = members.get("properties")
            if isinstance(properties, Mapping):
                named = cast("Mapping[str, object]", properties)
                found.update(named)
                rest.extend(named.values())
    return frozenset(found)
