"""Who is connected to any of the processes that share one of Django's caches.

Each of the places that a key may hold is an entry of the cache, taken by its atomic ``add`` and held by a lease, which
is renewed while the connection is open: the places of a process that died come back when their leases have run out.

Redis, Valkey and Memcached do what this needs. The database does it slowly, and may give a place whose lease has just
run out to two. A file-based cache does not, for its ``add`` is not atomic; a local-memory one is each process's own.
"""

import asyncio
import contextlib
import math
import random
from contextvars import Context
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar, final
from uuid import uuid4

from django_ws.limits.asking import DOWN, CacheThread

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from django.core.cache import BaseCache

    from django_ws.limits.asking import Down

__all__ = ["SharedPlaces"]

T = TypeVar("T")

_TRIES: Final = 3
"""Places that are tried unseen; while most are free, one of them is."""

_BATCH: Final = 250
"""Entries of one call to the cache: takes and releases need not wait for the renewal of all."""


@final
class _Held:
    """What the connections of one event loop hold; read and changed under the lock."""

    __slots__ = ("connections", "entries", "renewal", "timer")

    def __init__(self) -> None:
        self.connections: dict[str, int] = {}
        """By key: how many; those let in while the cache was down are among them."""
        self.entries: dict[str, dict[str, str]] = {}
        """By key: the entries that are held, and the token in each; no more of them than connections."""
        self.timer: asyncio.TimerHandle | None = None
        """Until the next renewal; a timer, unlike a task, may be left behind when an event loop is closed."""
        self.renewal: asyncio.Task[None] | None = None
        """The last renewal, most often done."""

    def stop(self) -> None:
        """End the renewal: nothing is held any more."""
        for running in (self.timer, self.renewal):
            if running is not None:
                _ = running.cancel()


