"""The client's side of a fault: what it does, to which socket, and what it expects to be answered."""

import asyncio
import contextlib
import random
import socket
import time
from dataclasses import dataclass
from typing import Final

from resilience.sites import Site
from servers.raw import PING, PONG, TEXT, RawClient, frame

__all__ = [
    "DEADLINE",
    "FAILING",
    "HANDSHAKE",
    "HELD",
    "NO_CLOSE_FRAME",
    "WAYS",
    "Injection",
    "can_vanish",
    "inject",
    "message",
    "plan",
]

DEADLINE: Final = 30.0
"""Seconds within which a server answers, on a busy machine."""

_TCP_REPAIR: Final = 19
"""Of Linux: a socket that is closed in this mode says nothing to its peer."""

NO_CLOSE_FRAME: Final = "ended without a close frame"
"""How a client that waited for one says that it saw none, nor perhaps the answer to the handshake before it."""

HANDSHAKE: Final = ("request", "connect", "middleware")
"""Where a handshake is broken: within its request, and while it is held by ``on_connect`` or a middleware."""

HELD: Final = ("idle", "open", "message", "task", "close", "sending")
"""What a socket is at when its client breaks off."""

SILENT: Final = "silent"
"""A handshake that is begun and never finished."""

WAYS: Final = ("rst", "fin", "half-close", "vanish", "cut-rst", "cut-fin", "close-rst")
"""How a client breaks off: in the middle of a frame, after a close frame, without a word."""

FAILING: Final[dict[str, tuple[str, ...]]] = {
    "middleware": ("middleware",),
    "middleware-after": ("middleware-after",),
    "init": ("init",),
    "subprotocol": ("subprotocol",),
    "connect": ("connect",),
    "accepted": ("accepted",),
    "open": ("open",),
    "open-close": ("open", "close"),
    "message": ("message",),
    "error": ("message", "error"),
    "thread": ("thread",),
    "stray": ("stray",),
    "task": ("task",),
    "task-error": ("task", "task-error"),
    "loop": ("loop",),
    "close": ("close",),
}
"""Where the project's code fails, and the faults that come of it, each logged once."""

DENIED: Final = frozenset({"middleware", "init", "subprotocol", "connect"})
ENDED_AT_ONCE: Final = frozenset({"accepted", "open", "open-close"})
ENDED_BY_MESSAGE: Final = frozenset({"message", "error", "thread", "stray"})
TOLD: Final = frozenset({"task", "task-error", "loop"})
LIVES_ON: Final = TOLD | {"close", "middleware-after"}
"""Places where the connection outlives the fault, and its task goes on sending; or the fault comes after its end."""


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault."""

    key: str
    kind: str
    """``handshake``, ``held``, ``failing`` or ``both``: the project's code fails while the client breaks off."""
    place: str
    way: str
    """Empty for ``failing``."""
    pause: float
    """Seconds between what leads to the fault and the breaking off; at random, to hit every moment."""
    share: float
    """Of a request that is never finished."""

    @property
    def faults(self) -> tuple[str, ...]:
        """The keys of the faults that must be raised in the server, come what may."""
        return tuple(f"{self.key}-{name}" for name in FAILING[self.place]) if self.kind == "failing" else ()

    @property
    def is_cancelled(self) -> bool:
        """Whether a hook outlives its client and is cancelled, which is logged once."""
        return self.kind == "held" and self.place in {"open", "message"}


def can_vanish() -> bool:
    """Say whether this process may drop a connection without a word to the peer (root on Linux may)."""
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
        except OSError:
            return False
        return True


