"""What the code under test publishes."""

from typing import TYPE_CHECKING

from django_ws.topics.publishing import Published, captured

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["Published", "capture_publishes"]


def capture_publishes(*, deliver: bool = False) -> "AbstractContextManager[list[Published]]":
    """Note what is published to topics within the block, by whatever thread of this process.

    ::

        with capture_publishes() as published:
            self.client.post("/rooms/3/", {"text": "hello"})
        assert published == [(Room(room_id=3), Said(text="hello"))]

    Nothing leaves the process, so no engine need run. What is published on commit comes when the transaction commits:
    in a ``TestCase`` that is where ``captureOnCommitCallbacks(execute=True)`` ends.

    Args:
        deliver: Whether sockets and listeners hear of it all the same.
    """
    return captured(deliver=deliver)
