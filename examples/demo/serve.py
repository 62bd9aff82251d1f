"""Serve the demo: with the engine that carries its room, and as many workers as wanted.

python serve.py --engine valkey --workers 2
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from engines import ENGINES
from kept import kept

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the demo.")
    parser.add_argument("--engine", choices=ENGINES, default="memory", help="what carries the room (memory)")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (1)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args()
    if asked.workers > 1 and asked.engine == "memory":
        sys.exit(
            f"The memory engine carries events within one process, and {asked.workers} workers are as many processes: "
            "who is on one would not hear who is on another. Name an engine: valkey, nats or postgres."
        )
    address = f"http://{asked.host}:{asked.port}/"

    def is_up() -> bool:
        with closing(socket.socket()) as client:
            return client.connect_ex((asked.host, asked.port)) == 0

    if is_up():
        sys.exit(f"Something else is served at {address} already. Take another port: PORT=8001")
    for asks_to_end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asks_to_end, lambda *_: sys.exit())  # through the ends of the blocks: what was started ends, too
    with ENGINES[asked.engine]() as location:
        os.environ.update(DEMO_ENGINE=asked.engine, DEMO_ENGINE_LOCATION=location)
        subprocess.run([sys.executable, HERE / "manage.py", "migrate", "--verbosity", "0"], check=True)
        command = (sys.executable, "-m", "uvicorn", "demo.asgi:application", "--app-dir", str(HERE))
        options = ("--host", asked.host, "--port", str(asked.port), "--workers", str(asked.workers))
        with kept(*command, *options, "--log-level", "warning", until=is_up) as server:
            workers = "one worker" if asked.workers == 1 else f"{asked.workers} workers"
            print(f"\n  The demo is at {address}  ({workers}, engine: {asked.engine}; Ctrl+C stops it)\n", flush=True)
            server.wait()
            sys.exit("The server has ended.")


if __name__ == "__main__":
    main()
