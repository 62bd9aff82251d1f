"""The profile of ours: ``python -m benchmarks.workers.profiler``."""

import uvloop

from benchmarks.processes import SERVER_CORE
from benchmarks.profiling import profile
from benchmarks.workers.lines import answer, pin, requests, take_over_stdout


def main() -> None:
    """Run the profile when asked."""
    pin(SERVER_CORE)
    answers = take_over_stdout()
    while requests():
        try:
            text = uvloop.run(profile())
        except Exception:  # noqa: BLE001 - the parent is told
            answer(answers, failed=True)
        else:
            answer(answers, text)


if __name__ == "__main__":
    main()
