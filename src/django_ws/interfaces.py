"""The joints between the layers: Protocols and aliases, no behaviour.

A layer imports this module and :mod:`django_ws.exceptions`, never a sibling. Each joint is as small as its
consumer needs, has a shipped fake in :mod:`django_ws.testing`, and a type test that holds the real one and the
fake to it.

===========================================  ======================  ===========================
joint                                        between                 carries
===========================================  ======================  ===========================
:class:`Connection`                          protocol -> handler     the frames of one websocket
:class:`Resolver`                            routing -> application  a path -> a :class:`Match`
:class:`SocketFactory`, :class:`Endpoint`    routing -> handler      one socket of a route
:class:`Middleware`, :class:`Next`           middleware -> handler   the way inwards
:class:`Guard`                               user -> handler         who may open a socket
:class:`Codec`                               handler -> wire         messages <-> frames
:class:`TaskManager`                         tasks -> handler        the background tasks of one socket
:class:`Subscribable`, :class:`Member`       topics -> handler       who hears of events
:class:`Membership`, :class:`TopicDelivery`  topics -> handler       events on their way
:class:`SocketMember`, :class:`Outlet`       topics -> protocol      frames for many sockets
:class:`Broker`, :class:`Link`               topics -> engines       what was published
===========================================  ======================  ===========================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from typing_extensions import TypeVar

from django_ws.aliases import ASGIReceive, ASGISend, ChannelMessage, Data, Frame, Headers, Scope

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Hashable, Sequence
    from contextlib import AbstractAsyncContextManager
    from contextvars import Context

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import ResolverMatch

__all__ = [
    "ASGIApplication",
    "ASGIReceive",
    "ASGISend",
    "Broker",
    "ChannelMessage",
    "Codec",
    "Connection",
    "ConnectionFactory",
    "Data",
    "Endpoint",
    "Frame",
    "Guard",
    "Headers",
    "Link",
    "Match",
    "Member",
    "Membership",
    "Middleware",
    "MiddlewareFactory",
    "Next",
    "Outlet",
    "Resolver",
    "Scope",
    "SendsAcceptHeaders",
    "SocketFactory",
    "SocketMember",
    "Subscribable",
    "TaskManager",
    "TaskManagerFactory",
    "TopicDelivery",
]

InT_co = TypeVar("InT_co", covariant=True)
OutT_contra = TypeVar("OutT_contra", contravariant=True)
EventT_co = TypeVar("EventT_co", covariant=True)
T = TypeVar("T")


class ASGIApplication(Protocol):
    """An ASGI 3 application, as loosely typed as servers and frameworks pass it around."""

    # ASGI: the three arguments are typed differently by every server and framework.
    async def __call__(self, scope: Any, receive: Any, send: Any, /) -> None:
        """Serve one connection."""
        ...


class Connection(Protocol):
    """Joins the protocol layer to the handler: the frames of one websocket.

    Nothing of ASGI crosses it, so that a connection over another server's callbacks can satisfy it.

    Guarantees:
        - Messages are received in the order in which they came, each once.
        - After the end, whoever caused it, nothing more reaches the wire, and no method raises anything but
          :exc:`~django_ws.exceptions.ConnectionClosed` for it.
        - :meth:`receive` is called by one task at a time. A :meth:`send` or :meth:`close` is not called while the
          awaitable of an earlier :meth:`send` is unfinished; the caller keeps that order.
    """

    @property
    def subprotocols(self) -> Sequence[str]:
        """The subprotocols that the client offers, in its order of preference (RFC 6455 section 1.9)."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the handshake was accepted and neither side has closed."""
        ...

    @property
    def is_answered(self) -> bool:
        """Whether the handshake has got its answer (accepted or denied), or the client left before one."""
        ...

    @property
    def close_code(self) -> int | None:
        """The code of the first close, whoever sent it; ``None`` before."""
        ...

    @property
    def close_reason(self) -> str:
        """The reason of the first close; empty where there was none."""
        ...

    async def accept(self, subprotocol: str | None = None, headers: Headers = ()) -> None:
        """Accept the handshake.

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
            ValueError: A subprotocol that was not offered, or a header that HTTP cannot carry.
        """
        ...

    async def deny(self, status: int = 403, headers: Headers = (), body: bytes = b"") -> None:
        """Refuse the handshake with an HTTP response; a server that cannot carry one answers 403.

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
            ValueError: A status below 200 or over 599, or a header that HTTP cannot carry.
        """
        ...

    async def receive(self) -> Data:
        """Wait for the next message.

        Raises:
            ConnectionClosed: Either side has closed, or the connection broke.
            LocalProtocolError: The handshake has not been accepted.
            RemoteProtocolError: The server sent what ASGI forbids.
        """
        ...

    def send(self, data: Data, /) -> Awaitable[None] | None:
        """Begin to send one message, now.

        Returns:
            ``None`` if the transport took it at once, which is the rule. Else an awaitable to await (once, in any
            task) until it did; the client reads slowly. It too may raise ``ConnectionClosed``.

        Raises:
            ConnectionClosed: Either side has closed, or the connection broke.
            LocalProtocolError: The handshake has not been accepted.
        """
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame; before the handshake is answered, deny it.

        Does nothing after the end. A reason is cut to 123 bytes of UTF-8.

        Raises:
            ValueError: The code may not stand in a close frame (RFC 6455 section 7.4).
        """
        ...


class Outlet(Protocol):
    """A :class:`Connection` whose sends may also be awaited by a loop over those of many; the one that ships is.

    It is faster for events that go to many sockets. A connection without these methods is sent to by
    :meth:`Connection.send`.
    """

    def begin_send(self, frame: Frame, /) -> Awaitable[None]:
        """Make the send of one message, to be awaited at once.

        Returns:
            An awaitable that has not begun. What it raises is to be told to :meth:`send_failed`; where it does not end
            at its first step, the loop is to be made a :meth:`rest_of_send`.

        Raises:
            ConnectionClosed: The connection has ended.
            LocalProtocolError: The handshake has not been accepted.
        """
        ...

    def send_failed(self, error: Exception, /) -> Exception:
        """Say what an error of such a send means.

        Returns:
            :exc:`~django_ws.exceptions.ConnectionClosed` if the peer has gone, else the error itself.
        """
        ...

    def rest_of_send(self, first: object, steps: Generator[object, None, None], context: Context, /) -> Awaitable[None]:
        """Make what is left of a loop that waits for this connection's server.

        Args:
            first: What it waits for.
            steps: The loop; it ends with this send.
            context: Where it runs.

        Returns:
            What one task is to await, as what :meth:`Connection.send` gives.
        """
        ...


class ConnectionFactory(Protocol):
    """Makes the :class:`Connection` of one ASGI scope; the way to swap the protocol layer."""

    def __call__(self, scope: Scope, receive: ASGIReceive, send: ASGISend, /) -> Connection:
        """Make it; nothing has been received or sent yet."""
        ...


@runtime_checkable
class Endpoint(Protocol):
    """Joins routing and middleware to the handler: one socket of a route, ready to run.

    This is the ``ws`` that a middleware gets; the sockets that ship are all a
    :class:`~django_ws.handler.WebSocket`.
    """

    @property
    def request(self) -> HttpRequest:
        """The handshake as Django's request."""
        ...

    async def run(self) -> object:
        """Serve the connection until its end, clean-up included."""
        ...


