"""Close codes, named as in the IANA WebSocket registry, and what a close frame may carry.

The bottom of the package: imports nothing of ours, so that every layer may speak of a code by its name.
"""

from enum import IntEnum, unique
from typing import Final

__all__ = ["MAX_REASON_BYTES", "CloseCode", "check_sendable", "is_sendable", "truncate_reason"]

MAX_REASON_BYTES: Final = 123
"""Bytes of UTF-8 that a close reason may have (RFC 6455 section 5.5: a 125 byte payload less the code)."""

_APPLICATION_CODES: Final = range(3000, 5000)


@unique
class CloseCode(IntEnum):
    """Why a websocket was closed (RFC 6455 section 7.4.1 and the IANA registry).

    3000 to 3999 are registered by libraries, 4000 to 4999 are free for an application: any such ``int`` may
    be used where a ``CloseCode`` is taken.
    """

    NORMAL_CLOSURE = 1000
    """The purpose of the connection has been fulfilled."""
    GOING_AWAY = 1001
    """The page was left, or the server goes down."""
    PROTOCOL_ERROR = 1002
    """A frame broke RFC 6455."""
    UNSUPPORTED_DATA = 1003
    """A kind of frame (text or binary) that this endpoint does not take."""
    NO_STATUS_RCVD = 1005
    """The peer's close frame had no code. Never on the wire."""
    ABNORMAL_CLOSURE = 1006
    """The connection ended without a close frame. Never on the wire."""
    INVALID_FRAME_PAYLOAD_DATA = 1007
    """The payload is not of its type: not JSON, not UTF-8, not valid."""
    POLICY_VIOLATION = 1008
    """The generic refusal."""
    MESSAGE_TOO_BIG = 1009
    """More bytes than this endpoint takes."""
    MANDATORY_EXTENSION = 1010
    """A client missed an extension in the handshake. A server never sends it."""
    INTERNAL_ERROR = 1011
    """The server met an unexpected condition."""
    SERVICE_RESTART = 1012
    """The server restarts; come back after a random wait."""
    TRY_AGAIN_LATER = 1013
    """The server is overloaded; come back later."""
    BAD_GATEWAY = 1014
    """A gateway got an invalid response."""
    TLS_HANDSHAKE = 1015
    """The TLS handshake failed. Never on the wire."""
    TIMEOUT = 3008
    """The client was silent for too long."""


_SENDABLE: Final = frozenset(
    {
        CloseCode.NORMAL_CLOSURE,
        CloseCode.GOING_AWAY,
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_FRAME_PAYLOAD_DATA,
        CloseCode.POLICY_VIOLATION,
        CloseCode.MESSAGE_TOO_BIG,
        CloseCode.INTERNAL_ERROR,
        CloseCode.SERVICE_RESTART,
        CloseCode.TRY_AGAIN_LATER,
        CloseCode.BAD_GATEWAY,
    }
)


def is_sendable(code: int, /) -> bool:
    """Say whether a server may put ``code`` into a close frame (RFC 6455 section 7.4.2)."""
    return code in _APPLICATION_CODES or code in _SENDABLE


def check_sendable(code: int, /) -> None:
    """Refuse a code that a server may not put into a close frame.

    Raises:
        ValueError: It is one (RFC 6455 section 7.4).
    """
    if not is_sendable(code):
        raise ValueError(
            f"{int(code)} may not stand in a close frame: use 1000, 1001 to 1003, 1007 to 1009, "
            "1011 to 1014 or 3000 to 4999 (RFC 6455 section 7.4)"
        )


def truncate_reason(reason: str, /) -> str:
    """Cut ``reason`` to :data:`MAX_REASON_BYTES` bytes of UTF-8 (RFC 6455 section 5.5), never inside a character.

    Lone surrogates, which UTF-8 cannot carry, become question marks.
    """
    encoded = reason.encode("utf-8", "replace")
    if len(encoded) <= MAX_REASON_BYTES:
        return encoded.decode()
    return encoded[:MAX_REASON_BYTES].decode("utf-8", "ignore")
