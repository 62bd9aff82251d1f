"""The joints around one socket: itself as others see it, who may open it, its messages, its background tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from typing_extensions import TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Hashable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_ws.aliases import Data, Headers

__all__ = ["Codec", "Endpoint", "Guard", "SendsAcceptHeaders", "TaskManager", "TaskManagerFactory"]

InT_co = TypeVar("InT_co", covariant=True)
OutT_contra = TypeVar("OutT_contra", contravariant=True)
T = TypeVar("T")


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
