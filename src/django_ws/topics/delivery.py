"""One event on its way to the members of a process: decoded at most once, encoded at most once for each codec."""

from typing import TYPE_CHECKING, Any, Final, final

from django_ws.exceptions import InvalidMessageError

if TYPE_CHECKING:
    from django_ws.interfaces import Codec, Data
    from django_ws.topics.topic import Topic

__all__ = ["Delivery", "pack", "unpack"]

_TEXT: Final = b"T"
_BINARY: Final = b"B"


def pack(data: "Data") -> bytes:
    """Make the payload that engines carry: one byte for the kind of frame, then the frame."""
    return _TEXT + data.encode() if isinstance(data, str) else _BINARY + data


def unpack(payload: bytes) -> "Data":
    """Give the frame in a payload.

    Raises:
        InvalidMessageError: Somebody else has published there: it is no payload of ours.
    """
    kind = payload[:1]
    if kind == _BINARY:
        return payload[1:]
    if kind == _TEXT:
        try:
            return payload[1:].decode()
        except UnicodeDecodeError as error:
            raise InvalidMessageError("its text is no UTF-8") from error
    raise InvalidMessageError("it does not begin with the kind of its frame")


@final
class Delivery:
    """One event, as it came over the engine.

    Args:
        topic: Where it was published.
        payload: What :func:`pack` made.

    Raises:
        InvalidMessageError: It is no payload of ours.
    """

    # Events and codecs have types that only their topic and their handler know.
    __slots__ = ("_codec", "_event", "_is_decoded", "_others", "data", "topic")

    def __init__(self, topic: "Topic[Any]", payload: bytes) -> None:
        self.topic: Topic[Any] = topic
        """Where the event was published."""
        self.data: Data = unpack(payload)
        """The frame that came, as the topic's own codec made it."""
        self._codec: Codec[Any, Any] = topic.codec()
        self._event: Any = None
        self._is_decoded: bool = False
        self._others: dict[int, Data] | None = None

    @property
    def event(self) -> Any:
        """The event; the same object for all members of the process, so leave it as it is.

        Raises:
            InvalidMessageError: It cannot be decoded: a process of another version has published it.
        """
        if not self._is_decoded:
            self._event = self._codec.decode(self.data)
            self._is_decoded = True
        return self._event

    def encoded(self, codec: "Codec[Any, Any]", /) -> "Data":
        """Give the event as the frame that ``codec`` makes of it.

        Where it is the topic's own codec, that is the frame that came, and the event is not decoded at all.

        Raises:
            InvalidMessageError: It cannot be decoded.
            TypeError, ValueError: The codec does not take it.
        """
        if codec is self._codec:
            return self.data
        if self._others is None:
            self._others = {}
        data = self._others.get(id(codec))
        if data is None:
            data = self._others[id(codec)] = codec.encode(self.event)
        return data
