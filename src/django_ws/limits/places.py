"""Who is connected to this process, and how often."""

from threading import Lock
from typing import final

__all__ = ["Places"]


@final
class Places:
    """Counts the open connections of this process, each under its key.

    It may be used from several threads, each with an event loop of its own.
    """

    __slots__ = ("_held", "_lock")

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        # To look and to count are two steps, and another thread may come between them.
        self._lock: Lock = Lock()

    def __len__(self) -> int:
        """Count the keys that hold a place; the others are forgotten."""
        return len(self._held)

    def take(self, key: str, limit: int, /) -> bool:
        """Take a place for ``key``, to be given back by :meth:`release`.

        Args:
            key: Who connects.
            limit: Places that it may hold.

        Returns:
            Whether there was one; if not, nothing was taken.
        """
        with self._lock:
            held = self._held.get(key, 0)
            if held >= limit:
                return False
            self._held[key] = held + 1
            return True

    def release(self, key: str, /) -> None:
        """Give back a place of ``key``.

        Raises:
            RuntimeError: It holds none: a place was given back twice, or never taken.
        """
        with self._lock:
            held = self._held.get(key, 0)
            if not held:
                raise RuntimeError(f"{key!r} holds no place: release() must follow a take() that gave True, once")
            if held == 1:
                del self._held[key]
            else:
                self._held[key] = held - 1

    def held(self, key: str, /) -> int:
        """Count the places that ``key`` holds."""
        return self._held.get(key, 0)
