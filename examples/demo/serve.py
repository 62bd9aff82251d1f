"""Serve the demo: with an engine that carries its room, if need be, and as many workers as wanted.

python serve.py --engine valkey --workers 2
"""

import argparse
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import uvicorn

from engines import ENGINES


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the demo.")
    parser.add_argument("--engine", choices=ENGINES, default="memory", help="what carries the room (memory)")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (1)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args()
    if asked.workers > 1 and asked.engine == "memory":
        parser.exit(
            2,
            f"The memory engine carries events within one process, and {asked.workers} workers are as many processes: "
            "who is on one would not hear who is on another. Name an engine: valkey, nats or postgres.\n",
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # an end as any other: what was started is ended, too
    with suppress(KeyboardInterrupt), ENGINES[asked.engine]() as location:
        os.environ.update(DEMO_ENGINE=asked.engine, DEMO_ENGINE_LOCATION=location)
        here = Path(__file__).parent
        subprocess.run([sys.executable, here / "manage.py", "migrate", "--verbosity", "0"], check=True)
        carried = "" if asked.engine == "memory" else f", over {asked.engine}"
        workers = "one worker" if asked.workers == 1 else f"{asked.workers} workers"
        print(
            f"\n  The demo is at http://{asked.host}:{asked.port}/  ({workers}{carried}; Ctrl+C stops it)\n", flush=True
        )
        uvicorn.run(
            "demo.asgi:application",
            app_dir=str(here),
            host=asked.host,
            port=asked.port,
            workers=asked.workers,
            log_level="warning",
        )


if __name__ == "__main__":
    main()
