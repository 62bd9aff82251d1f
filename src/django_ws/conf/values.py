"""What the ``WS_*`` settings are: their names, types and defaults."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DISCONNECT_ON", "MEMORY", "BrokerSettings", "Denial", "WebSocketSettings"]


@unique
class Denial(Enum):
    """How a handshake is refused. JavaScript is told nothing of an HTTP answer but that there is no connection."""

    HTTP = "http"
    """By an HTTP response: nothing is opened, and every client but a browser can read the status."""
    CLOSE = "close"
    """By accepting and closing at once with 4000 and the status, 4403 for 403, which JavaScript can read."""


MEMORY: Final = "django_ws.topics.engines.memory.MemoryBroker"
"""The engine within one process."""

DISCONNECT_ON: Final = ("logout", "password", "deactivation")
"""What may stand in ``WS_DISCONNECT_ON``."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One of ``WS_BROKERS``."""

    backend: str
    """``BACKEND``: the dotted name of the engine's class."""
    location: str = ""
    """``LOCATION``: where the engine is; what that means is the engine's own."""
    options: "Mapping[str, object]" = field(default_factory=dict[str, object])
    """``OPTIONS``: what else the engine takes."""


@dataclass(frozen=True, slots=True)
class WebSocketSettings:
    """The settings as they are in force: field ``x`` is ``WS_X``, but for ``urlconf`` and the last three."""

    urlconf: str | None = None
    """``ROOT_WS_URLCONF``: dotted name of the websocket URLconf; ``None``: ``ws_urls`` beside ``ROOT_URLCONF``."""
    middleware: tuple[str, ...] = ()
    """Dotted names; the first is outermost."""
    skip_middleware: tuple[str, ...] = ()
    """Entries of ``MIDDLEWARE`` that :class:`~django_ws.middleware.DjangoMiddleware` leaves out."""
    json_codec: str | None = None
    """Dotted name of the codec class for all sockets that speak JSON; ``None``: the standard library's."""
    allowed_origins: tuple[str, ...] | None = None
    """``None``: the request's own host and ``CSRF_TRUSTED_ORIGINS``. Else the origins that are let in."""
    denial: Denial = Denial.HTTP
    """How a handshake is refused."""
    max_message_size: int | None = 1 << 20
    """Bytes that one incoming message may have; ``None``: as many as the server lets through."""
    max_message_depth: int = 128
    """Levels that lists and objects of an incoming JSON message may nest."""
    messages_per_second: float | None = 100.0
    """Incoming messages of one socket a second, on average; ``None``: as many as come."""
    messages_burst: int = 1000
    """Incoming messages of one socket that may come at once."""
    max_connections_per_address: int | None = 256
    """Open connections of one client address; ``None``: any number."""
    unlimited_addresses: tuple[str, ...] | None = None
    """Networks whose addresses are not counted; ``None``: the private ones, where proxies are."""
    max_connections_per_user: int | None = None
    """Open connections of one user; ``None``: any number."""
    connections_cache: str | None = None
    """Alias of the cache by which connections are counted across processes; ``None``: each process counts its own."""
    handshake_timeout: float | None = 10.0
    """Seconds that a handshake may take, middleware and ``on_connect`` included; ``None``: no bound."""
    idle_timeout: float | None = None
    """Seconds without a message from the client; ``None``: no bound."""
    revalidate: timedelta | None = None
    """At the latest after which session and permissions of an open socket are checked again; ``None``: never."""
    disconnect_on: tuple[str, ...] = DISCONNECT_ON
    """What closes the sockets of the user whom it befalls."""
    inbox_messages: int = 32
    """Messages received and not yet handled, before reading stops."""
    outbox_messages: int = 256
    """Messages waiting to be sent, before the overflow policy acts."""
    outbox_bytes: int = 1 << 20
    """Bytes waiting to be sent, before the overflow policy acts."""
    disconnect_grace: float | None = 10.0
    """Seconds that a hook may go on after the client left; 0: none, ``None``: no bound."""
    cleanup_timeout: float = 10.0
    """Seconds that cancelled tasks, and then ``on_close``, may take."""
    sync_lanes: int = 8
    """Threads for the sync code of all sockets."""
    brokers: "Mapping[str, BrokerSettings]" = field(default_factory=lambda: {"default": BrokerSettings(MEMORY)})
    """The engines that carry the events of topics, by alias."""
    broker_timeout: float = 10.0
    """Seconds that an engine may take to confirm a subscription."""
    root_urlconf: str = ""
    """Django's ``ROOT_URLCONF``; kept here, as the next two are, because every handshake asks for it."""
    script_name: str = ""
    """Django's ``FORCE_SCRIPT_NAME``; empty where there is none."""
    behind_proxy: bool = False
    """Whether Django reads the host or the scheme from a proxy's headers."""
