"""Whether a socket that is open may stay: it is closed by order, and checked again from time to time."""

import asyncio
import logging
from contextvars import copy_context
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final, Generic

from django.core.exceptions import PermissionDenied
from django.http import Http404
from typing_extensions import TypeVar, override

from django_ws.codecs.json import JSONEncodable
from django_ws.handler.state import logger
from django_ws.handler.subscriptions import SubscribingSocket
from django_ws.standing import renew_user

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["DISCONNECT_TASK", "REVALIDATION_TASK", "RevalidatedSocket"]

OutT = TypeVar("OutT", default=JSONEncodable)

DISCONNECT_TASK: Final = "django_ws.disconnect"
"""The task id under which a socket is closed by order."""
REVALIDATION_TASK: Final = "django_ws.revalidation"
"""The task id under which ``on_revalidate`` runs."""

_LOGGED_OUT: Final = (4401, "logged out")
_FORBIDDEN: Final = (4403, "no longer permitted")
_UNAUTHORIZED: Final = 401
_CHECK_SECONDS: Final = 30.0
"""What one check may take: the next one waits for it."""


class RevalidatedSocket(SubscribingSocket[OutT], Generic[OutT]):
    """A socket that does not outlive what let it in."""

    __slots__ = ()

    revalidate: ClassVar[timedelta | None]
    """At the latest after which the session, the user and the ``guards`` are checked again; see :meth:`on_revalidate`.

    A ``timedelta``; ``None``: never. ``WS_REVALIDATE`` where a class has none.
    """

    async def on_revalidate(self) -> bool:
        """Asked at each check, after the session, the user and the guards have passed it. To be overridden.

        ``self.request.user`` has just been looked up afresh, and stays the request's user. What this raises, but for
        ``PermissionDenied`` and ``Http404``, is logged, and the connection stays open until a check says no.

        Returns:
            Whether the client may still be here; if not, the connection is closed with 4403.
        """
        return True

    # --- for those who look after it --------------------------------------------------------------

    @override
    def _begin(self) -> None:
        super()._begin()
        runtime, seconds = self._runtime, self._options.revalidate
        # Checks come from without, and see what the middleware has set.
        self._context = copy_context()
        if seconds is not None:
            runtime.revalidation.add(self, seconds)
        if runtime.orders is not None:
            runtime.orders.meet(self)

    def ws_disconnect(self, code: int, reason: str, /) -> None:
        """Begin to close by order; no-op for one that is being closed."""
        if self._start_from_without(DISCONNECT_TASK, lambda: self._close(code, reason)) is not None:
            self._tell_end(code, reason)

    def ws_revalidate(self) -> "asyncio.Task[None] | None":
        """Begin to check whether it may stay open.

        Returns:
            The task; ``None`` where it is being closed.
        """
        return self._start_from_without(REVALIDATION_TASK, self._revalidate)

    def _start_from_without(
        self, task_id: str, function: "Callable[[], Coroutine[object, object, None]]"
    ) -> "asyncio.Task[None] | None":
        context = self._context
        if context is None or self._closing or self._finishing:
            return None
        # In a copy: that of another task may be entered at this very moment.
        return context.copy().run(self._task_group().start, task_id, function)

    async def _revalidate(self) -> None:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                end = await self._why_not()
        except (PermissionDenied, Http404):
            end = _FORBIDDEN
        except Exception as error:  # noqa: BLE001 - a database that is away must not close everything
            if self._runtime.revalidation.may_log():
                text = "it could not be checked whether the client may stay, so it does; the next check may tell"
                self._log(logging.ERROR, text, error=error)
            return
        if end is not None and not self._closing:
            self._tell_end(*end)
            await self._close(*end)

    async def _why_not(self) -> tuple[int, str] | None:
        """Give how it is to be closed; ``None`` if it may stay."""
        if not await renew_user(self.request):
            return _LOGGED_OUT
        response = await self._ask_guards()
        if response is not None:
            return _LOGGED_OUT if response.status_code == _UNAUTHORIZED else _FORBIDDEN
        return None if await self.on_revalidate() else _FORBIDDEN

    def _tell_end(self, code: int, reason: str) -> None:
        """Log it, and hear of no more events: what waits to be sent may take a while."""
        self._leave_topics()
        if logger.isEnabledFor(logging.INFO):
            extra = {**self._fields(), "code": code}
            logger.info("%s: closed with %d: %s", self._name, code, reason, extra=extra)
