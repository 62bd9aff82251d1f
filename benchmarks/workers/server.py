"""One implementation behind uvicorn: ``python -m benchmarks.workers.server NAME [CORE]``."""

import gc
import os
import socket
import sys
import threading
import time
from typing import IO, Final

import psutil  # type: ignore[import-untyped] # it has no types
import uvicorn

from benchmarks.implementations import implementation
from benchmarks.workers.lines import answer, pin, requests, take_over_stdout

_BACKLOG: Final = 4096


def _obey(answers: IO[str]) -> None:
    """Answer requests beside the server, whose loop is in another thread."""
    process = psutil.Process()
    while read := requests():
        match read[0]["op"]:
            case "cpu":
                answer(answers, time.process_time())
            case "rss":
                gc.collect()
                answer(answers, process.memory_info().rss)
            case unknown:
                answer(answers, f"there is no {unknown}")
    # The parent has gone, or wants no more: nothing here is worth a clean end.
    os._exit(0)


def main() -> None:
    """Run the worker that the command line names."""
    measured = implementation(sys.argv[1])
    if measured.folder is not None:
        sys.path.insert(0, str(measured.folder))
    pin(int(sys.argv[2]) if len(sys.argv) > 2 else None)  # noqa: PLR2004 - the second argument
    answers = take_over_stdout()
    application = measured.application()
    config = uvicorn.Config(
        application,
        interface="asgi3",
        loop="uvloop",
        ws="websockets-sansio",
        ws_ping_interval=None,
        lifespan="off",
        access_log=False,
        log_level="error",
        backlog=_BACKLOG,
    )
    listening = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    answer(answers, listening.getsockname()[1])
    threading.Thread(target=_obey, args=[answers], daemon=True).start()
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
