"""Valkey, Redis and what speaks as they do: publish and subscribe; an extra: ``pip install "django-ws[valkey]"``.

::

    WS_BROKERS = {
        "default": {
            "BACKEND": "django_ws.topics.engines.valkey.ValkeyBroker",
            "LOCATION": "redis://user:password@valkey.internal:6379",
        }
    }

The server keeps nothing: who is connected hears, and a connection that broke, or that the server has cut since its
reader was too slow (``client-output-buffer-limit pubsub``), is a gap of which every member is told.
"""

import asyncio
from typing import TYPE_CHECKING, final

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.valkey_config import (
    FAILURES,
    Slots,
    ValkeyConfig,
    broken,
    by_node,
    is_moved,
    refusals,
)
from django_ws.topics.engines.valkey_link import ValkeyLink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.exceptions import ResponseError

    from django_ws.interfaces import ChannelMessage
    from django_ws.topics.engines.valkey_config import Address, Client, Command

__all__ = ["ValkeyBroker"]


@final
class ValkeyBroker:
    """Carries events over ``PUBLISH`` and ``SUBSCRIBE``, in a cluster over ``SPUBLISH`` and ``SSUBSCRIBE``.

    Args:
        location: ``redis://``, ``rediss://`` (TLS) or ``unix://``, as redis-py reads it; for a cluster one or more
            with commas between.
        options: All may be left out. ``CLUSTER`` (``False``): whether it is a cluster, of Redis 7 or any Valkey.
            ``PREFIX`` (``"django_ws:"``): stands before the name of every channel. ``TIMEOUT`` (5): seconds for
            connecting and for each answer. ``HEALTH_INTERVAL`` (5): seconds of silence after which the server is asked
            for a sign of life. ``MAX_PAYLOAD`` (8 MiB): bytes; over the server's ``client-output-buffer-limit pubsub``
            a single event would cut off everyone who is to hear it.

    Raises:
        ImproperlyConfigured: One of them is wrong.
    """

    def __init__(self, location: str, options: "Mapping[str, object]") -> None:
        self._config: ValkeyConfig = ValkeyConfig.read(location, options)
        # No lock guards these: a process may fork while a thread holds it.
        self._clients: dict[Address | int, Client] = {}
        self._slots: Slots | None = None
        self._known: list[Address] = []
        self._config.connection(0)  # what it does not take raises where it is configured

    @property
    def max_payload(self) -> "int | None":
        """Bytes that one payload may have."""
        return self._config.max_payload

    def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish in one round trip, to each node of a cluster."""
        commands = self._config.commands(messages)
        try:
            refused = self._send(commands)
            if refused and self._config.cluster and all(is_moved(error) for _, error in refused):
                self._slots = None
                refused = self._send([command for command, _ in refused])
        except FAILURES as error:
            self._slots = None
            raise broken("Valkey cannot be reached", error) from error
        except BrokerError:
            self._slots = None  # a slot without a node: the next one asks again
            raise
        if refused:
            raise broken("Valkey refuses", refused[0][1])

    async def apublish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish from a thread."""
        await asyncio.to_thread(self.publish, messages)

    async def connect(self) -> ValkeyLink:
        """Connect the running event loop."""
        link = await ValkeyLink.open(self._config, self._known)
        self._known = link.nodes
        return link

    def close(self) -> None:
        """Close the connections that publish; what is published next opens others."""
        for client in list(self._clients.values()):
            client.connection_pool.disconnect()

    def _send(self, commands: "Sequence[Command]") -> "list[tuple[Command, ResponseError]]":
        """Publish; give what was refused."""
        if self._config.cluster and self._slots is None:
            self._slots = self._find_slots()
        refused: list[tuple[Command, ResponseError]] = []
        for address, asked in by_node(self._slots, commands).items():
            pipeline = self._client(address).pipeline(transaction=False)
            for command in asked:
                pipeline.execute_command(*command)
            replies = pipeline.execute(raise_on_error=False)
            refused += refusals(asked, replies)
        return refused

    def _client(self, address: "Address | int") -> "Client":
        client = self._clients.get(address)
        if client is None:
            client = self._clients.setdefault(address, self._config.client(address))
        return client

    def _find_slots(self) -> Slots:
        """Ask the first node that answers, of ``LOCATION`` and of those that were seen before."""
        last: Exception | None = None
        for address in (*range(len(self._config.threads)), *self._known):
            try:
                slots = Slots(self._client(address).execute_command("CLUSTER", "SLOTS"), self._config.host_of(address))
            except FAILURES as error:
                last = error
            else:
                self._known = slots.addresses()
                return slots
        raise BrokerError(f"no node of the Valkey cluster answers: {last}") from last
