"""The rounds of topics without a network: what a delivery costs, and what a membership does."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from benchmarks.implementations import implementation
from benchmarks.measures import MESSAGE, OURS, measure
from benchmarks.processes import application_worker

if TYPE_CHECKING:
    from benchmarks.rounds import Run

__all__ = ["SUBSCRIBERS", "run_fanout", "run_membership"]

SUBSCRIBERS: Final = 1000
"""Who hear each event."""

_MANY_SOCKETS: Final = 10


def run_fanout(run: "Run") -> None:
    """Measure deliveries a second, with uvicorn's protocol between and without any server."""
    some = run.taking_part("fanout")
    with ExitStack() as stack:
        workers = {one.name: stack.enter_context(application_worker(one)) for one in some}
        for name, served in (("fanout", True), ("fanout-bare", False)):
            run.begin(measure(name).title, run.plan.fanout_rounds * len(some))
            for _ in range(run.plan.fanout_rounds):
                for one in run.shuffled(some):
                    nanoseconds = workers[one.name].ask(
                        "fanout", text=MESSAGE, seconds=run.plan.fanout_seconds / 2, count=SUBSCRIBERS, served=served
                    )
                    run.results.add(name, one.name, 1e9 / nanoseconds)
                    run.step()
            for worker in workers.values():
                worker.ask("alone")


def run_membership(run: "Run") -> None:
    """Measure what a membership takes: of one topic with many sockets, and of very many topics with a few."""
    run.begin(measure("membership").title, 2)
    with application_worker(implementation(OURS)) as worker:
        _, size = worker.ask("membership", topics=1, sockets=SUBSCRIBERS, traced=True)
        run.results.add("membership", OURS, size)
        run.step()
    with application_worker(implementation(OURS)) as worker:
        seconds, size = worker.ask("membership", topics=run.plan.membership_topics, sockets=_MANY_SOCKETS)
        run.results.add("topics-join", OURS, seconds / run.plan.membership_topics / _MANY_SOCKETS * 1e6)
        run.results.add("topics-bytes", OURS, size)
        run.step()
