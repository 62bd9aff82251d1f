"""Where the rows go: SQLite or PostgreSQL, with one database for each promise of Django about connections.

How many connections there are is asked of the one who knows: of PostgreSQL, and for SQLite of the kernel.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
from typing_extensions import override

from resilience.scenarios.postgres import Postgres, count_connections, number_of

__all__ = ["ALIASES", "CHECKED", "CLOSED", "KEPT", "Store", "postgres_store", "sqlite_store"]

CLOSED: Final = "default"
"""``CONN_MAX_AGE = 0``: Django closes a connection when its work is done."""
KEPT: Final = "kept"
"""``CONN_MAX_AGE = None``: it keeps it, and finds out by an error that it is broken."""
CHECKED: Final = "checked"
"""The same, and ``CONN_HEALTH_CHECKS``: it asks before the next use."""

# Django: settings of a database are of any type.
ALIASES: Final[dict[str, dict[str, Any]]] = {
    CLOSED: {"CONN_MAX_AGE": 0},
    KEPT: {"CONN_MAX_AGE": None},
    CHECKED: {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True},
}
"""The databases of a store, and what differs between them."""


class Store(ABC):
    """A database for each alias, on one engine."""

    engine: str
    """Its name and version."""
    key: str
    """Its name."""
    counts_exactly: bool
    """Whether :meth:`connections` counts none that has just been closed."""

    # Django: settings of a database are of any type.
    @abstractmethod
    def settings(self, alias: str) -> dict[str, Any]:
        """Give Django's settings of one database."""

    # Django: settings of a database are of any type.
    @property
    def databases(self) -> dict[str, dict[str, Any]]:
        """Django's ``DATABASES``."""
        return {alias: {**self.settings(alias), **differs} for alias, differs in ALIASES.items()}

    @abstractmethod
    def connections(self, alias: str, pid: int) -> int:
        """Count the connections to one database; of SQLite those of the process ``pid``."""

    @abstractmethod
    def numbers(self, alias: str, socket: str) -> list[int]:
        """Give the numbers of a socket's rows, in order, as somebody else sees them: those that are committed."""

    @abstractmethod
    def rows(self, alias: str) -> int:
        """Count all rows that are committed."""

    @abstractmethod
    def break_connections(self, alias: str) -> int | None:
        """Break every connection to one database; ``None`` where nobody but the process itself can."""


class SQLite(Store):
    """Files in a folder.

    Args:
        folder: The folder.
    """

    key = "SQLite"
    counts_exactly = True
    engine = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self, folder: Path) -> None:
        self._folder: Path = folder.resolve()

    def _file(self, alias: str) -> Path:
        return self._folder / f"{alias}.sqlite3"

    @override
    def settings(self, alias: str) -> dict[str, Any]:
        options = {
            "timeout": 60,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
        }
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self._file(alias)), "OPTIONS": options}

    @override
    def connections(self, alias: str, pid: int) -> int:
        name = str(self._file(alias))
        return sum(target == name for target in _open_files(pid))

    @override
    def numbers(self, alias: str, socket: str) -> list[int]:
        query = "SELECT number FROM site_entry WHERE socket = ? ORDER BY id"
        with contextlib.closing(sqlite3.connect(self._file(alias), timeout=60)) as connection:
            return [number for (number,) in connection.execute(query, [socket])]

    @override
    def rows(self, alias: str) -> int:
        with contextlib.closing(sqlite3.connect(self._file(alias), timeout=60)) as connection:
            ((number,),) = connection.execute("SELECT count(*) FROM site_entry")
        assert isinstance(number, int)
        return number

    @override
    def break_connections(self, alias: str) -> int | None:
        return None


def _open_files(pid: int) -> Iterator[str]:
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):  # noqa: PTH208 - names are all that is wanted, and there are thousands
        # It may have been closed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(f"{folder}/{name}")  # noqa: PTH115 - the same


class PostgreSQL(Store):
    """Databases of a running server.

    Args:
        server: The server.
        names: The database of each alias.
        connection: What is asked how many connections there are.
    """

    key = "PostgreSQL"
    # A backend is listed for a moment after its client has closed the connection.
    counts_exactly = False

    def __init__(
        self, server: Postgres, names: dict[str, str], connection: "psycopg.Connection[tuple[object, ...]]"
    ) -> None:
        self.engine = f"PostgreSQL {server.version}"
        self._server: Postgres = server
        self._names: dict[str, str] = names
        self._connection: psycopg.Connection[tuple[object, ...]] = connection

    @override
    def settings(self, alias: str) -> dict[str, Any]:
        name = self._names[alias]
        host = str(self._server.folder)
        return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "HOST": host, "USER": "postgres"}

    @override
    def connections(self, alias: str, pid: int) -> int:
        return count_connections(self._connection, self._names[alias])

    @override
    def numbers(self, alias: str, socket: str) -> list[int]:
        query = "SELECT number FROM site_entry WHERE socket = %s ORDER BY id"
        with self._server.connect(self._names[alias]) as connection:
            rows = connection.execute(query, [socket]).fetchall()
        return [number for (number,) in rows if isinstance(number, int)]

    @override
    def rows(self, alias: str) -> int:
        with self._server.connect(self._names[alias]) as connection:
            return number_of(connection.execute("SELECT count(*) FROM site_entry"))

    @override
    def break_connections(self, alias: str) -> int | None:
        return self._server.terminate(self._names[alias])


@contextlib.contextmanager
def sqlite_store() -> Iterator[Store]:
    """Make the files, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="resilience-", ignore_cleanup_errors=True) as folder:
        store = SQLite(Path(folder))
        _migrate(store)
        first, *others = (Path(store.settings(alias)["NAME"]) for alias in ALIASES)
        for other in others:
            shutil.copyfile(first, other)
        yield store


@contextlib.contextmanager
def postgres_store(server: Postgres, name: str) -> Iterator[Store]:
    """Make the databases, whose names begin with ``name``."""
    names = {alias: f"{name}_{alias}" for alias in ALIASES}
    first, *others = names.values()
    with server.connect() as connection:
        store = PostgreSQL(server, names, connection)
        server.create(first)
        _migrate(store)
        for other in others:
            server.create(other, template=first)
        yield store


def _migrate(store: Store) -> None:
    """Make the table, in the first database."""
    command = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    database = json.dumps(store.databases[CLOSED])
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DJANGO_SETTINGS_MODULE": "resilience.site.settings",
        "RESILIENCE_DATABASE": database,
    }
    subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL, timeout=60)
