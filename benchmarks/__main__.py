"""The command: ``python -m benchmarks [run | docs | profile]``.

``run`` measures and writes a JSON file; ``docs`` puts a JSON file into the documentation; ``profile`` says where the
time of one message and of one connection of ours goes.
"""

import argparse
import os
import resource
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.fanout import run_fanout, run_membership
from benchmarks.fanout_uvicorn import run_fanout_over_uvicorn
from benchmarks.growth import run_growth, run_growth_of_connections
from benchmarks.implementations import IMPLEMENTATIONS, ROOT
from benchmarks.in_process import run_in_process, workers_of
from benchmarks.over_uvicorn import run_idle, run_orm, run_over_uvicorn, servers_of
from benchmarks.plan import FULL, QUICK
from benchmarks.plots import write_pictures
from benchmarks.processes import Worker, client_worker
from benchmarks.report import terminal_table, update_page
from benchmarks.results import REFERENCE, Results, about, load, save
from benchmarks.rounds import Run, progress_bar

_PAGE: Final = ROOT / "docs" / "benchmarks.md"
_PICTURES: Final = ROOT / "docs" / "_static" / "benchmarks"

_SPARE_FILES: Final = 500
"""Open files that a process has beside its connections."""

_WIDTH: Final = 160
"""Of the table, where it does not go to a terminal."""

_BUSY: Final = 0.9
"""A client that uses more of its core is what is measured."""

_STAGES: Final = ("in-process", "uvicorn", "fanout", "orm", "idle", "growth")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser("run", help="measure (the default); QUICK=1 in the environment for a short run")
    run.add_argument("--stage", action="append", choices=_STAGES, help="only these parts; may be repeated")
    run.add_argument("--output", type=Path, help="the JSON file")
    run.add_argument(
        "--onto", type=Path, metavar="FILE", help="put these parts into an earlier run of the same versions"
    )
    docs = commands.add_parser("docs", help="put results into docs/benchmarks.md, pictures included")
    docs.add_argument("file", type=Path, nargs="?", default=REFERENCE)
    commands.add_parser("profile", help="where the time of ours goes")
    arguments = parser.parse_args()
    match arguments.command:
        case "docs":
            results = load(arguments.file)
            update_page(_PAGE, results)
            write_pictures(results, _PICTURES)
        case "profile":
            with Worker("profiler") as profiler:
                Console().print(profiler.ask("profile"), markup=False, highlight=False)
        case _:
            _run(
                getattr(arguments, "stage", None) or _STAGES,
                getattr(arguments, "output", None),
                getattr(arguments, "onto", None),
            )


def _run(stages: "list[str] | tuple[str, ...]", output: Path | None, onto: Path | None) -> None:
    plan = QUICK if os.environ.get("QUICK", "0") not in {"", "0"} else FULL
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    for one in IMPLEMENTATIONS:
        if not one.is_installed:
            console.print(f"{one.title} is not installed and left out")
    most = _most_connections()
    idle = min(plan.idle_connections, most)
    if idle < plan.idle_connections:
        console.print(f"Open files are limited: {idle} idle connections, not {plan.idle_connections}")
    results = Results(about(plan))
    earlier = None if onto is None else load(onto)
    if earlier is not None:
        results.onto(earlier, stages)  # it says now, not in twenty minutes, if they do not go together
    with progress_bar() as progress:
        run = Run(plan, results, progress)
        _in_process(run, stages)
        _over_uvicorn(run, stages, idle, most)
    console.print(terminal_table(results))
    for title, share in run.client_busy.items():
        if share > _BUSY:
            console.print(f"[red]{title}: the client used {share:.0%} of its core, so it may be what was measured.[/]")
    if earlier is not None:
        results, output = results.onto(earlier, stages), output or onto
    console.print(f"Every sample is in {save(results, output)}")


def _in_process(run: Run, stages: "list[str] | tuple[str, ...]") -> None:
    if "fanout" in stages:
        run_fanout(run)
        run_membership(run)
    if not {"in-process", "growth"} & set(stages):
        return
    with ExitStack() as stack:
        workers = workers_of(stack)
        if "in-process" in stages:
            run_in_process(run, workers)
        if "growth" in stages:
            run_growth(run, workers)


def _over_uvicorn(run: Run, stages: "list[str] | tuple[str, ...]", idle: int, most: int) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(client_worker())
        if {"uvicorn", "orm", "growth"} & set(stages):
            with ExitStack() as alive:
                servers = servers_of(alive)
                if "uvicorn" in stages:
                    run_over_uvicorn(run, servers, client)
                if "orm" in stages:
                    run_orm(run, servers, client)
                if "growth" in stages:
                    run_growth_of_connections(run, servers, client, idle)
        if "fanout" in stages:
            run_fanout_over_uvicorn(run, client, most)
        if "idle" in stages:
            run_idle(run, client, idle)


def _most_connections() -> int:
    """Raise the limit of open files as far as it goes; the workers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(100, hard - _SPARE_FILES) if hard != resource.RLIM_INFINITY else 1_000_000


if __name__ == "__main__":
    main()
