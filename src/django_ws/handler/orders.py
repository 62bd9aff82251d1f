"""Orders to close the sockets of a user or of a session, as they reach one event loop.

An order looks at every socket that is open. It holds, too, for those that are at their handshake, whose guards may have
been asked before it came; and that of a session holds for a minute, for who has heard of the close may be back before
the session is gone from the database.
"""

from enum import Enum, unique
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, final

from django_ws.standing import digest_of
from django_ws.users import known_user_id

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Sequence

    from django.http import HttpRequest

__all__ = ["Concern", "Order", "Ordered", "Orders", "Place"]

_KEPT: Final = 60.0
"""Seconds that an order is kept; a handshake should be over by then."""
_AT_ONCE: Final = 500
"""Sockets that are looked at in one turn of the event loop."""


@unique
class Concern(Enum):
    """What an order is to one socket."""

    NOTHING = "nothing"
    CLOSE = "it is closed"
    CHECK = "it may be meant: its login is looked up afresh"


class Order(NamedTuple):
    """That the sockets of a user, or of one session, be closed."""

    id: str
    """Random: whoever hears it twice takes it once."""
    user: str | None
    """The primary key as text; ``None``: not known, or nobody's."""
    session: str | None
    """The digest of the session's key; ``None``: all of the user's."""
    code: int
    """The close code."""
    reason: str
    """The close reason."""

    def concern(self, request: "HttpRequest", /) -> Concern:
        """Say what it is to the socket of a handshake; makes no query."""
        is_users = False
        if self.user is not None:
            pk = known_user_id(request)
            is_users = pk is not None and str(pk) == self.user
        if self.session is None:
            return Concern.CLOSE if is_users else Concern.NOTHING
        if digest_of(request) == self.session:
            return Concern.CLOSE
        # Django gives a session another key while it lives, at a change of the password, for example.
        return Concern.CHECK if is_users else Concern.NOTHING


class _Kept(NamedTuple):
    at: float
    number: int
    order: Order


class Ordered(Protocol):
    """What obeys: a socket."""

    @property
    def request(self) -> "HttpRequest":
        """The handshake."""
        ...

    @property
    def ws_orders(self) -> int:
        """How many orders had come when it was made."""
        ...

    def ws_disconnect(self, code: int, reason: str, /) -> None:
        """Begin to close."""
        ...


class Place(Protocol):
    """Where orders come: the runtime of an event loop."""

    @property
    def loop(self) -> "AbstractEventLoop":
        """The event loop."""
        ...

    def sockets(self) -> "Sequence[Ordered]":
        """Give the sockets that are open."""
        ...

    def check(self, sockets: "Sequence[Ordered]", /) -> None:
        """Look up soon whether they are still allowed."""
        ...


@final
class Orders:
    """The orders that came to one event loop within the last minute.

    Args:
        place: Where.
    """

    __slots__ = ("_ids", "_place", "_sessions", "_users", "count")

    def __init__(self, place: Place) -> None:
        self._place: Place = place
        # By what they are looked for; the oldest first.
        self._ids: dict[str, _Kept] = {}
        self._sessions: dict[str, _Kept] = {}
        self._users: dict[str, _Kept] = {}
        self.count: int = 0
        """How many have come."""

    def obey(self, order: Order, /) -> None:
        """Carry an order out, unless it has been."""
        self._forget_old()
        if order.id in self._ids:
            return
        self.count += 1
        kept = self._ids[order.id] = _Kept(self._place.loop.time(), self.count, order)
        if order.session is not None:
            self._sessions.pop(order.session, None)
            self._sessions[order.session] = kept
        elif order.user is not None:
            self._users.pop(order.user, None)
            self._users[order.user] = kept
        self._walk(order, self._place.sockets(), 0)

    def meet(self, socket: Ordered, /) -> None:
        """Look whether an order that came before the socket was open holds for it, too."""
        self._forget_old()
        found = self._sessions.get(digest_of(socket.request) or "") if self._sessions else None
        if found is None and self._users:
            found = self._users.get(str(known_user_id(socket.request)))
            # One that came before the handshake began says nothing of who has logged in since.
            if found is not None and found.number <= socket.ws_orders:
                return
        if found is not None:
            socket.ws_disconnect(found.order.code, found.order.reason)

    def _walk(self, order: Order, sockets: "Sequence[Ordered]", start: int) -> None:
        end = start + _AT_ONCE
        suspects: list[Ordered] = []
        for socket in sockets[start:end]:
            concern = order.concern(socket.request)
            if concern is Concern.CLOSE:
                socket.ws_disconnect(order.code, order.reason)
            elif concern is Concern.CHECK:
                suspects.append(socket)
        if suspects:
            self._place.check(suspects)
        if end < len(sockets):
            self._place.loop.call_soon(self._walk, order, sockets, end)

    def _forget_old(self) -> None:
        before = self._place.loop.time() - _KEPT
        for kept in (self._ids, self._sessions, self._users):
            _forget(kept, before)


def _forget(kept: "dict[str, _Kept]", before: float) -> None:
    while kept:
        first = next(iter(kept))
        if kept[first].at > before:
            return
        del kept[first]
