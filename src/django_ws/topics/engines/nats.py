"""The engine over NATS, an extra: ``pip install "django-ws[nats]"``.

::

    WS_BROKERS = {
        "default": {
            "BACKEND": "django_ws.topics.engines.nats.NatsBroker",
            "LOCATION": "nats://nats.internal:4222",
            "OPTIONS": {"USER": "web", "PASSWORD": os.environ["NATS_PASSWORD"]},
        }
    }

Events go over core subjects, one for each channel, ``<PREFIX>.<channel>``: nothing is kept by the server, and JetStream
is not needed. A user of the server needs the right to publish and subscribe to ``<PREFIX>.>``; one who only publishes,
such as a worker of Celery, the first alone.

``LOCATION``: ``nats://host:port``, or several with commas between, all of one cluster; one is chosen at random, the
next if it does not answer. ``tls://`` insists on TLS, ``nats://`` uses it where the server asks for it. A user and a
password, or a token, may stand before the host, percent-encoded. ``OPTIONS``:

* ``PREFIX``: the first tokens of every subject, ``django_ws``; sites that share a server have different ones.
* ``USER`` and ``PASSWORD``, or ``TOKEN``, or ``CREDENTIALS``, the path of a ``.creds`` file, which is read at each
  connecting and needs ``nats-py[nkeys]``.
* ``CA_FILE``, ``CERT_FILE``, ``KEY_FILE``: who is trusted instead of the system's authorities, and who we are (PEM).
  ``TLS_FIRST``: begin with TLS, for a server with ``handshake_first``.
* ``CONNECT_TIMEOUT``: seconds for connecting to one server, 2. ``TIMEOUT``: seconds for its answer to a publishing or
  a subscription, 5.

An event may have as many bytes as ``max_payload`` of the server says, 1 MiB unless set. A process that reads too
slowly is cut off by the server (``max_pending``, ``write_deadline``); its members are told of a gap.

**Without an event loop** (a view, a task of Celery, a command) publishing works by a background thread, because nats-py
is for asyncio only: :mod:`django_ws.topics.engines.sync_publisher`. There is one in each process that publishes so,
with one connection, from its first publishing to its end; ``django_ws.topics.brokers.close()`` ends it earlier. Forked
children have their own. Publishing returns when the server has the events, or raises ``BrokerError`` within the bound
of the timeouts above.
"""

import random
from typing import TYPE_CHECKING, Any, final

from django_ws.exceptions import BrokerError
from django_ws.topics.engines import nats_options
from django_ws.topics.engines.nats_link import NatsLink
from django_ws.topics.engines.options import no_options, take_option
from django_ws.topics.engines.sync_publisher import SyncPublisher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django_ws.interfaces import ChannelMessage

__all__ = ["NatsBroker"]


@final
class NatsBroker:
    """Carries events over NATS.

    Args:
        location: See above.
        options: See above.

    Raises:
        ImproperlyConfigured: Something in them is wrong; the message says what.
    """

    def __init__(self, location: str, options: "Mapping[str, object]") -> None:
        rest = dict(options)
        self.max_payload: int | None = None
        """Bytes that one payload may have, as the server says; not known before the first connection."""
        self._prefix: str = nats_options.take_prefix(rest)
        self._connect_timeout: float = nats_options.take_seconds(rest, "CONNECT_TIMEOUT", 2.0)
        self._timeout: float = nats_options.take_seconds(rest, "TIMEOUT", 5.0)
        self._servers: list[nats_options.NatsServer] = nats_options.read_servers(
            location, nats_options.take_secrets(rest)
        )
        self._credentials: str = take_option(rest, "CREDENTIALS", str, "")
        # What the library takes is of many types.
        self._tls: dict[str, Any] = nats_options.take_tls(rest)
        no_options(rest)
        self._publisher: SyncPublisher = SyncPublisher(
            f"NATS at {', '.join(server.url for server in self._servers)}",
            self.connect,
            len(self._servers) * self._connect_timeout + self._timeout,
        )

    def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish by the thread of this process; return when the server has them.

        Raises:
            PayloadTooBigError: One is more than the server takes; none was published.
            BrokerError: No server can be reached.
        """
        self._publisher.publish(messages)

    async def apublish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish by the thread of this process; return when the server has them.

        Raises:
            PayloadTooBigError: One is more than the server takes; none was published.
            BrokerError: No server can be reached.
        """
        await self._publisher.apublish(messages)

    async def connect(self) -> NatsLink:
        """Connect the running event loop to one of the servers.

        Raises:
            BrokerError: None can be reached, or none lets us in; the message says why, for each.
        """
        # Read each time: they are changed while we run.
        credentials = nats_options.read_credentials(self._credentials) if self._credentials else ""
        errors: list[str] = []
        # Any will do; and a cluster's processes should not all be at the first.
        for server in random.sample(self._servers, len(self._servers)):
            link = NatsLink(server.url, self._prefix, self._timeout)
            try:
                await link.open(server.secrets, credentials, self._tls, self._connect_timeout)
            except BrokerError as error:
                errors.append(str(error))
            else:
                self.max_payload = link.max_payload
                return link
        raise BrokerError("; ".join(errors))

    def close(self) -> None:
        """End the thread that publishes, if there is one."""
        self._publisher.close()
