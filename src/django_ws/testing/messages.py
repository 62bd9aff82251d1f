"""How the messages of a test become frames, and frames messages: by what the socket declares to take and to send."""

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, final

from django_ws.codecs.json import encode_json
from django_ws.codecs.type_arguments import type_arguments
from django_ws.codecs.typed import has_fields, resolve, typed_codec
from django_ws.exceptions import InvalidMessageError
from django_ws.handler import WebSocket

if TYPE_CHECKING:
    from django_ws.interfaces import Codec, Data

__all__ = ["Messages", "from_json"]

SendT = TypeVar("SendT")
ReceiveT = TypeVar("ReceiveT")


@final
class Messages(Generic[SendT, ReceiveT]):
    """The messages of one websocket, seen from the client's end.

    Args:
        codec: What encodes and decodes them; ``None``: what the socket declares decides.
    """

    def __init__(self, codec: "Codec[ReceiveT, SendT] | None" = None) -> None:
        self._codec: Codec[ReceiveT, SendT] | None = codec
        self._name: str = ""
        # Before a socket has said what it takes, text stays text.
        self._taken: object = str
        self._sent: object = None

    # Its messages are what is found out here.
    def learn(self, socket: "type[WebSocket[Any, Any]]") -> None:
        """Note what the socket declares."""
        taken, self._sent = map(resolve, type_arguments(socket, WebSocket))
        self._name = socket.__qualname__
        if socket.codec is None:
            # What a codec of its own takes is not told by types.
            self._taken = taken

    @property
    def _keeps_text(self) -> bool:
        return self._taken is str or self._taken is bytes

    def encode(self, message: SendT) -> "Data":
        """Make a frame of what a test sends.

        Raises:
            TypeError, ValueError: The message has no JSON form.
        """
        if self._codec is not None:
            return self._codec.encode(message)
        if isinstance(message, bytes) or (isinstance(message, str) and self._keeps_text):
            return message
        try:
            return encode_json(message)
        except TypeError:
            # A dict will do for a class with fields; an object of that class needs what the socket itself uses.
            if not has_fields(self._taken):
                raise
            return typed_codec(self._taken, self._name).encode(message)

    def decode(self, data: "Data") -> ReceiveT:
        """Make a message of a frame that came.

        Raises:
            AssertionError: It is not JSON, or not of the type that the socket declares.
        """
        if self._codec is not None:
            return self._codec.decode(data)
        message: object
        if isinstance(data, bytes) or self._sent is str:
            message = data
        elif has_fields(self._sent):
            try:
                message = typed_codec(self._sent, self._name).decode(data)
            except InvalidMessageError as error:
                text = f"expected a message of the type that {self._name} declares to send, but this came: {data!r}"
                raise AssertionError(f"{text}: {error}") from error
        else:
            message = from_json(data)
        # The type is what the socket declares; its own encoder has checked it.
        return cast("ReceiveT", message)


# A JSON text may hold anything, and a test knows what.
def from_json(text: str) -> Any:
    """Decode what must be JSON.

    Raises:
        AssertionError: It is not.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise AssertionError(
            f"expected JSON, but this text came: {text!r}. receive_text() gives a text frame as it is"
        ) from error
