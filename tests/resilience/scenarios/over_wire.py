"""Bad messages, frames and handshakes over a real server, beside a socket that goes on echoing."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from resilience.findings import Finding, at_most, documented, equal
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.fuzzed import MARK, Message, mutated
from resilience.scenarios.fuzzed_frames import bad_frames, bad_handshake
from resilience.scenarios.in_process import NAME
from resilience.scenarios.watch import ACCESS, REFUSAL
from resilience.sites import Site, site
from servers.habits import Habits
from servers.harness import NEVER
from servers.raw import BINARY, CLOSE, PING, PONG, TEXT, RawClient

__all__ = ["blame", "bytes_over_wire"]

_RECORD: Final = re.compile(r"[A-Z]+ (django_ws[.\w]*): (.*)")
"""A line of ours: its logger and its text."""

_AT_ONCE: Final = 10
"""Connections that do harm side by side."""

_VISIT: Final = 20
"""Messages with a bad payload of one connection."""

_BETWEEN: Final = 25
"""Cases between two echoes of the healthy socket."""

_PATIENCE: Final = 20.0
"""Seconds within which a server must have dealt with a client that has sent all that it will."""

_WARM: Final = 0.3
"""Share of the cases before memory is compared."""

_FLAT: Final = 1.05

_KEEPS_SOME: Final = frozenset({"hypercorn"})
"""Servers that keep tasks of their own of a connection whose application has ended: hypercorn 0.18 does, with a bare
application too, where messages came after the application's close, and for a handshake without ``Connection``."""

_PAUSE: Final = 0.3
"""Seconds that a server has to end a connection which a client has broken, before the client ends it."""

_SETTLE: Final = 20.0
_SETTLE_SOME: Final = 3.0
"""Seconds for the server to clean up; fewer where it is known that some of its own will be left."""

_REST: Final = "the rest is here"
"""Ends a visit: a message that every socket of text takes."""

_PATHS: Final = ("json", "json", "orders", "text", "bytes", "closing-json")

_DENIAL: Final = re.compile(r"(?:Not Found|Forbidden|Bad Request): '.*'.*")


@dataclass(slots=True)
class Work:
    """What has been done to one server."""

    site: Site
    random: Random
    messages: Iterator[Message]
    left: int
    """Messages, frames and handshakes still to be sent."""
    done: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    """Visits with frames in order that did not come to their end."""

    def take(self, most: int) -> int:
        """Take some of what is left."""
        count = min(most, self.left)
        self.left -= count
        return count


async def bytes_over_wire(scale: Scale, progress: Progress, habits: Habits) -> list[Finding]:
    """Send them, and say what was found."""
    progress.begin(f"bad input, {habits.title}", scale.fuzzed_per_server)
    random = Random(scale.seed)
    with site(habits) as running:
        work = Work(running, random, mutated(random), int(scale.fuzzed_per_server * _WARM))
        base = await running.reading()
        async with asyncio.timeout(_PATIENCE):
            healthy = await _connect(running, "text")
        echoes = await _harm(work, healthy, progress)
        warm = await running.reading()
        work.left = scale.fuzzed_per_server - sum(work.done.values())
        echoes += await _harm(work, healthy, progress)
        await healthy.farewell()
        # On this one server all has been asked for, and the healthy socket has gone.
        end = await running.settled(base, _SETTLE_SOME if habits.key in _KEEPS_SOME else _SETTLE)
        output = running.output()
    return [
        equal(
            NAME, habits.key, "messages, frames and handshakes sent", sum(work.done.values()), scale.fuzzed_per_server
        ),
        documented(NAME, habits.key, "of these", ", ".join(f"{key} {n}" for key, n in sorted(work.done.items()))),
        equal(NAME, habits.key, "messages in order that were not answered in time", work.unanswered),
        equal(NAME, habits.key, "echoes that the healthy socket missed", echoes),
        equal(NAME, habits.key, "on_open without on_close", end.opened - end.closed),
        equal(NAME, habits.key, "connections and handlers left", end.connections - base.connections + end.handlers),
        _left(habits, "tasks left", end.tasks - base.tasks),
        _left(habits, "file descriptors left", end.descriptors - base.descriptors),
        equal(NAME, habits.key, "messages taken that cannot be sent back", end.counts.get("fuzz unreturnable", 0)),
        at_most(NAME, habits.key, "memory at the end to that after a third", round(end.memory / warm.memory, 3), _FLAT),
        *_findings_of_log(habits, output, end.counts, work, progress),
    ]


def _left(habits: Habits, what: str, count: int) -> Finding:
    if habits.key in _KEEPS_SOME:
        return documented(NAME, habits.key, what, count)
    return at_most(NAME, habits.key, what, count, 0)


def _is_access(record: re.Match[str]) -> bool:
    return record[1] == "django_ws.access" and ACCESS.fullmatch(record[2]) is not None