@runtime_checkable
class SendsAcceptHeaders(Protocol):
    """An :class:`Endpoint` that sends more headers as it accepts the handshake; all that ship do."""

    def add_accept_headers(self, headers: Headers, /) -> None:
        """Send these, too; no-op once the handshake was accepted. daphne and granian do not send them."""
        ...


class SocketFactory(Protocol):
    """Makes the :class:`Endpoint` of one connection; a handler class is one."""

    # Django: a route's captured values have the types of its converters, which no checker sees.
    def __call__(self, request: HttpRequest, connection: Connection, /, *args: Any, **kwargs: Any) -> Endpoint:
        """Make it, from the request, the connection, and the route's captured values."""
        ...


class Match(Protocol):
    """What a path resolves to."""

    @property
    def factory(self) -> object:
        """The route's target: a handler class, a socket function or its ``as_view()``."""
        ...

    # Django: ResolverMatch.args and .kwargs, typed by the route's converters.
    @property
    def args(self) -> tuple[Any, ...]:
        """The captured positional values."""
        ...

    @property
    def kwargs(self) -> dict[str, Any]:
        """The captured named values."""
        ...

    @property
    def route(self) -> str:
        """The route as it stands in the URLconf, for logs."""
        ...

    @property
    def resolver_match(self) -> ResolverMatch | None:
        """What becomes ``request.resolver_match``; ``None`` where the resolver is not Django's."""
        ...

    @property
    def urlconf(self) -> str | None:
        """What becomes ``request.urlconf``, the URLconf of the route; ``None`` where the resolver is not Django's."""
        ...