@final
class SharedPlaces:
    """Counts open connections across processes, each under its key.

    Where the cache fails or does not answer in time, connections are let in, and stay uncounted. It may be used from
    several threads, each with an event loop of its own; what an event loop has not given back when it is closed comes
    back when the lease has run out.

    Args:
        alias: The cache's, in ``CACHES``.
        lease: Seconds, 1 at least, after which the places of a process that died come back.
        timeout: Seconds that a connection waits for the cache.

    Raises:
        ImproperlyConfigured: There is no such cache, or it cannot be used.
        ValueError: ``lease`` is under a second; some caches count whole ones.
    """

    def __init__(self, alias: str, *, lease: float = 90.0, timeout: float = 2.0) -> None:
        if lease < 1:
            raise ValueError(f"lease is {lease!r}, but must be 1 second or more")
        self._cache: CacheThread = CacheThread(alias, timeout)
        self._lease: int = math.ceil(lease)
        self._lock: Lock = Lock()
        self._held: dict[AbstractEventLoop, _Held] = {}
        # Entries that are no longer ours, with the token that was in each, to be deleted.
        self._leaving: list[tuple[str, str]] = []

    async def take(self, key: str, limit: int, /) -> bool:
        """Take a place for ``key``, to be given back by :meth:`release` in the same event loop.

        Args:
            key: Who connects.
            limit: Places that it may hold in all processes together.

        Returns:
            Whether there was one, or the cache does not answer; if not, nothing was taken.
        """
        token = uuid4().hex
        future = self._cache.ask(partial(_occupy, _prefix(key), limit, token, self._lease))
        entry: str | Down | None = DOWN
        try:
            entry = await self._cache.answer(future)
        finally:
            if entry is DOWN:
                # Cancelled, or too late: a place that is taken all the same is given back.
                future.add_done_callback(partial(self._undo, token))
        if entry is None:
            return False
        self._hold(key, None if entry is DOWN else entry, token)
        return True

    async def release(self, key: str, /) -> None:
        """Give back a place of ``key``, and wait until the cache knows.

        Raises:
            RuntimeError: It holds none in this event loop: a place was given back twice, or never taken.
        """
        future = self._give_back(key)
        if future is not None:
            _ = await self._cache.answer(future)

    def release_nowait(self, key: str, /) -> None:
        """Give back a place of ``key``; the cache is told in the background, even if the event loop ends now.

        Raises:
            RuntimeError: See :meth:`release`.
        """
        _ = self._give_back(key)

    async def renew(self) -> None:
        """Begin the leases of all places anew that this event loop's connections hold; done by itself while any is.

        A place whose entry the cache has lost is taken again, and one that another has taken meanwhile is forgotten.
        """
        held = self._held.get(asyncio.get_running_loop())
        if held is None:
            return
        with self._lock:
            entries = [(key, entry) for key, of_key in held.entries.items() for entry in of_key]
        for batch in _batches(entries):
            if await self._cache.answer(self._cache.ask(partial(self._keep, held, batch))) is DOWN:
                return

    # --- in the event loop ------------------------------------------------------------------------

    def _hold(self, key: str, entry: str | None, token: str) -> None:
        """Count a connection; the first of an event loop begins the renewal."""
        loop = asyncio.get_running_loop()
        with self._lock:
            held = self._held.get(loop)
            if held is None:
                for closed in [other for other in self._held if other.is_closed()]:
                    del self._held[closed]
                held = self._held[loop] = _Held()
                self._schedule(loop, held)
            held.connections[key] = held.connections.get(key, 0) + 1
            entries = held.entries.setdefault(key, {})
            if entry is not None:
                entries[entry] = token

    def _schedule(self, loop: "AbstractEventLoop", held: _Held) -> None:
        # In an empty context: that of the first connection would be kept as long as any is open.
        held.timer = loop.call_later(self._lease / 3, self._due, loop, held, context=Context())

    def _due(self, loop: "AbstractEventLoop", held: _Held) -> None:
        self._schedule(loop, held)
        if held.renewal is None or held.renewal.done():
            held.renewal = loop.create_task(self.renew(), name="websocket:places")

    def _give_back(self, key: str) -> "Future[Down | None] | None":
        loop = asyncio.get_running_loop()
        with self._lock:
            held = self._held.get(loop)
            if held is None or key not in held.connections:
                raise RuntimeError(f"{key!r} holds no place: release() must follow a take() that gave True, once")
            left = held.connections[key] - 1
            entries = held.entries[key]
            # One that was let in uncounted leaves the entries to the others.
            leaving = len(entries) > left
            if leaving:
                self._leaving.append(entries.popitem())
            if left:
                held.connections[key] = left
            else:
                del held.connections[key], held.entries[key]
            if not held.connections:
                held.stop()
                del self._held[loop]
        return self._cache.ask(self._vacate) if leaving else None

    # --- with the cache, in its thread ------------------------------------------------------------

    def _undo(self, token: str, future: "Future[str | Down | None]") -> None:
        """Give back what a take has got that nobody waits for."""
        entry = None if future.cancelled() else future.result()
        if isinstance(entry, str):
            with self._lock:
                self._leaving.append((entry, token))
            # While the interpreter ends nothing can be asked any more; the lease runs out.
            with contextlib.suppress(RuntimeError):
                _ = self._cache.ask(self._vacate)

    def _vacate(self, cache: "BaseCache") -> None:
        """Delete the entries that were given back; of a thousand at once, the first call deletes all."""
        with self._lock:
            leaving, self._leaving = self._leaving, []
        for batch in _batches(leaving):
            found = cache.get_many([entry for entry, _ in batch])
            ours = [entry for entry, token in batch if found.get(entry) == token]
            if ours:
                cache.delete_many(ours)

    def _keep(self, held: _Held, batch: "Sequence[tuple[str, str]]", cache: "BaseCache") -> None:
        """Renew entries, but for those that were given back since: they must not come back."""
        with self._lock:
            tokens = {entry: held.entries[key][entry] for key, entry in batch if entry in held.entries.get(key, ())}
        found = cache.get_many(tokens) if tokens else {}
        ours = {entry: token for entry, token in tokens.items() if found.get(entry, token) == token}
        if ours:
            _ = cache.set_many(ours, self._lease)
        with self._lock:
            for key, entry in batch:
                if entry in tokens and entry not in ours:
                    _ = held.entries.get(key, {}).pop(entry, None)


def _prefix(key: str) -> str:
    # A hash: Memcached takes neither long keys nor all characters.
    return f"django_ws:place:{sha256(key.encode(errors='surrogatepass')).hexdigest()}:"


def _occupy(prefix: str, limit: int, token: str, lease: int, cache: "BaseCache") -> str | None:
    """Take a free place: a few at random, then whichever is seen to be free; ``None``: there is none."""
    for number in random.sample(range(limit), min(_TRIES, limit)):
        if cache.add(f"{prefix}{number}", token, lease):
            return f"{prefix}{number}"
    # In any order: processes that look at the same time should not all want the same place.
    for batch in _batches([f"{prefix}{number}" for number in random.sample(range(limit), limit)]):
        taken = cache.get_many(batch)
        for entry in batch:
            if entry not in taken and cache.add(entry, token, lease):
                return entry
    return None


def _batches(items: "Sequence[T]") -> "Iterator[Sequence[T]]":
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
