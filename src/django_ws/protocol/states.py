"""The states of both sides, and the tables that alone say what is legal.

Theory of operation. A websocket in ASGI is a talk between two sides: the *peer* (the client, as the server reports
it) and the *application* (ours). Each side is in one state; an event of a side moves that side by its table, and an
event that the table's row does not name is illegal. What the peer does also moves the application, by
:data:`PEER_EFFECTS`: its ``Connect`` lets the application answer, its ``Disconnect`` ends the application's side, for
after it nothing may be sent (ASGI www.rst, "Disconnect"). Nothing the application does moves the peer: its
``Disconnect`` still comes after our ``Close``.

Rows are keyed by the event's class: classes hash by identity in C, members of an Enum by a call into Python, unless
they are told otherwise.
"""

from collections.abc import Mapping
from enum import Enum, unique
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from django_ws.protocol.events import (
    Accept,
    ApplicationEvent,
    Close,
    Connect,
    DenialBody,
    DenialEnd,
    DenialStart,
    Disconnect,
    Lost,
    PeerEvent,
    Receive,
    Send,
)

if TYPE_CHECKING:
    from typing_extensions import override

__all__ = [
    "APPLICATION_TRANSITIONS",
    "PEER_EFFECTS",
    "PEER_TRANSITIONS",
    "ApplicationRow",
    "ApplicationState",
    "PeerRow",
    "PeerState",
]


class _State(Enum):
    """A state; members hash by identity, in C. Enum's own hash is a call into Python, at each step of a connection."""

    if TYPE_CHECKING:

        @override
        def __hash__(self) -> int: ...

    else:
        __hash__ = object.__hash__


@unique
class PeerState(_State):
    """What the peer has done so far."""

    CONNECTING = "connecting"
    """Nothing yet; the first event must be ``Connect``, or ``Disconnect`` if the client left at once."""
    OPEN = "open"
    """It asked for the websocket and may send messages."""
    LOST = "lost"
    """A send found it gone; what it said before may still be read, up to its ``Disconnect``."""
    CLOSED = "closed"
    """It has gone. Servers may repeat the ``Disconnect`` for as long as they are asked."""


@unique
class ApplicationState(_State):
    """What the application has done so far."""

    WAITING = "waiting"
    """The peer has not asked yet, so there is nothing to answer."""
    CONNECTING = "connecting"
    """The handshake waits for its answer: accept, close, or a denial response."""
    OPEN = "open"
    """Accepted; messages may be sent."""
    DENYING = "denying"
    """A denial response has begun and needs its last part."""
    DENIED = "denied"
    """The handshake was refused; nothing may follow."""
    CLOSED = "closed"
    """Our close frame went out, or the peer has gone; nothing may follow."""


PeerRow: TypeAlias = Mapping[type[PeerEvent], PeerState]
"""The legal events of the peer in one state, and the state after each."""
ApplicationRow: TypeAlias = Mapping[type[ApplicationEvent], ApplicationState]
"""The legal events of the application in one state, and the state after each."""

PEER_TRANSITIONS: Final[Mapping[PeerState, PeerRow]] = MappingProxyType(
    {
        PeerState.CONNECTING: {Connect: PeerState.OPEN, Disconnect: PeerState.CLOSED},
        PeerState.OPEN: {Receive: PeerState.OPEN, Disconnect: PeerState.CLOSED, Lost: PeerState.LOST},
        PeerState.LOST: {Receive: PeerState.LOST, Disconnect: PeerState.CLOSED, Lost: PeerState.LOST},
        PeerState.CLOSED: {Disconnect: PeerState.CLOSED, Lost: PeerState.CLOSED},
    }
)
"""The peer's side: state -> event -> state."""

APPLICATION_TRANSITIONS: Final[Mapping[ApplicationState, ApplicationRow]] = MappingProxyType(
    {
        ApplicationState.WAITING: {},
        ApplicationState.CONNECTING: {
            Accept: ApplicationState.OPEN,
            Close: ApplicationState.DENIED,
            DenialStart: ApplicationState.DENYING,
        },
        ApplicationState.OPEN: {Send: ApplicationState.OPEN, Close: ApplicationState.CLOSED},
        ApplicationState.DENYING: {DenialBody: ApplicationState.DENYING, DenialEnd: ApplicationState.DENIED},
        ApplicationState.DENIED: {},
        ApplicationState.CLOSED: {},
    }
)
"""The application's side: state -> event -> state."""

_END: Final[Mapping[ApplicationState, ApplicationState]] = {
    ApplicationState.WAITING: ApplicationState.CLOSED,
    ApplicationState.CONNECTING: ApplicationState.CLOSED,
    ApplicationState.OPEN: ApplicationState.CLOSED,
    ApplicationState.DENYING: ApplicationState.CLOSED,
}

PEER_EFFECTS: Final[Mapping[type[PeerEvent], Mapping[ApplicationState, ApplicationState]]] = MappingProxyType(
    {
        Connect: {ApplicationState.WAITING: ApplicationState.CONNECTING},
        Receive: {},
        Disconnect: _END,
        Lost: _END,
    }
)
"""What an event of the peer does to the application's state; a state not named stays as it is."""
