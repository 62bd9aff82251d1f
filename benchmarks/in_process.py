"""The rounds without a network: what the application itself costs."""

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from benchmarks.implementations import IMPLEMENTATIONS
from benchmarks.measures import AGAIN, MESSAGE, OURS, WITHOUT, measure
from benchmarks.processes import Worker, WorkerError, application_worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.apps import Kind, Stack
    from benchmarks.rounds import Run

__all__ = ["check_work", "run_in_process", "workers_of"]

# An operation and its arguments, which are any JSON.
_MEASURED: "Final[Mapping[str, tuple[Kind, dict[str, Any]]]]" = {
    "json": ("json", {"op": "message"}),
    "text": ("text", {"op": "message"}),
    "json-waiting": ("json", {"op": "message", "waiting": True}),
    "text-waiting": ("text", {"op": "message", "waiting": True}),
    "connection": ("text", {"op": "connection"}),
    "connection-json": ("json", {"op": "connection"}),
    "connection-bare": ("text", {"op": "connection", "own_task": False}),
}


_STACKS: "Final[Mapping[str, Stack]]" = {"handshake-startproject": "startproject", "handshake-async": "async"}
"""Measures of what Django's ``MIDDLEWARE`` costs a connection, and which they are."""


def workers_of(stack: ExitStack) -> dict[str, Worker]:
    """Start a worker for each implementation that is installed, and see that all do the same work."""
    workers = {one.name: stack.enter_context(application_worker(one)) for one in IMPLEMENTATIONS if one.is_installed}
    for one in IMPLEMENTATIONS:
        if one.name in workers:
            check_work(workers[one.name], one.kinds)
    return workers


def check_work(worker: Worker, kinds: "frozenset[Kind]") -> None:
    """See that an implementation sends back what it was sent.

    Raises:
        WorkerError: It does not.
    """
    for kind in sorted(kinds & {"json", "text", "fast"}):
        texts: list[str] = worker.ask("echo", kind=kind, text=MESSAGE)
        right = [text == MESSAGE if kind == "text" else json.loads(text) == json.loads(MESSAGE) for text in texts]
        if right != [True, True, True]:
            raise WorkerError(f"a {kind} socket sent {texts!r}")


def run_in_process(run: "Run", workers: "Mapping[str, Worker]") -> None:
    """Measure messages, connections and the heap."""
    plan = run.plan
    for name, (kind, arguments) in _MEASURED.items():
        some = run.taking_part(kind)
        run.begin(measure(name).title, plan.rounds * len(some))
        for _ in range(plan.rounds):
            for one in run.shuffled(some):
                sample = workers[one.name].ask(**arguments, kind=kind, text=MESSAGE, seconds=plan.seconds)
                run.results.add(name, one.name, sample)
                run.step()
    _run_handshakes(run, workers[OURS])
    some = run.taking_part("json")
    run.begin(measure("heap").title, len(some))
    for one in run.shuffled(some):
        run.results.add("heap", one.name, workers[one.name].ask("heap", kind="json", count=plan.heap_connections))
        run.step()


def _run_handshakes(run: "Run", worker: Worker) -> None:
    """Measure the connections a second of ours with Django's ``MIDDLEWARE``, and twice without, which is the noise."""
    plan = run.plan
    some: list[tuple[str, Stack | None]] = [*_STACKS.items(), (WITHOUT, None), (AGAIN, None)]
    run.begin(measure("handshake-startproject").title, plan.rounds * len(some))
    for _ in range(plan.rounds):
        for name, stack in run.shuffled(some):
            microseconds = worker.ask("connection", kind="text", text=MESSAGE, seconds=plan.seconds, stack=stack)
            for one in _STACKS if stack is None else [name]:
                run.results.add(one, OURS if stack is not None else name, 1e6 / microseconds)
            run.step()
