"""One event loop's connection to NATS: what the engine ``nats`` subscribes, hears and publishes by.

The library would mend a connection by itself, and give each subscription a task and a queue of its own; both are
switched off. A link is lost once and for all, and what comes is kept in one queue, in the order of the server.

Three habits of nats-py (2.16) shape the code:

* A waiting ``flush()`` that is cancelled ends the task that reads. So nothing of the library's is ever awaited by a
  task that may be cancelled: :meth:`NatsLink._finish`.
* ``flush()`` writes its PING ahead of commands that the library still holds back. So they are let go first:
  :meth:`NatsLink._flush`.
* ``flush()`` does not notice that the connection has been lost. So it is waited for together with the loss.
"""

import asyncio
import math
import re
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.topics.engines.nats_client import FAILURES, Inbox, NatsClient, credentials_of, reason_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence

    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    from django_ws.interfaces import ChannelMessage

__all__ = ["NatsLink"]

_BATCH: Final = 100
"""Messages that are given at once."""
_MAX_PENDING: Final = 64 * 1024 * 1024
"""Bytes that may wait to be received, as many as the server holds back for a slow client."""
_COST: Final = 256
"""Bytes that a waiting message takes besides its payload."""
_PING_EVERY: Final = 10
"""Seconds. After two pings without an answer the connection is lost: a peer that is gone without a word is noticed."""
_FAREWELL: Final = 1.0
"""Seconds that closing may take; then the connection is left to the operating system."""
_REFUSED: Final = re.compile(r'permissions violation for publish to "([^"]*)"', re.IGNORECASE)


