"""The rounds over uvicorn: messages, connections, memory, pings, and the database."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.apps import PATHS
from benchmarks.implementations import IMPLEMENTATIONS, implementation
from benchmarks.measures import BASE, MESSAGE, OURS, measure
from benchmarks.processes import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.apps import Kind
    from benchmarks.processes import Worker
    from benchmarks.rounds import Run

__all__ = ["run_idle", "run_orm", "run_over_uvicorn", "servers_of"]

_SHAPES: Final = ((50, 8), (500, 2))
"""Connections, and messages of each that are on their way at the same time."""

_CHURN_AT_ONCE: Final = 20
_ORM_SOCKETS: Final = 200
_WARM_UP_CONNECTIONS: Final = 100


@dataclass(frozen=True, slots=True)
class _Job:
    """One implementation's part in a round."""

    name: str
    kind: "Kind"

    @property
    def load(self) -> str:
        """The name of its connections."""
        return f"{self.name} {self.kind}"


def servers_of(stack: ExitStack) -> dict[str, Server]:
    """Start a server for each implementation that is installed."""
    servers = {one.name: stack.enter_context(Server(one)) for one in IMPLEMENTATIONS if one.is_installed}
    for server in servers.values():
        _ = server.port  # they start side by side; all are waited for
    return servers


def run_over_uvicorn(run: "Run", servers: "Mapping[str, Server]", client: "Worker") -> None:
    """Measure messages a second, the CPU of a message, and connections a second."""
    for connections, in_flight in _SHAPES:
        jobs = [_Job(one.name, "json") for one in run.taking_part("json")]
        jobs += [_Job(one.name, "fast") for one in run.taking_part("fast")]
        _echo(run, servers, client, jobs, (connections, in_flight))
        jobs = [_Job(one.name, "text") for one in run.taking_part("text")]
        _echo(run, servers, client, jobs, (connections, in_flight))
    some = run.taking_part("json")
    run.begin(measure("uvicorn-connect").title, run.plan.uvicorn_rounds * len(some))
    for _ in range(run.plan.uvicorn_rounds):
        for one in run.shuffled(some):
            found = client.ask(
                "churn",
                port=servers[one.name].port,
                path=PATHS["json"],
                text=MESSAGE,
                at_once=_CHURN_AT_ONCE,
                seconds=run.plan.uvicorn_seconds,
            )
            run.results.add("uvicorn-connect", one.name, found["rate"])
            run.busy(found["client_busy"])
            run.step()


def _echo(
    run: "Run",
    servers: "Mapping[str, Server]",
    client: "Worker",
    jobs: list[_Job],
    shape: tuple[int, int],
) -> None:
    connections, in_flight = shape
    what = jobs[0].kind
    seconds = run.plan.seconds_for(connections * in_flight)
    run.begin(measure(f"uvicorn-{what}-{connections}").title, run.plan.uvicorn_rounds * len(jobs))
    for job in jobs:
        client.ask("open", name=job.load, port=servers[job.name].port, path=PATHS[job.kind], count=connections)
    for _ in range(run.plan.uvicorn_rounds):
        for job in run.shuffled(jobs):
            server = servers[job.name]
            cpu = server.cpu()
            found = client.ask("echo", name=job.load, text=MESSAGE, in_flight=in_flight, seconds=seconds)
            cpu = server.cpu() - cpu
            run.results.add(f"uvicorn-{job.kind}-{connections}", job.name, found["rate"])
            if job.kind != "fast":
                run.results.add(f"cpu-{job.kind}-{connections}", job.name, cpu / found["total"] * 1e6)
            if what == "json" and job.name == BASE:
                run.results.add(f"uvicorn-fast-{connections}", job.name, found["rate"])
            run.busy(found["client_busy"])
            run.step()
    for job in jobs:
        client.ask("close", name=job.load)


def run_idle(run: "Run", client: "Worker", connections: int) -> None:
    """Measure the memory of idle connections, each time in a fresh process, and the CPU of their pings."""
    some = run.taking_part("json")
    run.begin(measure("rss").title, run.plan.idle_rounds * len(some))
    for _ in range(run.plan.idle_rounds):
        for one in run.shuffled(some):
            with Server(one) as server:
                # So that what is made once is there.
                client.ask("open", name="warm", port=server.port, path=PATHS["json"], count=_WARM_UP_CONNECTIONS)
                client.ask("close", name="warm")
                before = server.rss()
                client.ask("open", name="idle", port=server.port, path=PATHS["json"], count=connections)
                run.results.add("rss", one.name, (server.rss() - before) / connections / 1024)
                client.ask("close", name="idle")
            run.step()
    _ping(run, client, min(connections, run.plan.ping_connections))


def _ping(run: "Run", client: "Worker", connections: int) -> None:
    run.begin(measure("ping").title, 1)
    with Server(implementation(OURS)) as server:
        client.ask("open", name="ping", port=server.port, path=run.plan.ping_path, count=connections)
        cpu, start = server.cpu(), time.perf_counter()
        time.sleep(run.plan.ping_seconds)
        used, elapsed = server.cpu() - cpu, time.perf_counter() - start
        pings = client.ask("count", name="ping")
        client.ask("close", name="ping")
    # A socket that was opened early may have pinged twice; a time without microseconds makes a ping of another length,
    # which the client does not count.
    if pings < connections * 0.999:
        raise RuntimeError(f"{connections} sockets sent {pings} pings within {elapsed:.0f} s")
    run.results.add("ping", OURS, used / elapsed * 100)
    run.step()


def run_orm(run: "Run", servers: "Mapping[str, Server]", client: "Worker") -> None:
    """Measure how many blocking queries are answered."""
    some = run.taking_part("orm")
    run.begin(measure("orm").title, run.plan.orm_rounds * len(some))
    for one in some:
        client.ask("open", name=f"{one.name} orm", port=servers[one.name].port, path=PATHS["orm"], count=_ORM_SOCKETS)
    for _ in range(run.plan.orm_rounds):
        for one in run.shuffled(some):
            found = client.ask("echo", name=f"{one.name} orm", text=MESSAGE, in_flight=1, seconds=run.plan.orm_seconds)
            run.results.add("orm", one.name, found["rate"])
            run.step()
    for one in some:
        client.ask("close", name=f"{one.name} orm")