def plan(count: int, chance: random.Random, prefix: str, *, vanish: bool) -> list[Injection]:
    """Draw ``count`` faults: each kind as often as any other, each place and way in turn, in random order."""
    ways = [way for way in WAYS if vanish or way != "vanish"]
    early = [way for way in ways if way in {"rst", "fin", "half-close", "vanish"}]
    both = [(place, way) for place in FAILING for way in early if way != "vanish" or place in LIVES_ON]
    kinds: dict[str, list[tuple[str, str]]] = {
        # Who vanishes is noticed by nobody who does not write to it. Within the request, and after the last word of the
        # application, that is the server's affair, and not every server has a time-out for it.
        "handshake": [
            ("request", SILENT),
            *[(place, way) for place in HANDSHAKE for way in early if (place, way) != ("request", "vanish")],
        ],
        "held": [(place, way) for place in HELD for way in ways],
        "failing": [(place, "") for place in FAILING],
        "both": both,
    }
    for pairs in kinds.values():
        chance.shuffle(pairs)
    made: list[Injection] = []
    for number in range(count):
        kind = list(kinds)[number % len(kinds)]
        place, way = kinds[kind][number // len(kinds) % len(kinds[kind])]
        pause = chance.choice((0, 0, 0.001, 0.005, 0.02, 0.1))
        made.append(Injection(f"{prefix}-{number}", kind, place, way, pause, chance.random()))
    chance.shuffle(made)
    return made


async def inject(site: Site, injection: Injection, kept: list[RawClient]) -> str:
    """Do it.

    Args:
        site: Where.
        injection: What.
        kept: Takes the clients of handshakes that are never finished; the caller ends them.

    Returns:
        What the client saw and should not have seen; empty if all was well.
    """
    client: RawClient | None = None
    try:
        async with asyncio.timeout(DEADLINE):
            path = "failing" if injection.kind in {"failing", "both"} else "held"
            target = f"/{path}/{injection.place}/?id={injection.key}"
            if injection.place == "request":
                client = await half_asked(site.port, target, injection.share)
            else:
                client = await RawClient.open(site.port, target, headers=(("Sec-WebSocket-Protocol", "chat"),))
            keep_what_came(client.reader)
            match injection.kind:
                case "handshake" if injection.way == SILENT:
                    kept.append(client)
                    client = None
                case "handshake":
                    await asyncio.sleep(injection.pause)
                    await break_off(client, injection.way)
                case "held":
                    await reach(client, injection.place)
                    await asyncio.sleep(injection.pause)
                    await break_off(client, injection.way)
                case "failing":
                    wrong = await see_failure(site, client, injection.place)
                    return f"{injection.key}: {wrong}" if wrong else ""
                case _:
                    await provoke(client, injection)
                    await break_off(client, injection.way)
    except TimeoutError:
        return f"{injection}: no answer within {DEADLINE:g} s"
    except (OSError, EOFError) as error:
        # Where only the server's side fails, the client sees a proper end.
        return f"{injection}: {error!r}" if injection.kind in {"failing", "held"} else ""
    finally:
        if client is not None:
            await client.leave()
    return ""


def keep_what_came(reader: asyncio.StreamReader) -> None:
    """Let a reset end the stream and no more: asyncio would forget what came before it and has not been read yet."""
    # Streams make their readers themselves.
    reader.set_exception = lambda exc: reader.feed_eof()  # type: ignore[method-assign]


async def half_asked(port: int, target: str, share: float) -> RawClient:
    """Send ``share`` of a handshake's request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(request.encode()[: int(len(request) * share)])
    return RawClient(reader, writer, writer.get_extra_info("socket"))


async def message(client: RawClient) -> bytes:
    """Read one message; the server's pings are answered, lest it take the client for dead."""
    while True:
        opcode, payload = await client.receive()
        if opcode != PING:
            return payload
        client.send(PONG, payload)


async def expect(client: RawClient, text: bytes) -> None:
    """Read until ``text`` comes; the ticks of the task come in between."""
    while await message(client) != text:
        pass


async def opened(client: RawClient) -> None:
    status = (await client.answer()).status
    if status != 101:
        raise ConnectionError(f"the handshake was answered with {status}")


async def reach(client: RawClient, place: str) -> None:
    """Bring a socket to where it is to be broken into."""
    await opened(client)
    if place != "message":
        await expect(client, b"held")
    match place:
        case "message":
            client.send(TEXT, b"hello")
            await expect(client, b"held")
        case "sending":
            client.send(TEXT, b"send")
        case "close":
            client.close(4321)
        case _:
            pass


async def provoke(client: RawClient, injection: Injection) -> None:
    """Lead to a fault, without a look at what comes of it."""
    if injection.place in DENIED | ENDED_AT_ONCE:
        await asyncio.sleep(injection.pause)
        return
    await opened(client)
    if injection.place in ENDED_BY_MESSAGE:
        client.send(TEXT, b"fail")
    await asyncio.sleep(injection.pause)


async def see_failure(site: Site, client: RawClient, place: str) -> str:
    """Lead to a fault, and see that the client is told what it should be."""
    habits = site.habits
    try:
        status = (await client.answer()).status
    except asyncio.IncompleteReadError as error:
        if error.partial or place not in ENDED_AT_ONCE:
            raise
        # The answer and the close frame went the same way.
        return f"{place}: {NO_CLOSE_FRAME} and without an answer to the handshake"
    expected = (500 if habits.denial_response else 403) if place in DENIED else 101
    if status != expected:
        return f"{place}: the handshake was answered with {status}, not {expected}"
    if place in DENIED:
        return ""
    if place in ENDED_BY_MESSAGE:
        client.send(TEXT, b"fail")
    if place in ENDED_BY_MESSAGE | ENDED_AT_ONCE:
        began = time.monotonic()
        _, code = await client.messages()
        expected = 1011 if habits.any_close_code else 4011
        seconds = time.monotonic() - began
        if code == 1006:
            return f"{place}: {NO_CLOSE_FRAME}, not {expected}, after {seconds:.2f} s"
        return "" if code == expected else f"{place}: closed with {code}, not {expected}, after {seconds:.2f} s"
    if place in TOLD:
        await expect(client, b"told")
    client.send(TEXT, b"still there")
    await expect(client, b"still there")
    client.close()
    await client.messages()
    return ""


async def break_off(client: RawClient, way: str) -> None:
    """End the connection in one of the :data:`WAYS`."""
    match way:
        case "cut-rst" | "cut-fin":
            client.writer.write(frame(TEXT, b"x" * 100)[:40])
        case "close-rst":
            client.close(4321)
        case _:
            pass
    match way:
        case "fin" | "cut-fin":
            client.writer.close()
        case "half-close":
            client.writer.write_eof()
            with contextlib.suppress(ConnectionError):
                while await client.reader.read(1 << 16):
                    pass
        case "vanish":
            client.socket.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
            client.writer.transport.abort()
        case _:
            client.reset()