@final
class NatsLink:
    """The link of the running event loop.

    Args:
        url: The server, without credentials: ``nats://host:port``, or ``tls://``, which insists on TLS.
        prefix: The subject of a channel begins with it and a dot.
        timeout: Seconds that the server may take to answer.
    """

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        self._url: str = url
        self._prefix: str = f"{prefix}."
        self._timeout: float = timeout
        self._client: NatsClient = NatsClient()
        self._is_open: bool = False
        self._last_error: str = ""
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._wake: asyncio.Event = asyncio.Event()
        self._messages: deque[ChannelMessage] = deque()
        self._pending: int = 0
        self._inbox: Inbox = Inbox(self._put)
        self._subscriptions: dict[str, Subscription] = {}
        # Whoever gave up leaves his subscribing under way.
        self._subscribing: asyncio.Lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused: set[str] = set()

    @property
    def is_lost(self) -> bool:
        """Whether it is of no more use."""
        return self._lost.done()

    @property
    def max_payload(self) -> int:
        """Bytes that the server takes as one payload."""
        return self._client.max_payload

    # What the library takes is of many types.
    async def open(
        self, secrets: "Mapping[str, str]", credentials: str, tls: "Mapping[str, Any]", seconds: float
    ) -> None:
        """Connect.

        Args:
            secrets: ``user``, ``password`` and ``token``, those that there are.
            credentials: The text of a ``.creds`` file, or empty.
            tls: What ``connect`` of the library takes for TLS.
            seconds: How long it may take.

        Raises:
            BrokerError: It could not.
        """
        client = self._client
        needs_tls = self._url.startswith("tls:")
        client.secrets = secrets
        try:
            async with asyncio.timeout(seconds):
                await client.connect(
                    [self._url],
                    error_cb=self._on_error,
                    disconnected_cb=self._on_loss,
                    closed_cb=self._on_loss,
                    name="django-ws",
                    allow_reconnect=False,
                    # The library tries once more than this says.
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=math.ceil(seconds),
                    ping_interval=_PING_EVERY,
                    # Without a limit: the library would wait in the middle of a batch.
                    pending_size=0,
                    user_credentials=credentials_of(credentials),
                    user=None if needs_tls else secrets.get("user"),
                    password=None if needs_tls else secrets.get("password"),
                    token=None if needs_tls else secrets.get("token"),
                    **tls,
                )
            if needs_tls and not client.is_secure:
                self._lose("it offers no TLS, which the scheme tls:// asks for")
            elif not client.is_connected:
                self._lose("it closed the connection at once")
            client.when_deaf(lambda: self._lose("nothing is read any more; the log of nats.aio.client says why"))
        except TimeoutError:
            self._lose(f"it does not answer within {seconds:g} s")
        except FAILURES as error:
            # In the end the library says «no servers available», and why to its callback alone.
            self._lose(self._last_error or reason_of(error))
        except BaseException:
            await self.close()
            raise
        self._is_open = True
        if self.is_lost:
            await self.close()
            self._raise()

    async def subscribe(self, channels: "Sequence[str]", /) -> None:
        """Take the messages of these channels; return when the server has confirmed it.

        Raises:
            BrokerError: The connection broke, or the server does not let this user subscribe there.
        """
        await self._finish(self._subscribe(channels))

    async def unsubscribe(self, channels: "Sequence[str]", /) -> None:
        """Take them no more.

        Raises:
            BrokerError: The connection broke.
        """
        await self._finish(self._unsubscribe(channels))

    async def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish; return when the server has them.

        Raises:
            PayloadTooBigError: One is more than the server takes; none was published.
            BrokerError: The connection broke, or the server does not let this user publish there.
        """
        limit = self.max_payload
        for channel, payload in messages:
            if len(payload) > limit:
                raise PayloadTooBigError(
                    f"the payload for {channel!r} has {len(payload)} bytes, but NATS at {self._url} takes {limit} "
                    "(max_payload of the server)"
                )
        await self._finish(self._publish(messages))
        if self._refused:
            for channel, _ in messages:
                subject = self._prefix + channel
                if subject.lower() in self._refused:
                    raise BrokerError(f"NATS at {self._url} does not let this user publish to {subject!r}")

    async def receive(self) -> "Sequence[ChannelMessage]":
        """Wait for messages; after a loss, those that came before it are still given.

        Raises:
            BrokerError: The connection broke, or messages were lost.
        """
        while not self._messages:
            if self.is_lost:
                self._raise()
            self._wake.clear()
            await self._wake.wait()
        waiting = self._messages
        batch = [waiting.popleft() for _ in range(min(len(waiting), _BATCH))]
        self._pending -= sum(len(payload) + _COST for _, payload in batch)
        return batch

    async def close(self) -> None:
        """Give everything back; it takes a second at most."""
        self._lose("it has been closed")
        for task in self._tasks:
            task.cancel()  # an answer will not come any more
        _ = self._start(self._close())
        await asyncio.wait(self._tasks, timeout=_FAREWELL)
        for task in self._tasks:
            task.cancel()

    # --- what is let run to its end ---------------------------------------------------------------

    async def _finish(self, work: "Coroutine[Any, Any, None]") -> None:
        """Let the library work, undisturbed by a cancellation of whoever waits for it.

        Raises:
            BrokerError: The connection broke, or there was no answer in time.
        """
        task = self._start(work)
        await asyncio.wait((task, self._lost), timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            self._lose(f"it does not answer within {self._timeout:g} s")
        if self.is_lost:
            self._raise()

    def _start(self, work: "Coroutine[Any, Any, None]") -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _subscribe(self, channels: "Sequence[str]") -> None:
        async with self._losing(), self._subscribing:
            for channel in channels:
                if channel not in self._subscriptions:
                    # The library does not say what the future is of.
                    self._subscriptions[channel] = await self._client.subscribe(  # pyright: ignore[reportUnknownMemberType]
                        self._prefix + channel, future=self._inbox
                    )
            await self._flush()

    async def _unsubscribe(self, channels: "Sequence[str]") -> None:
        async with self._losing(), self._subscribing:
            for channel in channels:
                subscription = self._subscriptions.pop(channel, None)
                if subscription is not None:
                    await subscription.unsubscribe()

    async def _publish(self, messages: "Sequence[ChannelMessage]") -> None:
        async with self._losing():
            for channel, payload in messages:
                await self._client.publish(self._prefix + channel, payload)
            await self._flush()

    async def _flush(self) -> None:
        """Wait until the server has answered a PING that was written after everything else."""
        # Longer than anybody waits for it: that is how the library is kept from cancelling its own waiting.
        seconds = math.ceil(self._timeout) + 1
        await asyncio.sleep(0)  # now the library's task writes
        if self._client.pending_data_size:
            # It is held up by TCP. What is answered here was written behind that, so it has gone on since.
            await self._client.flush(seconds)
        await self._client.flush(seconds)

    async def _close(self) -> None:
        with suppress(*FAILURES):
            await self._client.close()

    # --- loss -------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _losing(self) -> "AsyncGenerator[None]":
        """Take errors of the library for the loss of the connection: nothing is known of what it was to do."""
        try:
            yield
        except FAILURES as error:
            self._lose(reason_of(error))
        except Exception as error:  # noqa: BLE001 - a fault of the library's own
            self._lose(f"nats-py failed with {error!r}")

    def _lose(self, reason: str) -> None:
        """Take note of the loss; the first reason is the one that is told."""
        if not self._lost.done():
            self._lost.set_result(reason)
            self._wake.set()

    def _raise(self) -> "NoReturn":
        raise BrokerError(f"NATS at {self._url}: {self._lost.result()}")

    async def _on_error(self, error: Exception) -> None:
        if not self._is_open:
            self._last_error = reason_of(error)
        elif refused := _REFUSED.search(str(error)):
            # The connection goes on; the library gives the subject in small letters.
            self._refused.add(refused[1].lower())
        else:
            self._lose(reason_of(error))

    async def _on_loss(self) -> None:
        error = self._client.last_error
        self._lose("the connection has ended" if error is None else reason_of(error))

    # --- what comes -------------------------------------------------------------------------------

    def _put(self, message: "Msg") -> None:
        """Keep a message; called by the library's reading task."""
        if self.is_lost:
            return
        size = len(message.data) + _COST
        if self._pending + size > _MAX_PENDING:
            self._lose(f"messages were lost, because more than {_MAX_PENDING} bytes wait to be taken")
            return
        self._pending += size
        self._messages.append((message.subject[len(self._prefix) :], message.data))
        self._wake.set()
