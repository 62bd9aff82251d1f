"""Where a Valkey is and how it is spoken to: ``LOCATION`` and ``OPTIONS``, the errors, and the slots of a cluster."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast, final

from django.core.exceptions import ImproperlyConfigured

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.topics.engines.options import no_options, take_option

try:
    import redis.asyncio.connection as for_loops
    import redis.connection as for_threads
    from redis import ConnectionPool, Redis
    from redis.asyncio.retry import Retry as LoopRetry
    from redis.backoff import NoBackoff
    from redis.crc import key_slot
    from redis.exceptions import RedisError, ResponseError
    from redis.retry import Retry
except ImportError as _missing:
    raise ImproperlyConfigured(
        "django_ws.topics.engines.valkey needs redis-py, which is not installed: pip install 'django-ws[valkey]'"
    ) from _missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from django_ws.interfaces import ChannelMessage

__all__ = [
    "FAILURES",
    "Address",
    "Client",
    "Command",
    "Connection",
    "Pipeline",
    "Pool",
    "Slots",
    "ValkeyConfig",
    "broken",
    "by_node",
    "is_moved",
    "refusals",
]

Address: TypeAlias = tuple[str, int]
"""A node of a cluster: host and port."""
Command: TypeAlias = tuple[str, str, bytes]
"""What publishes one message: the command's name, the channel's with its prefix, and the payload."""

FAILURES: Final = (RedisError, OSError)
"""What redis-py raises where a command could not be carried out."""

_MEBIBYTE: Final = 1024 * 1024


class Connection(Protocol):
    """What is used of redis-py's asynchronous connection."""

    async def connect(self) -> None:
        """Connect and authenticate."""
        ...

    async def disconnect(self, nowait: bool = False) -> None:  # noqa: FBT001, FBT002 - redis-py's own signature
        """Disconnect."""
        ...

    def pack_commands(self, commands: "Iterable[Sequence[str | bytes]]") -> list[bytes]:
        """Write commands as bytes."""
        ...

    async def send_packed_command(self, command: "Iterable[bytes]", check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's own signature
        """Send them."""
        ...

    # A reply may be anything.
    async def read_response(self, disable_decoding: bool = False, *, disconnect_on_error: bool = True) -> Any:  # noqa: FBT001, FBT002 - redis-py's own signature
        """Wait for a reply."""
        ...


class Pipeline(Protocol):
    """What is used of redis-py's pipeline."""

    def execute_command(self, *arguments: "str | bytes") -> object:
        """Add a command."""
        ...

    def execute(self, raise_on_error: bool = True) -> list[object]:  # noqa: FBT001, FBT002 - redis-py's own signature
        """Send what was added; give the replies."""
        ...


class Pool(Protocol):
    """What is used of redis-py's pool."""

    def disconnect(self) -> None:
        """Close all connections."""
        ...


class Client(Protocol):
    """What is used of redis-py's blocking client."""

    connection_pool: Pool

    def pipeline(self, transaction: bool = True) -> Pipeline:  # noqa: FBT001, FBT002 - redis-py's own signature
        """Make a pipeline."""
        ...

    # A reply may be anything.
    def execute_command(self, *arguments: "str | bytes") -> Any:
        """Send a command; give the reply."""
        ...


@final
@dataclass(frozen=True, slots=True)
class ValkeyConfig:
    """``LOCATION`` and ``OPTIONS``, read."""

    # What redis-py's connections take is theirs to say.
    threads: "tuple[dict[str, Any], ...]"
    """What the blocking connections take, for each URL of ``LOCATION``."""
    loops: "tuple[dict[str, Any], ...]"
    """What the asynchronous connections take, for each URL of ``LOCATION``."""
    cluster: bool
    prefix: str
    timeout: float
    health_interval: float
    max_payload: int

    @classmethod
    def read(cls, location: str, options: "Mapping[str, object]") -> "ValkeyConfig":
        """Read the settings.

        Raises:
            ImproperlyConfigured: Something is wrong; the message shows no URL, since that may hold a password.
        """
        left = dict(options)
        cluster = take_option(left, "CLUSTER", bool, default=False)
        prefix = take_option(left, "PREFIX", str, "django_ws:")
        timeout = _seconds(left, "TIMEOUT")
        health_interval = _seconds(left, "HEALTH_INTERVAL")
        max_payload = take_option(left, "MAX_PAYLOAD", int, 8 * _MEBIBYTE)
        if max_payload < 1:
            raise ImproperlyConfigured(f"OPTIONS['MAX_PAYLOAD'] is {max_payload}, but must be over 0 bytes")
        no_options(left)
        urls = location.split(",") if cluster else [location]
        common = {"protocol": 2, "decode_responses": False, "socket_connect_timeout": timeout}
        # A command that failed is never sent again: it may have been carried out.
        by_threads = common | {"retry": Retry(NoBackoff(), 0), "socket_timeout": timeout}
        by_loops = common | {"retry": LoopRetry(NoBackoff(), 0), "socket_timeout": None}
        # redis-py does not say what its keyword arguments are.
        parse = cast("Callable[[str], Any]", vars(for_threads)["parse_url"])
        return cls(
            threads=tuple(_parse(parse, for_threads.Connection, url) | by_threads for url in urls),
            loops=tuple(_parse(for_loops.parse_url, for_loops.Connection, url) | by_loops for url in urls),
            cluster=cluster,
            prefix=prefix,
            timeout=timeout,
            health_interval=health_interval,
            max_payload=max_payload,
        )

    def connection(self, address: "Address | int", /) -> Connection:
        """Make an asynchronous connection, not yet connected, to a node or to one of the URLs."""
        arguments = self._of(self.loops, address)
        connection_class = arguments.pop("connection_class")
        arguments.pop("max_connections", None)
        return cast("Connection", connection_class(**arguments))

    def client(self, address: "Address | int", /) -> "Client":
        """Make a blocking client of a node or of one of the URLs; threads and forks may share it."""
        return cast("Client", Redis(connection_pool=ConnectionPool(**self._of(self.threads, address))))

    def host_of(self, address: "Address | int", /) -> str:
        """Give the host of a node or of one of the URLs."""
        return str(self.threads[address].get("host", "localhost")) if isinstance(address, int) else address[0]

    # See threads.
    def _of(self, urls: "tuple[dict[str, Any], ...]", address: "Address | int") -> "dict[str, Any]":
        if isinstance(address, int):
            return dict(urls[address])
        return urls[0] | {"host": address[0], "port": address[1]}

    def commands(self, messages: "Sequence[ChannelMessage]", /) -> "list[Command]":
        """Make the commands that publish messages.

        Raises:
            PayloadTooBigError: One is too big.
        """
        name, prefix, bound = "SPUBLISH" if self.cluster else "PUBLISH", self.prefix, self.max_payload
        for channel, payload in messages:
            if len(payload) > bound:
                raise PayloadTooBigError(
                    f"an event for {channel} has {len(payload)} bytes, but OPTIONS['MAX_PAYLOAD'] is {bound}"
                )
        return [(name, prefix + channel, payload) for channel, payload in messages]


@final
class Slots:
    """Which node of a cluster has which channel.

    Args:
        rows: What ``CLUSTER SLOTS`` says.
        asked: The host that said it, for where it does not name itself.
    """

    # The reply as it is read.
    def __init__(self, rows: "Iterable[Any]", asked: str) -> None:
        found: list[tuple[int, int, Address]] = []
        for start, end, primary, *_ in rows:
            host = (primary[0] or b"").decode()
            found.append((start, end, (asked if host in {"", "?"} else host, primary[1])))
        self._rows: list[tuple[int, int, Address]] = sorted(found)
        self._starts: list[int] = [row[0] for row in self._rows]

    def addresses(self) -> "list[Address]":
        """Give every node that has slots."""
        return list(dict.fromkeys(row[2] for row in self._rows))

    @staticmethod
    def slot_of(name: str, /) -> int:
        """Give the slot of a channel."""
        return key_slot(name.encode())

    def address_of(self, name: str, /) -> Address:
        """Give the node that has a channel.

        Raises:
            BrokerError: No node has its slot.
        """
        slot = self.slot_of(name)
        place = bisect_right(self._starts, slot) - 1
        if place < 0 or slot > self._rows[place][1]:
            raise BrokerError(f"no node of the Valkey cluster has the slot {slot}")
        return self._rows[place][2]


def by_node(slots: Slots | None, commands: "Sequence[Command]") -> "dict[Address | int, list[Command]]":
    """Give the commands of each node, in order; without a cluster all are of the one URL.

    Raises:
        BrokerError: No node has the slot of one.
    """
    if slots is None:
        return {0: list(commands)}
    grouped: dict[Address | int, list[Command]] = {}
    for command in commands:
        grouped.setdefault(slots.address_of(command[1]), []).append(command)
    return grouped


def refusals(commands: "Sequence[Command]", replies: "Sequence[object]") -> "list[tuple[Command, ResponseError]]":
    """Give the commands that were refused, each with the error."""
    return [
        (command, reply) for command, reply in zip(commands, replies, strict=True) if isinstance(reply, ResponseError)
    ]


def broken(what: str, error: BaseException, /) -> BrokerError:
    """Make our error of one of redis-py or of the system; redis-py's messages name host and port, and no password."""
    text = "it did not answer in time" if isinstance(error, TimeoutError) and not str(error) else str(error)
    return BrokerError(f"{what}: {text.rstrip('.') or type(error).__name__}")


def is_moved(error: object, /) -> bool:
    """Say whether a node refused a command because another node has the slot; then it was not carried out."""
    return isinstance(error, ResponseError) and type(error).__name__ in {"MovedError", "AskError", "TryAgainError"}


def _seconds(options: dict[str, object], name: str) -> float:
    value = take_option(options, name, object, default=5.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ImproperlyConfigured(f"OPTIONS[{name!r}] is {value!r}, but must be seconds over 0")
    return float(value)


# redis-py says only that a URL gives keyword arguments.
def _parse(parse: "Callable[[str], Any]", connection_class: type, url: str) -> "dict[str, Any]":
    try:
        return {"connection_class": connection_class, **parse(url.strip())}
    except ValueError:
        # Neither the URL nor the error's own words: either may show a password.
        raise ImproperlyConfigured(
            "LOCATION is no URL of a Valkey: it must be redis://host:port, rediss://host:port or unix:///path, with "
            "a user and a password, percent-encoded, before an @"
        ) from None
