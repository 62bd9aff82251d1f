"""Signals of the life of every socket, and of the brokers behind them, for operators: audit, metrics, presence.

Receivers may be plain or async functions; each is awaited where it is sent, and what it raises is logged by Django
(logger ``django.dispatch``) and disturbs nothing (https://docs.djangoproject.com/en/stable/topics/signals/). A receiver
of :data:`websocket_opened` is done before ``on_open`` begins, one of :data:`websocket_closed` has
``WS_CLEANUP_TIMEOUT`` seconds. Who is told of the end was told of the beginning: what ends a socket as it opens waits
for the receivers of :data:`websocket_opened`, at most ``WS_CLEANUP_TIMEOUT`` seconds. Nothing waits for those of
:data:`broker_lost` and :data:`broker_restored`. Without receivers a signal costs nothing.

::

    @receiver(websocket_closed)
    async def count(sender, websocket, code, reason, duration, **kwargs): ...

A signal keeps weak references to its receivers: connect a function of a module, not one made on the way.
"""

from typing import Final

from django.dispatch import Signal

__all__ = [
    "announce",
    "broker_lost",
    "broker_restored",
    "websocket_closed",
    "websocket_denied",
    "websocket_opened",
]

websocket_opened: Final[Signal] = Signal()
"""A handshake was accepted.

``sender``: the socket's class, or the socket function; ``websocket``: the socket, which may send already.
"""

websocket_closed: Final[Signal] = Signal()
"""A socket that was opened has ended, ``on_close`` included.

``sender``: the socket's class, or the socket function; ``websocket``: the socket; ``code``, ``reason``: why (1011 after
a fault, also where the frame is still to go out); ``duration``: seconds since it was opened.
"""

websocket_denied: Final[Signal] = Signal()
"""A handshake was refused, by whatever: a limit, the Origin check, no route, middleware, ``on_connect``, a fault.

``sender``: what stands in the route, ``None`` where there is no route; ``request``: the handshake, ``None`` where it
could not be read; ``status``: the HTTP status, also where it went out as a close code; ``reason``: in a few words.
"""

broker_lost: Final[Signal] = Signal()
"""The engine of a broker cannot be reached, or the link to it broke: the members of its topics hear nothing.

Once an outage, from each event loop with members. ``sender``: the engine's class;
``alias``: its key in ``WS_BROKERS``; ``topics``: how many have members here; ``error``: the
:exc:`~django_ws.exceptions.BrokerError`.
"""

broker_restored: Final[Signal] = Signal()
"""The outage that :data:`broker_lost` told of is over here, and the members were told of the gap.

``sender``, ``alias``: as there; ``topics``: how many have members here now, 0 where the last has left meanwhile, and
nobody waits for the engine any more; ``duration``: seconds since then.
"""


async def announce(signal: Signal, sender: object, **named: object) -> None:
    """Send a signal to whoever listens; what a receiver raises is logged by Django and goes no further."""
    for _, outcome in await signal.asend_robust(sender=sender, **named):
        if isinstance(outcome, Exception):
            # It knows the frame that Django called the receiver from, which knows it and the socket: a ring.
            outcome.__traceback__ = None
