"""One of Django's caches, asked from event loops without any of them waiting for it longer than agreed.

The cache is asked on a thread of ours. Its own async methods would make one call for each entry (Django's
``aget_many`` asks for one after the other), on the one thread that all sync code of the process may be waiting for;
and in the context of a connection, ``caches`` would open a new client for each.
"""

import asyncio
import logging
import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum, unique
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from django.core.cache import InvalidCacheBackendError, caches
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.cache import BaseCache

__all__ = ["DOWN", "CacheThread", "Down"]

T = TypeVar("T")

logger: Final = logging.getLogger("django_ws.limits")

_QUIET: Final = 60.0
"""Seconds between two lines of the log about one cache."""


@unique
class Down(Enum):
    """What is answered for a cache that fails, or gives no answer in time."""

    DOWN = "down"


DOWN: Final = Down.DOWN


@final
class CacheThread:
    """Asks one cache, on one thread: what is asked is done in the order in which it was asked.

    Where the cache fails, one line a minute at most is logged. It may be used from several threads.

    Args:
        alias: The cache's, in ``CACHES``.
        timeout: Seconds that :meth:`answer` waits.

    Raises:
        ImproperlyConfigured: There is no such cache, or it cannot be used.
    """

    def __init__(self, alias: str, timeout: float) -> None:
        try:
            _ = caches[alias]
        except InvalidCacheBackendError as error:
            names = ", ".join(map(repr, caches.settings))
            raise ImproperlyConfigured(
                f"WS_CONNECTIONS_CACHE is {alias!r}, but must be a cache of CACHES ({names}): {error}"
            ) from error
        self._alias: str = alias
        self._timeout: float = timeout
        # Begun by the first call, so that a process may be forked until then.
        self._thread: ThreadPoolExecutor = ThreadPoolExecutor(1, "django-ws-limits")
        # What did not end in time and may still run: of any result.
        self._late: Future[Any] | None = None
        self._lock: threading.Lock = threading.Lock()
        self._quiet_until: float = -math.inf

    def ask(self, work: "Callable[[BaseCache], T]") -> "Future[T | Down]":
        """Have ``work`` done with the cache, after all that was asked before.

        While the cache is known to hang, it is not asked, lest the work pile up: the answer is ``DOWN`` at once.
        """
        late = self._late
        if late is not None and not late.done():
            future: Future[T | Down] = Future()
            future.set_result(DOWN)
            self._report(None)
            return future
        return self._thread.submit(self._work, work)

    async def answer(self, future: "Future[T | Down]") -> "T | Down":
        """Wait for what was asked, within the time; if the waiting is cancelled, the work goes on."""
        done, _ = await asyncio.wait((asyncio.wrap_future(future),), timeout=self._timeout)
        if done:
            return future.result()
        if not future.cancel():
            self._late = future
        self._report(None)
        return DOWN

    def _work(self, work: "Callable[[BaseCache], T]") -> "T | Down":
        try:
            try:
                return work(caches[self._alias])
            finally:
                # A cache in the database has a connection on this thread, which no request gives back.
                close_old_connections()
        except Exception as error:  # noqa: BLE001 - each backend has errors of its own
            self._report(error)
            return DOWN

    def _report(self, error: Exception | None) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._quiet_until:
                return
            self._quiet_until = now + _QUIET
        why = f"gave no answer within {self._timeout:g} s" if error is None else "failed"
        text = "The cache %r (WS_CONNECTIONS_CACHE) %s: until it answers, each process limits connections for itself"
        logger.error(text, self._alias, why, exc_info=error)
