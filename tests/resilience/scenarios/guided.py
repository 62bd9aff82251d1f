"""Bad messages that are led by what they reach: atheris, in a process of its own, for it never gives that back.

``python -m resilience.scenarios.guided SECONDS SEED`` is that process.
"""

import asyncio
import importlib
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from resilience.findings import IN_PROCESS, Finding, at_least, documented, equal
from resilience.progress import Progress
from resilience.scale import Scale

__all__ = ["guided_messages"]

_TESTS: Final = Path(__file__).parents[2]

_SPARE: Final = 60
"""Seconds for the start, for which everything is instrumented, and the end."""

_LONGEST: Final = 4096
"""Bytes of a message."""


async def guided_messages(scale: Scale, progress: Progress) -> list[Finding]:
    """Run atheris for its time, where it is installed."""
    name = "bad_input"
    if importlib.util.find_spec("atheris") is None or not scale.atheris_seconds:
        return [documented(name, IN_PROCESS, "coverage-guided messages", "atheris is not installed or not asked for")]
    seconds = int(scale.atheris_seconds)
    progress.begin("bad input, coverage-guided", seconds)
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, str(seconds), str(scale.seed), folder),
            cwd=_TESTS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(seconds + _SPARE):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    progress.advance(seconds)
    text = output.decode("utf-8", "replace")
    done = re.search(r"Done (\d+) runs", text)
    if process.returncode:
        progress.note(text[-4000:])
    return [
        at_least(name, IN_PROCESS, "coverage-guided messages (atheris)", int(done[1]) if done else 0, 1),
        equal(name, IN_PROCESS, "exit status of the coverage-guided run", process.returncode or 0),
    ]


def main() -> None:
    """Fuzz, until the time is over or something is wrong."""
    # atheris has no types, and is not installed everywhere.
    atheris: Any = importlib.import_module("atheris")

    with atheris.instrument_imports(include=["django_ws"]):
        from resilience.scenarios.in_process import Tally, application, visit
    from resilience.scenarios.fuzzed import HOSTILE, VALID, Message
    from resilience.scenarios.watch import Watch

    seconds, seed, folder = sys.argv[1:]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = application()
    kinds = ("json", "orders", "text", "bytes", "closing-json", "closing-function")

    async def one(kind: str, message: Message) -> None:
        tally = Tally()
        with Watch() as watch:
            await visit(app, kind, [message], tally)
        assert not watch.others, watch.others
        assert not watch.payloads, message
        assert tally.misjudged == tally.altered == tally.wrong_ends == 0, (kind, message, tally)

    def feed(data: bytes) -> None:
        if data:
            kind, rest = kinds[data[0] % len(kinds)], data[1:]
            is_binary = (data[0] < 16) != (kind == "bytes")
            loop.run_until_complete(one(kind, rest if is_binary else rest.decode("utf-8", "replace")))

    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    seeds: tuple[Message, ...] = (*VALID, *HOSTILE)
    for number, message in enumerate(seeds):
        data = message if isinstance(message, bytes) else message.encode()
        if len(data) < _LONGEST:
            (corpus / str(number)).write_bytes(bytes([24 + number % len(kinds)]) + data)
    limits = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={_LONGEST}", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={folder}/", str(corpus)], feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
