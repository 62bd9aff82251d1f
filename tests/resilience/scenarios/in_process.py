"""Bad messages through the whole application, without a wire: as many as there is time for, each verdict checked."""

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle, islice
from random import Random
from typing import Any, Final

import django
from django.apps import apps
from django.conf import settings

from django_ws import get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.testing import FakeResolver, Peer, websocket_scope
from resilience.findings import IN_PROCESS, Finding, at_least, at_most, documented, equal
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.fuzzed import Message, drawn, mutated
from resilience.scenarios.verdicts import meaning, verdict
from resilience.scenarios.watch import Watch
from resilience.site import ledger
from resilience.site.fuzzed import (
    ClosingJSON,
    FuzzedBytes,
    FuzzedJSON,
    FuzzedOrders,
    FuzzedText,
    closing_function,
)

__all__ = ["NAME", "Tally", "application", "messages_in_process", "visit"]

NAME: Final = "bad_input"

_KINDS: Final = {
    "json": FuzzedJSON,
    "orders": FuzzedOrders,
    "text": FuzzedText,
    "bytes": FuzzedBytes,
    "closing-json": ClosingJSON,
    "closing-function": closing_function,
}

_ROUND: Final = ("json", "json", "json", "json", "orders", "text", "bytes", "closing-json", "closing-function")
"""In which order they are fed: JSON is what there is most to go wrong in."""

_VISIT: Final = 250
"""Messages of one connection."""

_WARM: Final = 0.2
"""Share of the messages before memory is compared."""

_TURNS: Final = 100_000
"""Of the event loop, within which a visit's messages are handled."""

_FLAT: Final = 1.05
"""Memory may grow by so much."""


def application() -> WebSocketApplication:
    """Make the application, and a Django for it where none is set up."""
    if not apps.ready:
        settings.configure(SECRET_KEY="only for tests", ALLOWED_HOSTS=["127.0.0.1"])
        django.setup(set_prefix=False)

    # ASGI: scopes and events are open dicts.
    async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
        raise AssertionError

    routes = {f"/{kind}/": target for kind, target in _KINDS.items()}
    return get_websocket_application(no_http, resolver=FakeResolver(routes), middleware=[])


@dataclass(slots=True)
class Tally:
    """What became of the messages."""

    handled: int = 0
    refused: int = 0
    misjudged: int = 0
    """Taken or refused otherwise than foretold."""
    altered: int = 0
    """Connections on which something else came back than was sent."""
    wrong_ends: int = 0
    """Connections that closed, or did not, otherwise than they should."""
    unreturnable: int = 0
    """Messages that were taken, but have no form in which they could go back."""


def _counts() -> tuple[int, int, int]:
    counts = ledger._counts
    return counts["fuzz taken"], counts["fuzz refused"], counts["fuzz unreturnable"]


async def visit(app: WebSocketApplication, kind: str, messages: list[Message], tally: Tally) -> None:
    """Feed one connection, and hold what it does to what was foretold."""
    verdicts = [verdict(kind, message) for message in messages]
    if kind.startswith("closing"):
        ends = next((number for number, taken in enumerate(verdicts) if not taken), len(messages))
        # Whether a message that may be either ends it is not foretold: leave it to the sockets that stay.
        verdicts = verdicts[: ends + 1]
        if verdicts[-1] is None:
            verdicts.pop()
        messages = messages[: len(verdicts)]
    peer = Peer(app, websocket_scope(f"/{kind}/", headers=[("host", "127.0.0.1")]))
    before = _counts()
    async with peer:
        await peer.connect()
        for message in messages:
            if isinstance(message, str):
                peer.text(message)
            else:
                peer.binary(message)
        for _ in range(_TURNS):
            if _handled(kind, peer, before, len(messages)):
                break
            await asyncio.sleep(0)
    taken, refused, unreturnable = (now - then for now, then in zip(_counts(), before, strict=True))
    if kind == "closing-function":
        refused = int(peer.close_code is not None)  # it has no hook that could count
    _judge(kind, messages, verdicts, peer, (taken, refused, unreturnable), tally)


def _handled(kind: str, peer: Peer, before: tuple[int, int, int], count: int) -> bool:
    if peer.close_code is not None:
        return True
    taken, refused, _ = _counts()
    return taken - before[0] + refused - before[1] == count


def _judge(
    kind: str,
    messages: list[Message],
    verdicts: list[bool | None],
    peer: Peer,
    counted: tuple[int, int, int],
    tally: Tally,
) -> None:
    taken, refused, unreturnable = counted
    tally.handled += taken + refused
    tally.refused += refused
    tally.unreturnable += unreturnable
    open_ends = verdicts.count(None)
    tally.misjudged += max(0, verdicts.count(True) - taken, verdicts.count(False) - refused)
    tally.misjudged += abs(taken + refused - len(verdicts))
    if kind.startswith("closing"):
        should = 1 if verdicts and verdicts[-1] is False else 0
        tally.wrong_ends += (peer.close_code in {1003, 1007, 1009}) != should
    else:
        tally.wrong_ends += peer.close_code is not None
    if open_ends or unreturnable:
        return
    sent = [message for message, is_taken in zip(messages, verdicts, strict=True) if is_taken]
    back: list[Message] = [
        event["bytes"] if event.get("text") is None else event["text"]
        for event in peer.events
        if event["type"] == "websocket.send"
    ]
    tally.altered += meaning(kind, sent) != meaning(kind, back)


def _batches(messages: Iterator[Message]) -> Iterator[list[Message]]:
    while batch := list(islice(messages, _VISIT)):
        yield batch


async def messages_in_process(scale: Scale, progress: Progress) -> list[Finding]:
    """Feed them, and say what was found."""
    app = application()
    progress.begin("bad input, in-process", scale.fuzzed_messages)
    kinds = cycle(_ROUND)
    tally = Tally()
    warm = 0
    tasks = len(asyncio.all_tasks())
    with Watch() as watch:
        for batch in _batches(chain(drawn(scale.hypothesis_messages, scale.seed), mutated(Random(scale.seed)))):
            done = tally.handled
            await visit(app, next(kinds), batch, tally)
            progress.advance(tally.handled - done)
            if not warm and tally.handled >= scale.fuzzed_messages * _WARM:
                warm = _memory()
            if tally.handled >= scale.fuzzed_messages:
                break
    memory = _memory()

    def none(what: str, measured: float) -> Finding:
        return equal(NAME, IN_PROCESS, what, measured)

    if watch.others:
        progress.note(f"bad input: unexpected in the log: {watch.others[0][-2000:]}")
    return [
        at_least(NAME, IN_PROCESS, "messages handled", tally.handled, scale.fuzzed_messages),
        documented(NAME, IN_PROCESS, "of these refused", tally.refused),
        none("taken or refused otherwise than a plain decoder says", tally.misjudged),
        none("connections on which something else came back than was sent", tally.altered),
        none("connections that ended otherwise than they should", tally.wrong_ends),
        none("messages taken that cannot be sent back", tally.unreturnable),
        none("log entries other than one short line for a refusal", len(watch.others)),
        at_most(NAME, IN_PROCESS, "log entries for each message refused", watch.refusals / max(1, tally.refused), 1),
        none("log entries with a payload in them", watch.payloads),
        none("tasks left", len(asyncio.all_tasks()) - tasks),
        at_most(NAME, IN_PROCESS, "memory at the end to that after a fifth", round(memory / warm, 3), _FLAT),
    ]


def _memory() -> int:
    gc.collect()
    return ledger._memory()
