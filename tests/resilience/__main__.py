"""The command: ``python -m resilience soak|fuzz``, in the folder ``tests``.

``QUICK=1`` in the environment makes it short. The exit status is 1 if any bound is missed. ``docs`` puts the JSON files
of runs into ``docs/resilience.md``.
"""

import argparse
import asyncio
import resource
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from resilience.findings import Finding, all_hold
from resilience.progress import Progress, showing
from resilience.report import Report, load, new, save, tables, update_page
from resilience.scale import Scale, scale_of_environment
from resilience.scenarios import FUZZ, SOAK, scenario
from servers.habits import SERVERS, Habits

_ROOT: Final = Path(__file__).parents[2]
_PAGE: Final = _ROOT / "docs" / "resilience.md"
_RESULTS: Final = _ROOT / "build" / "resilience"
_WIDTH: Final = 160
"""Of the table, where it does not go to a terminal."""


def main() -> int:
    """Do what the command line says.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m resilience")
    commands = parser.add_subparsers(dest="command", required=True)
    for command, known in (("soak", SOAK), ("fuzz", FUZZ)):
        one = commands.add_parser(command, help=f"run {', '.join(known)}; QUICK=1 in the environment for a short run")
        one.add_argument(
            "--only", action="append", choices=known, metavar="NAME", help="only this scenario; repeatable"
        )
        one.add_argument(
            "--server",
            action="append",
            choices=[habits.key for habits in SERVERS],
            metavar="NAME",
            help="only this server; repeatable",
        )
        one.add_argument("--output", type=Path, help="the JSON file")
    docs = commands.add_parser("docs", help="put the JSON files of runs into docs/resilience.md")
    docs.add_argument("file", type=Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.command == "docs":
        update_page(_PAGE, [load(file) for file in arguments.file])
        return 0
    everything: tuple[str, ...] = SOAK if arguments.command == "soak" else FUZZ
    names: Sequence[str] = arguments.only or everything
    servers = [habits for habits in SERVERS if arguments.server is None or habits.key in arguments.server]
    scale = scale_of_environment()
    output = arguments.output or _RESULTS / f"{arguments.command}-{scale.name}.json"
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    raise_limit_of_files()
    report = new(arguments.command, scale)
    with showing(console) as progress:
        asyncio.run(run(report, names, scale, progress, servers))
    for table in tables(report):
        console.print(table)
    missed = sum(not finding.holds for finding in report.findings)
    console.print(f"{len(report.findings)} findings, {missed} of them beyond their bounds.", highlight=False)
    save(report, output)
    console.print(f"{sum(report.seconds.values()):.0f} s. The same as JSON: {output}", highlight=False)
    return 0 if all_hold(report.findings) else 1


async def run(
    report: Report, names: Sequence[str], scale: Scale, progress: Progress, servers: Sequence[Habits]
) -> None:
    """Run the scenarios one after the other; one that breaks down is a finding that does not hold."""
    for name in names:
        began = time.monotonic()
        progress.note(f"{name} ...")
        try:
            report.findings.extend(await scenario(name)(scale, progress, servers))
        except Exception as error:
            progress.note(traceback.format_exc())
            what = f"broke down: {type(error).__name__}"
            report.findings.append(Finding(name, "", what, str(error).partition("\n")[0][:80], "= 0", holds=False))
        report.seconds[name] = round(time.monotonic() - began, 1)


def raise_limit_of_files() -> None:
    """Let this process, and the servers that it starts, open as many files as the machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
