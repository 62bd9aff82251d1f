"""A send that did not end at its first step."""

from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Context

    from django_ws.exceptions import ConnectionClosed

__all__ = ["GONE", "Rest"]

GONE: Final = (OSError, RuntimeError)
"""What a server's ``send`` may raise because the peer has gone: our own state was checked before."""


@final
class Rest:
    """What is left of a server's ``send`` after its first step; one task runs it to its end.

    Args:
        lost: Makes the error for a peer that has gone, of the server's.
        first: What the first step waits for.
        steps: Those that follow.
        context: Where they run.
    """

    __slots__ = ("_context", "_first", "_lost", "_steps")

    def __init__(
        self,
        lost: "Callable[[Exception], ConnectionClosed]",
        first: object,
        steps: "Generator[object, None, None]",
        context: "Context",
    ) -> None:
        self._lost: Callable[[Exception], ConnectionClosed] = lost
        self._first: object = first
        self._steps: Generator[object, None, None] | None = steps
        self._context: Context = context

    def __await__(self) -> "Generator[object, None, None]":
        """Yield what the first step was waiting for, then all that follows.

        What is thrown in, a cancellation for one, belongs to the server's send, as it would in ``yield from``; an
        awaitable whose steps are a plain iterator cannot take it, and is left at that.

        Raises:
            ConnectionClosed: The peer has gone.
        """
        steps, self._steps = self._steps, None
        waited_for, self._first = self._first, None
        if steps is None:
            raise RuntimeError("a send can be awaited only once")
        try:
            while True:
                try:
                    yield waited_for
                except BaseException as error:
                    throw: Callable[[BaseException], object] | None = getattr(steps, "throw", None)
                    if throw is None:
                        raise
                    waited_for = self._context.run(throw, error)
                else:
                    waited_for = self._context.run(next, steps)
        except StopIteration:
            return
        except GONE as error:
            raise self._lost(error) from error
        finally:
            # granian's awaitable keeps the error that was thrown into it, whose frames would keep the awaitable: a ring
            # that goes through Rust, where the garbage collector cannot see it.
            throw = None
            del steps, waited_for
