"""What the events of an application may hold, by the ASGI specification and the RFCs that it stands on.

Written from these, not from our own tables, so that a mistake in the tables shows.
"""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = [
    "ASGIViolation",
    "check_body",
    "check_close",
    "check_headers",
    "check_send",
    "check_status",
    "check_subprotocol",
]

_FORBIDDEN_CODES: Final = frozenset({1004, 1005, 1006, 1010, 1015})


class ASGIViolation(AssertionError):  # noqa: N818 - it says what was done, as its base does
    """The application sent what the ASGI specification forbids."""


# ASGI: events are open dicts.
def check_subprotocol(event: dict[str, Any], offered: "Container[object]") -> str | None:
    """Give the subprotocol of an accept.

    Raises:
        ASGIViolation: The client has not offered it.
    """
    subprotocol: object = event.get("subprotocol")
    if subprotocol is not None and subprotocol not in offered:
        raise ASGIViolation(f"the subprotocol {subprotocol!r} was not offered")
    return None if subprotocol is None else str(subprotocol)


# ASGI: events are open dicts.
def check_status(event: dict[str, Any], extensions: "Container[str]") -> int:
    """Give the status of the start of a denial.

    Raises:
        ASGIViolation: It is none, or the server has no such extension.
    """
    if "websocket.http.response" not in extensions:
        raise ASGIViolation("a denial response, which this server does not offer")
    status: object = event.get("status")
    if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004 - RFC 9110 section 15
        raise ASGIViolation(f"the status of a denial must be an int from 200 to 599, not {status!r}")
    return status


# ASGI: events are open dicts.
def check_body(event: dict[str, Any]) -> bytes:
    """Give a part of the body of a denial.

    Raises:
        ASGIViolation: It is not bytes.
    """
    body: object = event.get("body", b"")
    if not isinstance(body, bytes):
        raise ASGIViolation(f"the body of a denial must be bytes, not {type(body).__name__}")
    return body


# ASGI: events are open dicts.
def check_headers(event: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """Give the headers of an accept or a denial.

    Raises:
        ASGIViolation: One is not of bytes, or has a name that it must not have.
    """
    headers: list[tuple[bytes, bytes]] = []
    for name, value in event.get("headers") or ():
        if not isinstance(name, bytes) or not isinstance(value, bytes):
            raise ASGIViolation(f"header names and values must be bytes, not {name!r}: {value!r}")
        if name != name.lower() or name == b"sec-websocket-protocol":
            raise ASGIViolation(f"the header name {name!r} is not allowed")
        headers.append((name, value))
    return headers


# ASGI: events are open dicts.
def check_send(event: dict[str, Any]) -> None:
    """Look at a message.

    Raises:
        ASGIViolation: It has not exactly one of text and bytes, or that is of the wrong type.
        UnicodeEncodeError: No frame can carry its text.
    """
    text: object = event.get("text")
    data: object = event.get("bytes")
    if (text is None) == (data is None):
        raise ASGIViolation("a websocket.send must have exactly one of text and bytes")
    if text is not None and not isinstance(text, str):
        raise ASGIViolation(f"the text of a websocket.send must be a str, not {type(text).__name__}")
    if data is not None and not isinstance(data, bytes):
        raise ASGIViolation(f"the bytes of a websocket.send must be bytes, not {type(data).__name__}")
    if isinstance(text, str):
        text.encode()


# ASGI: events are open dicts.
def check_close(event: dict[str, Any]) -> tuple[int, str]:
    """Give the code and the reason of a close.

    Raises:
        ASGIViolation: They may not stand in a close frame.
    """
    code: object = event.get("code", 1000)
    reason: object = event.get("reason") or ""
    if not isinstance(code, int) or not isinstance(reason, str):
        raise ASGIViolation(f"a close code must be an int and its reason a str, not {code!r} and {reason!r}")
    if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in _FORBIDDEN_CODES:  # noqa: PLR2004 - RFC 6455 7.4
        raise ASGIViolation(f"the close code {code} may not be on the wire")
    if len(reason.encode()) > 123:  # noqa: PLR2004 - RFC 6455 5.5
        raise ASGIViolation("the close reason is longer than 123 bytes")
    return code, reason
