"""What should become of a message, worked out by other means than the sockets' own."""

import json
from collections.abc import Iterable
from typing import Final

from resilience.scenarios.fuzzed import Message
from resilience.site.fuzzed import LIMIT

__all__ = ["meaning", "verdict"]

_DEEP: Final = 300
"""Brackets from which on this module's own walk through a message might fail."""

_MAX_DEPTH: Final = 128
"""How deep a message may nest; written out, for what is looked at is whether the sockets hold to it."""


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(inner) for inner in value.values()), default=0)
    return 1 + max((_depth(inner) for inner in value), default=0) if isinstance(value, list) else 0


def _refuse(_: str) -> None:
    raise ValueError


def verdict(kind: str, message: Message) -> bool | None:
    """Foretell whether a socket takes the message, by other means than its own; ``None``: it may do either."""
    # A function has nowhere to declare a limit, so that it has the settings' own, which no message here reaches.
    if kind != "closing-function" and len(message if isinstance(message, bytes) else message.encode()) > LIMIT:
        return False
    if isinstance(message, bytes) != (kind == "bytes"):
        return False
    if isinstance(message, bytes) or kind in {"text", "closing-function"}:
        return True
    if message.count("[") + message.count("{") > _DEEP:
        return None
    try:
        value = json.loads(message, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    if _depth(value) > _MAX_DEPTH:
        return False
    if kind == "orders":
        return isinstance(value, dict) and isinstance(value.get("number"), int) and isinstance(value.get("name"), str)
    return True


def meaning(kind: str, messages: Iterable[Message]) -> list[object]:
    """Give what messages mean to a socket of that kind, to compare what came back with what was sent."""
    if kind == "orders":
        orders = [json.loads(message) for message in messages]
        return [(order["number"], order["name"]) for order in orders]
    return [json.loads(message) for message in messages] if kind.endswith("json") else list(messages)
