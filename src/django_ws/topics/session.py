"""The life of a link to the engine: made when a channel needs it, mended when it breaks, given up when none does.

One task for each hub. It asks the engine for what the hub's channels have come to, many at a time, and after a loss
connects again (full jitter, so that a restarted engine is not met by all processes at once), subscribes to everything
anew, and only then tells the members of a gap: what they read afresh then is followed by every later event.
"""

import asyncio
import contextvars
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, final

from django_ws.exceptions import BrokerError
from django_ws.signals import announce, broker_lost, broker_restored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django.dispatch import Signal

    from django_ws.interfaces import Broker, ChannelMessage, Link

__all__ = ["Channels", "Session"]

logger: Final = logging.getLogger("django_ws.topics")

_LINGER: Final = 5.0
"""Seconds that a link without channels is kept for the next one."""
_FAREWELL: Final = 30.0
"""Seconds that such a link is kept for what is being published over it; the engine's own bounds strike before."""
_FIRST_PAUSE: Final = 0.1
"""Seconds; at most that long is the pause before the first try to connect again. Each next may be twice as long."""
_LONGEST_PAUSE: Final = 10.0
_TURN: Final = 5000
"""Deliveries after which the event loop gets its turn, within one batch of the link: some tens of milliseconds."""
_LOG_EVERY: Final = 60.0
"""Seconds between two lines about an engine that stays away."""


class Channels(Protocol):
    """What a session feeds: the hub."""

    def __len__(self) -> int:
        """Count the channels that have members."""
        ...

    def wants(self, name: str, /) -> bool:
        """Say whether a channel of that name has members."""
        ...

    def names(self) -> "Collection[str]":
        """Give the names of all channels that have members."""
        ...

    def confirmed(self, names: "Iterable[str]", /) -> None:
        """Take note that the engine has confirmed these subscriptions."""
        ...

    def deliver(self, message: "ChannelMessage", /) -> int:
        """Take what came; give how many members were told."""
        ...

    def tell_gap(self, names: "Iterable[str]", /) -> None:
        """Take note that messages of these channels may have been lost."""
        ...


