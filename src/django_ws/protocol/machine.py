"""The sans-I/O state machine: it asks the tables, and nothing else, whether an event is legal.

It neither reads nor writes; a connection feeds it what came and asks it before anything goes out. An illegal event
raises and changes nothing. What is legal stands in the ASGI specification (www.rst, "WebSocket").
"""

from typing import Final, final

from django_ws.close_codes import check_sendable
from django_ws.exceptions import LocalProtocolError, RemoteProtocolError
from django_ws.protocol.events import ApplicationEvent, Close, Disconnect, PeerEvent
from django_ws.protocol.states import (
    APPLICATION_TRANSITIONS,
    PEER_EFFECTS,
    PEER_TRANSITIONS,
    ApplicationRow,
    ApplicationState,
    PeerRow,
    PeerState,
)

__all__ = ["Machine"]


@final
class Machine:
    """Both sides' states of one websocket.

    ``application_row`` and ``peer_row`` are the current states' rows of the tables, kept so that a connection
    can check a message at the price of one look-up: ``Send in machine.application_row``. A data message moves
    neither side, so the check is all it needs.
    """

    __slots__ = (
        "application_row",
        "application_state",
        "close_code",
        "close_reason",
        "peer_row",
        "peer_state",
    )

    def __init__(self) -> None:
        self.peer_state: PeerState = _FIRST_PEER_STATE
        """Where the peer is."""
        self.application_state: ApplicationState = _FIRST_APPLICATION_STATE
        """Where the application is."""
        self.peer_row: PeerRow = _FIRST_PEER_ROW
        """What the peer may do now."""
        self.application_row: ApplicationRow = _FIRST_APPLICATION_ROW
        """What the application may do now."""
        self.close_code: int | None = None
        """The code of the first close, whichever side it came from."""
        self.close_reason: str = ""
        """The reason of the first close."""

    def receive(self, event: PeerEvent, /) -> None:
        """Take in what the peer did.

        Raises:
            RemoteProtocolError: The ASGI server sent what the peer's state forbids.
        """
        kind = type(event)
        state = self.peer_row.get(kind)
        if state is None:
            raise RemoteProtocolError(
                f"the ASGI server sent {kind.__name__} while the peer was {self.peer_state.name}; "
                f"legal now: {_names(self.peer_row)}"
            )
        if isinstance(event, Disconnect):
            self._note_close(event.code, event.reason)
        self.peer_state = state
        self.peer_row = _PEER_ROWS[state]
        self._move(PEER_EFFECTS[kind].get(self.application_state, self.application_state))

    def send(self, event: ApplicationEvent, /) -> None:
        """Ask leave for what the application is about to do, and note it as done.

        Raises:
            LocalProtocolError: The application's state forbids it.
            ValueError: A close code that may not stand in a close frame (RFC 6455 section 7.4).
        """
        kind = type(event)
        state = self.application_row.get(kind)
        if state is None:
            raise LocalProtocolError(
                f"cannot send {kind.__name__} while the application is {self.application_state.name}; "
                f"legal now: {_names(self.application_row)}"
            )
        if isinstance(event, Close):
            check_sendable(event.code)
            self._note_close(event.code, event.reason)
        self._move(state)

    def _note_close(self, code: int, reason: str) -> None:
        if self.close_code is None:
            self.close_code = code
            self.close_reason = reason

    def _move(self, state: ApplicationState) -> None:
        self.application_state = state
        self.application_row = _APPLICATION_ROWS[state]


def _names(row: PeerRow | ApplicationRow) -> str:
    return ", ".join(kind.__name__ for kind in row) or "nothing"


# The rows as plain dicts, and the first of them, looked up once and not per connection.
_PEER_ROWS: Final = dict(PEER_TRANSITIONS)
_APPLICATION_ROWS: Final = dict(APPLICATION_TRANSITIONS)
_FIRST_PEER_STATE: Final = PeerState.CONNECTING
_FIRST_APPLICATION_STATE: Final = ApplicationState.WAITING
_FIRST_PEER_ROW: Final = PEER_TRANSITIONS[_FIRST_PEER_STATE]
_FIRST_APPLICATION_ROW: Final = APPLICATION_TRANSITIONS[_FIRST_APPLICATION_STATE]
