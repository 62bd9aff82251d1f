"""The errors of django-ws, one small tree.

::

    DjangoWSError
    ├── ProtocolError
    │   ├── LocalProtocolError (RuntimeError)    our side asked for something illegal in this state
    │   └── RemoteProtocolError                  the ASGI server sent something illegal in this state
    ├── ConnectionClosed                         the connection has ended; carries code and reason
    ├── NoRouteError                             no socket at this path (routing raises one that is a Resolver404)
    ├── BrokerError                              the engine of a topic cannot be reached
    │   └── PayloadTooBigError (ValueError)      an event is more than the engine carries
    ├── TopicGapError                            events of a topic may have been lost at this place
    ├── TopicOverflowError                       more events came than may wait; some were dropped at this place
    └── InvalidMessageError (ValueError)         a message from the client that cannot be taken; carries the code
        ├── UnsupportedDataError                 1003, the other kind of frame
        ├── MessageTooBigError                   1009, over the limit in bytes
        ├── MessageTooDeepError                  1007, over the limit in nesting
        └── MessageValidationError               1007, not of the type that the socket takes (django_ws.handler)

Where Django has the matching class it is used as it is: ``ImproperlyConfigured``, ``PermissionDenied``,
``Http404``. This module imports neither Django nor a layer.
"""

from typing import ClassVar

from typing_extensions import override

from django_ws.close_codes import CloseCode

__all__ = [
    "BrokerError",
    "ConnectionClosed",
    "DjangoWSError",
    "InvalidMessageError",
    "LocalProtocolError",
    "MessageTooBigError",
    "MessageTooDeepError",
    "NoRouteError",
    "PayloadTooBigError",
    "ProtocolError",
    "RemoteProtocolError",
    "TopicGapError",
    "TopicOverflowError",
    "UnsupportedDataError",
]


class DjangoWSError(Exception):
    """The base of every error that django-ws raises."""


class ProtocolError(DjangoWSError):
    """The ASGI websocket protocol (www.rst, "WebSocket") was broken; the message names the event and the state."""


class LocalProtocolError(ProtocolError, RuntimeError):
    """Our side asked for an event that its state forbids; nothing was sent and no state changed."""


class RemoteProtocolError(ProtocolError):
    """The ASGI server sent an event that its state forbids, or one that cannot be parsed."""


class ConnectionClosed(DjangoWSError):  # noqa: N818 - the name the field uses; the end of a connection is no error
    """The connection has ended; nothing can be received or sent any more."""

    code: int
    """The close code, 1005 where the peer gave none, 1006 where the connection broke (RFC 6455 section 7.1.5)."""
    reason: str
    """The close reason, empty where there was none."""

    def __init__(self, code: int = CloseCode.ABNORMAL_CLOSURE, reason: str = "", /) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    @override
    def __str__(self) -> str:
        """Say the code and, where there is one, the reason."""
        return f"closed with {int(self.code)} ({self.reason})" if self.reason else f"closed with {int(self.code)}"


class NoRouteError(DjangoWSError):
    """No websocket route matches the path; the handshake is denied with 404."""


class InvalidMessageError(DjangoWSError, ValueError):
    """A message from the client cannot be taken.

    The text never holds a part of the payload, so that it may be logged.
    """

    code: ClassVar[CloseCode] = CloseCode.INVALID_FRAME_PAYLOAD_DATA
    """What the connection is closed with unless ``on_invalid`` decides otherwise (RFC 6455 section 7.4.1)."""


class UnsupportedDataError(InvalidMessageError):
    """A text frame where the socket takes binary ones, or the reverse (RFC 6455 section 7.4.1, 1003)."""

    code: ClassVar[CloseCode] = CloseCode.UNSUPPORTED_DATA


class MessageTooBigError(InvalidMessageError):
    """A message of more bytes than the limit, refused before it was parsed (RFC 6455 section 7.4.1, 1009)."""

    code: ClassVar[CloseCode] = CloseCode.MESSAGE_TOO_BIG


class MessageTooDeepError(InvalidMessageError):
    """JSON that nests more levels deep than the limit, which no honest message does."""


class BrokerError(DjangoWSError):
    """The engine of a topic cannot be reached, or the connection to it broke; the message says why."""


class PayloadTooBigError(BrokerError, ValueError):
    """An event, encoded, has more bytes than the engine carries; nothing was published."""


class TopicGapError(DjangoWSError):
    """The engine was away for a time; events of the topic may have been lost at this place of the iterator."""


class TopicOverflowError(DjangoWSError):
    """More events came than may wait to be taken; those over were dropped at this place of the iterator."""