@final
class Session:
    """Keeps the engine and the channels of a hub in agreement.

    Args:
        alias: Of the broker, for the log.
        broker: The engine.
        channels: The hub.
    """

    def __init__(self, alias: str, broker: "Broker", channels: Channels) -> None:
        self.link: Link | None = None
        """The link while there is one."""
        self.publishing: int = 0
        """How many publish over it just now."""
        self._alias: str = alias
        self._broker: Broker = broker
        self._channels: Channels = channels
        self._changed: set[str] = set()
        self._wake: asyncio.Event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._error: BrokerError | None = None
        self._logged_at: float = 0.0
        self._lost_at: float | None = None
        self._published: asyncio.Event = asyncio.Event()
        self._told: asyncio.Task[None] | None = None

    def change(self, name: str, /) -> None:
        """Take note that a channel has come or gone."""
        self._changed.add(name)
        self._wake.set()
        if self._task is None:
            # In a context of its own: it outlives the socket whose subscription happened to be the first.
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name=f"django_ws broker {self._alias}", context=contextvars.Context()
            )

    def unavailable(self, what: str, /) -> BrokerError:
        """Make the error for whoever has waited in vain."""
        why = "it does not answer" if self._error is None else str(self._error)
        return BrokerError(f"{what}: the broker {self._alias!r} is not there ({why})")

    async def _run(self) -> None:
        attempt = 0
        try:
            while len(self._channels):
                try:
                    await self._serve(await self._broker.connect())
                except Exception as error:  # noqa: BLE001 - whatever it is, the members must not stay deaf
                    attempt = 0 if self._error is None else min(attempt + 1, 10)
                    self._note(error)
                    await asyncio.sleep(random.uniform(0, min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311
            self._restored()
        finally:
            self._task = None

    def _note(self, failure: Exception) -> None:
        """Log the first error of an outage, and then one a minute; a fault of the engine's code with its traceback."""
        now = asyncio.get_running_loop().time()
        if isinstance(failure, BrokerError):
            error, level, fault = failure, logging.WARNING, None
        else:
            error, level, fault = BrokerError(f"its engine failed with {failure!r}"), logging.ERROR, failure
        if self._lost_at is None:
            self._lost_at = now
            self._tell(broker_lost, error=error)
        if self._error is None or now - self._logged_at >= _LOG_EVERY:
            self._logged_at = now
            logger.log(
                level,
                "The broker %r is not there: %s. The members of %d topics hear nothing until it is back",
                *(self._alias, error, len(self._channels)),
                exc_info=fault,
            )
        self._error = error

    def _restored(self) -> None:
        if self._lost_at is not None:
            duration = asyncio.get_running_loop().time() - self._lost_at
            self._lost_at = None
            self._tell(broker_restored, duration=duration)

    def _tell(self, signal: "Signal", **named: object) -> None:
        """Send a signal in its turn, in a task: the engine must not wait for whoever listens."""
        if not signal.receivers:
            return
        before, topics = self._told, len(self._channels)

        async def tell() -> None:
            if before is not None:
                await asyncio.wait([before])
            await announce(signal, type(self._broker), alias=self._alias, topics=topics, **named)

        self._told = asyncio.get_running_loop().create_task(tell(), name=f"django_ws broker {self._alias}: signal")

    async def _serve(self, link: "Link") -> None:
        """Use a link until no channel needs it any more.

        Raises:
            BrokerError: It broke.
        """
        self.link = link
        tasks = [asyncio.ensure_future(self._read(link)), asyncio.ensure_future(self._command(link))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # What is published from now on goes another way; a link that is well is kept for what is under way.
            self.link = None
            if not any(task.exception() for task in done):
                await self._finish_publishing()
        finally:
            self.link = None
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            await link.close()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _finish_publishing(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                while self.publishing:
                    self._published.clear()
                    await self._published.wait()

    async def _read(self, link: "Link") -> None:
        while True:
            told = 0
            for message in await link.receive():
                told += self._channels.deliver(message)
                if told >= _TURN:
                    told = 0
                    await asyncio.sleep(0)
            # A link with more in its buffer need not have waited, and others want their turn, too: the transports,
            # which write what they hold, and the clients, whose messages wait.
            await asyncio.sleep(0)

    async def _command(self, link: "Link") -> None:
        """Subscribe to what there is, then follow the changes."""
        channels = self._channels
        self._changed.clear()
        subscribed = set(channels.names())
        if subscribed:
            await link.subscribe(list(subscribed))
            channels.tell_gap(subscribed)
            channels.confirmed(subscribed)
        if self._error is not None:
            self._error = None
            logger.info("The broker %r is back", self._alias)
            self._restored()
        while self._changed or await self._is_needed(subscribed):
            self._wake.clear()
            changed, self._changed = self._changed, set()
            wanted = {name for name in changed if channels.wants(name)}
            new, old = wanted - subscribed, (changed - wanted) & subscribed
            channels.confirmed(wanted & subscribed)
            if new:
                await link.subscribe(list(new))
                subscribed |= new
                channels.confirmed(new)
            if old:
                await link.unsubscribe(list(old))
                subscribed -= old

    async def publish(self, link: "Link", messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish over the link, which is kept until that is done.

        Raises:
            PayloadTooBigError, BrokerError: See :meth:`Link.publish <django_ws.interfaces.Link.publish>`.
        """
        self.publishing += 1
        try:
            await link.publish(messages)
        finally:
            self.publishing -= 1
            if not self.publishing:
                self._published.set()

    async def _is_needed(self, subscribed: set[str]) -> bool:
        """Wait for the next change; say whether there was one before the link had been idle for long enough."""
        if subscribed:
            await self._wake.wait()
            return True
        try:
            async with asyncio.timeout(_LINGER):
                await self._wake.wait()
        except TimeoutError:
            return bool(self._changed)
        return True