class Resolver(Protocol):
    """Joins routing to the application: which socket a path means."""

    def resolve(self, path: str, /) -> Match:
        """Find the route of ``path``, which begins with a slash and is free of ``root_path``.

        Raises:
            NoRouteError: There is none.
        """
        ...


class Next(Protocol):
    """The way inwards: the next middleware, or the socket itself."""

    async def __call__(self, ws: Endpoint, /) -> object:
        """Run what is further in, until the connection's end."""
        ...


class Middleware(Protocol):
    """Joins the middleware layer to the handler: a callable around the life of every socket."""

    async def __call__(self, ws: Endpoint, /) -> object:
        """Do the set-up, ``await next(ws)``, do the tear-down.

        To refuse the handshake, raise ``PermissionDenied`` or ``Http404``, return an ``HttpResponse``, or return
        without awaiting next.
        """
        ...


class MiddlewareFactory(Protocol):
    """A class or function named in ``WS_MIDDLEWARE``; called once with what is further in."""

    def __call__(self, next_: Next, /) -> Middleware:
        """Wrap ``next_``."""
        ...


class Guard(Protocol):
    """Decides on a handshake before the socket's own ``on_connect``: an entry of a socket's ``guards``."""

    async def __call__(self, request: HttpRequest, /) -> HttpResponseBase | None:
        """Look at the request.

        Returns:
            ``None`` to let it pass; a response to deny with, as it is.

        Raises:
            PermissionDenied: Deny with 403.
            Http404: Deny with 404.
        """
        ...


class Codec(Protocol[InT_co, OutT_contra]):
    """Joins the handler to the wire: messages to frames and back. Pure, and shared by all connections."""

    def decode(self, data: Data, /) -> InT_co:
        """Turn what came into a message.

        Raises:
            InvalidMessageError: It is none. The text holds no part of the payload.
            UnsupportedDataError: It is of the other kind of frame.
        """
        ...

    def encode(self, message: OutT_contra, /) -> Data:
        """Turn a message into what goes out.

        Raises:
            TypeError, ValueError: It cannot be encoded; a fault of the caller.
        """
        ...


class TaskManager(Protocol):
    """Joins the rules of background tasks to the handler: which runs when, and what an id means, on one socket.

    A socket class names its :class:`TaskManagerFactory`, in :attr:`~django_ws.WebSocket.task_manager`.

    All else is the handler's affair, whatever the manager: that a fault is logged and told to ``on_task_error``, the
    tasks' names, the lanes of sync code, and the end of the connection, which waits for every task that :meth:`start`
    gave, abandons what ignores its cancellation, and starts nothing new. What the library runs for itself, such as a
    close by order, is never given to a manager of a user's.

    :class:`django_ws.testing.TaskManagerConformance` tries the guarantees.

    Guarantees:
        - What :meth:`start` is given runs once or never, in the task that :meth:`start` gives, with the context
          variables of the caller. An end or a fault of that task changes nothing for the others, and it is forgotten.
        - No task is cancelled twice, for that would break into its ``finally`` block: neither by :meth:`cancel`, nor
          by :meth:`cancel_all`, nor by the two together.
        - :meth:`cancel_all` reaches every task that has not ended, those too that have not begun.

    All is called in the event loop, and none of it waits.
    """

    # asyncio: what a coroutine yields and is sent is the event loop's affair.
    def start(self, task_id: Hashable, func: Callable[[], Coroutine[Any, Any, T]], /) -> asyncio.Task[T]:
        """Run ``func()`` in a task; now, or when its turn comes.

        What becomes of an earlier task of the same id is for the manager to say.

        Returns:
            The task; awaiting it gives what ``func`` gives or raises.

        Raises:
            Exception: It refuses, and has begun nothing. It passes on to the caller of ``start_task``.
        """
        ...

    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        """Cancel the task of that id, with this message; whether or not it has begun.

        Returns:
            Whether there was one that had neither ended nor been cancelled.
        """
        ...

    def cancel_all(self, message: str, /) -> None:
        """Cancel every task, with this message. The connection has ended: nothing is started after."""
        ...


class TaskManagerFactory(Protocol):
    """Makes the :class:`TaskManager` of one socket: a class, or a function."""

    def __call__(self) -> TaskManager:
        """Make it; called in the event loop, at the socket's first background task."""
        ...


class TopicDelivery(Protocol):
    """One event on its way to the members of a topic in one process."""

    # An event has the type that its topic declares.
    @property
    def event(self) -> Any:
        """The event; shared by all members of the process.

        Raises:
            InvalidMessageError: It cannot be decoded.
        """
        ...

    @property
    def topic(self) -> Any:
        """Where it was published."""
        ...

    # A codec's types are those of the handler that has it.
    def encoded(self, codec: Codec[Any, Any], /) -> Data:
        """Give the event as a frame; made once for each codec.

        Raises:
            InvalidMessageError: It cannot be decoded.
            TypeError, ValueError: The codec does not take it.
        """
        ...