def _findings_of_log(
    habits: Habits, output: str, counts: dict[str, int], work: Work, progress: Progress
) -> list[Finding]:
    ours, theirs = blame(output)
    lines = [found[2] for found in map(_RECORD.match, output.splitlines()) if found and not _is_access(found)]
    refusals = sum(REFUSAL.fullmatch(line) is not None for line in lines)
    denials = sum(_DENIAL.fullmatch(line) is not None for line in lines)
    if ours:
        progress.note(f"{habits.title}: {ours[0]}")
    return [
        equal(NAME, habits.key, "tracebacks that go through django-ws", len(ours)),
        documented(NAME, habits.key, "tracebacks of the server's own", len(theirs)),
        at_most(NAME, habits.key, "log entries for messages refused", refusals, counts.get("fuzz refused", 0)),
        at_most(NAME, habits.key, "log entries for handshakes denied", denials, work.done["handshakes"]),
        equal(NAME, habits.key, "other log entries of django-ws", len(lines) - refusals - denials),
        equal(NAME, habits.key, "payloads in the log", output.count(MARK)),
        equal(NAME, habits.key, "what no log may have in it", sum(text in output for text in NEVER)),
    ]


def blame(output: str) -> tuple[list[str], list[str]]:
    """Give the tracebacks of the output: those with a frame in django-ws, and those without, the server's own."""
    ours: list[str] = []
    theirs: list[str] = []
    for part in output.split("Traceback (most recent call last):\n")[1:]:
        # It ends with the first line that is not indented: the exception.
        block = re.match(r"(?:\s+.*\n)*.*", part)
        text = block[0] if block else part
        (ours if "/django_ws/" in text else theirs).append(text)
    return ours, theirs


async def _harm(work: Work, healthy: RawClient, progress: Progress) -> int:
    """Send what is left of the work; give how many echoes the healthy socket missed."""
    missed = 0
    while work.left:
        before = sum(work.done.values())
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                _ = group.create_task(_some(work))
        progress.advance(sum(work.done.values()) - before)
        healthy.send(TEXT, b"still there")
        try:
            async with asyncio.timeout(_PATIENCE):
                missed += await _next(healthy) != b"still there"
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            missed += 1
    return missed


async def _some(work: Work) -> None:
    for _ in range(_BETWEEN // _AT_ONCE):
        kind = work.random.choices(("payloads", "frames", "handshakes"), (1, 3, 2))[0]
        count = work.take(_VISIT if kind == "payloads" else 1)
        if not count:
            return
        work.done[kind] += count
        try:
            async with asyncio.timeout(_PATIENCE):
                match kind:
                    case "payloads":
                        await _payloads(work, count)
                    case "frames":
                        await _frames(work)
                    case _:
                        await _handshake(work)
        except TimeoutError:
            work.unanswered += 1


async def _connect(running: Site, kind: str) -> RawClient:
    client = await RawClient.open(running.port, f"/fuzzed/{kind}/")
    status = (await client.answer()).status
    if status != 101:
        raise RuntimeError(f"{running.habits.title} answered {status} to a handshake that is in order")
    return client


async def _next(client: RawClient) -> bytes:
    """Read the next message, and answer the server's pings on the way, as a client that is to stay must."""
    while True:
        opcode, payload = await client.receive()
        if opcode in {TEXT, BINARY}:
            return payload
        if opcode == PING:
            client.send(PONG, payload)
        if opcode == CLOSE:
            client.send(CLOSE, payload)
            raise ConnectionResetError("the server closed")


async def _payloads(work: Work, count: int) -> None:
    """Send messages in frames that are in order, and see that the socket lives or has closed for a reason."""
    kind = work.random.choice(_PATHS)
    client = await _connect(work.site, kind)
    try:
        for _ in range(count):
            if client.writer.is_closing():
                break
            message = next(work.messages)
            if isinstance(message, str):
                client.send(TEXT, message.encode())
            else:
                client.send(BINARY, message)
        last = {"bytes": _REST, "text": _REST, "orders": '{"number":1,"name":"the rest is here"}'}
        text = last.get(kind, f'"{_REST}"').encode()
        client.send(BINARY if kind == "bytes" else TEXT, text)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await _next(client) != text:
                pass
            await client.farewell()
    finally:
        await client.leave()


async def _frames(work: Work) -> None:
    """Break the protocol, whether or not the server ends the connection."""
    client = await _connect(work.site, work.random.choice(_PATHS))
    await _send_and_wait(client.reader, client.writer, bad_frames(work.random))


async def _handshake(work: Work) -> None:
    """Ask wrongly, whether or not the server answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", work.site.port)
    await _send_and_wait(reader, writer, bad_handshake(work.random, work.site.port))


async def _send_and_wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send, and wait a while for the server to end the connection; if it does not, so that it waits for more, reset."""
    try:
        writer.write(data)
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_PAUSE):
                while await reader.read(1 << 16):
                    pass
    finally:
        writer.transport.abort()
