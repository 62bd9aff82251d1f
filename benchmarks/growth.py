"""How the cost grows: with the message's size, with the number of connections, with the middleware."""

import json
from typing import TYPE_CHECKING, Any, Final

from benchmarks.apps import PATHS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.processes import Server, Worker
    from benchmarks.rounds import Run

__all__ = ["run_growth", "run_growth_of_connections"]

_SIZES: Final = (100, 1_000, 10_000, 100_000, 1_048_576)
_MIDDLEWARE: Final = (0, 1, 2, 3, 5, 10)
_SHOWN: Final = ("ceiling", "django-ws", "starlette", "channels")
_WITH_MIDDLEWARE: Final = ("ceiling", "django-ws")
_SHORT: Final = '{"text": "Hello, world of websockets!"}'


def json_of(size: int) -> str:
    """Make a JSON text of exactly so many bytes: a list of small objects, as messages are, and a string to fill up."""
    item = {"id": 1234, "user": "alice", "text": "Hello, world!"}
    frame = len(json.dumps({"items": [], "fill": ""}))
    count = max(0, (size - frame) // (len(json.dumps(item)) + 2))
    message = {"items": [item] * count, "fill": ""}
    message["fill"] = "x" * (size - len(json.dumps(message)))
    return json.dumps(message)


def run_growth(run: "Run", workers: "Mapping[str, Worker]") -> None:
    """Measure the time of larger messages, and of more middleware."""
    plan = run.plan
    some = [one.name for one in run.taking_part("json") if one.name in _SHOWN]
    run.begin("Growth: size of a JSON message", plan.growth_rounds * len(_SIZES) * len(some))
    for size in _SIZES:
        text = json_of(size)
        for _ in range(plan.growth_rounds):
            for name in run.shuffled(some):
                sample = workers[name].ask("message", kind="json", text=text, seconds=plan.seconds)
                run.results.add_point("size", name, size, sample)
                run.step()
    # An operation and its arguments, which are any JSON. A message is waited for: its way to the socket then leads
    # through every level.
    pictures: tuple[tuple[str, dict[str, Any]], ...] = (
        ("middleware-connection", {"op": "connection"}),
        ("middleware-message", {"op": "message", "waiting": True}),
    )
    run.begin("Growth: middleware", plan.growth_rounds * len(_MIDDLEWARE) * len(_WITH_MIDDLEWARE) * len(pictures))
    for _ in range(plan.growth_rounds):
        for picture, arguments in pictures:
            for count in run.shuffled(_MIDDLEWARE):
                for name in run.shuffled(_WITH_MIDDLEWARE):
                    sample = workers[name].ask(
                        **arguments, kind="json", text=_SHORT, seconds=plan.seconds, middleware=count
                    )
                    run.results.add_point(picture, name, count, sample)
                    run.step()


def run_growth_of_connections(run: "Run", servers: "Mapping[str, Server]", client: "Worker", most: int) -> None:
    """Measure the messages a second of more connections, each with one message on its way."""
    plan = run.plan
    some = [one.name for one in run.taking_part("json") if one.name in _SHOWN]
    counts = sorted({min(count, most) for count in plan.growth_connections})
    run.begin("Growth: connections", len(counts) * len(some) * plan.growth_rounds)
    for count in counts:
        # One server's sockets at a time: together they may be more than a process may hold.
        at_once = [some] if count * len(some) < most else [[name] for name in some]
        for names in at_once:
            for name in names:
                client.ask("open", name=name, port=servers[name].port, path=PATHS["json"], count=count)
            for _ in range(plan.growth_rounds):
                for name in run.shuffled(names):
                    found = client.ask("echo", name=name, text=_SHORT, in_flight=1, seconds=plan.seconds_for(2 * count))
                    run.results.add_point("connections", name, count, found["rate"])
                    run.step()
            for name in names:
                client.ask("close", name=name)