class Member(Protocol):
    """Whoever hears of the events of a topic: a socket, a listener."""

    def ws_deliver(self, delivery: TopicDelivery, /) -> None:
        """Take one event; called in the event loop, in the order of the engine. It must not block."""
        ...

    # A topic of any events.
    def ws_gap(self, topic: Any, /) -> None:
        """Take note that events of the topic may have been lost; those from now on will not be."""
        ...


class SocketMember(Member, Protocol):
    """A :class:`Member` that sends the frame of an event as it came, whenever it has an :attr:`ws_outlet`."""

    # A codec's types are those of the class that declares it.
    @property
    def ws_encoder(self) -> Codec[Any, Any]:
        """What makes its frames; those of a topic with another codec are not for it as they are."""
        ...

    @property
    def ws_outlet(self) -> Outlet | None:
        """Where the frame goes at once; ``None``: tell it by :meth:`ws_deliver`, this time."""
        ...

    def ws_wait(self, first: object, steps: Generator[object, None, None], context: Context, /) -> None:
        """Take over a loop over sends that waits for this member's server; see :meth:`Outlet.rest_of_send`."""
        ...

    def ws_failed(self, error: Exception, /) -> None:
        """Take note that the frame could not be sent."""
        ...


class Membership(Protocol):
    """That one or more members hear of a topic."""

    @property
    def topic(self) -> Any:
        """The topic."""
        ...

    def leave(self, member: Member, /) -> None:
        """Tell ``member`` of nothing more; no-op if it is no member."""
        ...


class Subscribable(Protocol[EventT_co]):
    """Joins topics to the handler: what can be subscribed to."""

    @classmethod
    def event_type(cls) -> object:
        """Give the type of the events."""
        ...

    async def join(self, member: Member, /) -> Membership:
        """Tell ``member`` of every event from now on, until it leaves.

        Raises:
            BrokerError: The engine could not be reached in time.
        """
        ...

    def listen(self, *, max_pending: int = 1000) -> AbstractAsyncContextManager[AsyncIterator[EventT_co]]:
        """Hear of the events as an async iterator.

        Args:
            max_pending: How many events may wait to be taken.
        """
        ...


class Link(Protocol):
    """One event loop's connection to an engine.

    Its methods are called by several tasks, but each by one at a time. After one has raised ``BrokerError`` the link
    is closed, and another is made. It never mends itself: what was lost meanwhile would go unnoticed.
    """

    async def subscribe(self, channels: Sequence[str], /) -> None:
        """Take the messages of these channels; return when the engine has confirmed it.

        Raises:
            BrokerError: The connection broke.
        """
        ...

    async def unsubscribe(self, channels: Sequence[str], /) -> None:
        """Take them no more.

        Raises:
            BrokerError: The connection broke.
        """
        ...

    async def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        """Publish, in order; return when the engine has them. Several tasks may do so at once.

        Raises:
            PayloadTooBigError: One is too big; none was published.
            BrokerError: The connection broke; whether they were published is not known.
        """
        ...

    async def receive(self) -> Sequence[ChannelMessage]:
        """Wait for messages; give those that have come, in order, at least one.

        Raises:
            BrokerError: The connection broke, or messages were lost.
        """
        ...

    async def close(self) -> None:
        """Give everything back; raises nothing for a broken connection."""
        ...


class Broker(Protocol):
    """Joins topics to an engine; made once in a process as ``BACKEND(location, options)``.

    It delivers what one publisher publishes in its order, to every link that had subscribed before, once.
    """

    @property
    def max_payload(self) -> int | None:
        """Bytes that one payload may have; ``None``: no bound of the engine's own."""
        ...

    def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        """Publish from a thread without an event loop, in order; return when the engine has them.

        Raises:
            PayloadTooBigError: One is too big; none was published.
            BrokerError: The engine cannot be reached.
        """
        ...

    async def apublish(self, messages: Sequence[ChannelMessage], /) -> None:
        """Publish from an event loop that has no link.

        Raises:
            PayloadTooBigError: One is too big; none was published.
            BrokerError: The engine cannot be reached.
        """
        ...

    async def connect(self) -> Link:
        """Connect the running event loop.

        Raises:
            BrokerError: The engine cannot be reached.
        """
        ...

    def close(self) -> None:
        """Give back what publishing has opened."""
        ...
