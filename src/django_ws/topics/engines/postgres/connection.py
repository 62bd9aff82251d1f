"""Connections of the engine's own: their parameters, their deadlines, their errors in words."""

import asyncio
import socket
from contextlib import contextmanager, suppress
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from django_ws.exceptions import BrokerError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from psycopg import AsyncConnection
    from psycopg.rows import TupleRow

__all__ = [
    "DEFAULTS",
    "check_alias",
    "check_dsn",
    "deadline",
    "describe",
    "is_over",
    "missing_table",
    "open_connection",
    "own_parameters",
    "sever",
]

_CONNECT_SECONDS: Final = 10

DEFAULTS: Final[dict[str, object]] = {
    "connect_timeout": _CONNECT_SECONDS,
    "application_name": "django-ws",
    # A peer that has gone without a word is noticed within half a minute.
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
}
"""What the alias and the DSN may say otherwise: https://www.postgresql.org/docs/current/libpq-connect.html."""

_UNDEFINED_TABLE: Final = "42P01"


def check_alias(alias: str) -> None:
    """Hold ``LOCATION`` to be an alias of a PostgreSQL database.

    Raises:
        ImproperlyConfigured: It is not.
    """
    if alias not in connections.settings:
        raise ImproperlyConfigured(
            f"LOCATION is {alias!r}, but must be an alias of DATABASES: {', '.join(map(repr, connections.settings))}"
        )
    vendor = connections.create_connection(alias).vendor
    if vendor != "postgresql":
        raise ImproperlyConfigured(f"LOCATION: the database {alias!r} must be PostgreSQL, but is {vendor}")


def check_dsn(dsn: str) -> None:
    """Hold ``DSN`` to be what libpq takes.

    Raises:
        ImproperlyConfigured: It is not. What it is stays untold: it may hold a password.
    """
    try:
        conninfo_to_dict(dsn)
    except psycopg.Error:
        raise ImproperlyConfigured(
            "OPTIONS['DSN'] is not what libpq takes: postgresql://user:password@host:port/database, or key=value pairs"
        ) from None


# The arguments of psycopg.connect() have any type.
def own_parameters(alias: str, dsn: str, connect_timeout: int) -> dict[str, Any]:
    """Give the arguments with which a connection besides Django's is made.

    Args:
        alias: Of ``DATABASES``; asked now, since a test changes the name of the database.
        dsn: Connect to that instead, unless it is empty.
        connect_timeout: Seconds; 0: as the alias or the DSN says, or else 10.
    """
    # A wrapper that nobody keeps: connections[alias] would be one more of this thread.
    django = connections.create_connection(alias)
    parameters: Mapping[str, object] = conninfo_to_dict(dsn) if dsn else django.get_connection_params()
    own = {**DEFAULTS, **parameters, "autocommit": True, "prepare_threshold": None}
    for name in ("context", "cursor_factory"):
        own.pop(name, None)
    if connect_timeout:
        own["connect_timeout"] = connect_timeout
    return own


# See own_parameters().
async def open_connection(parameters: dict[str, Any], role: str) -> "AsyncConnection[TupleRow]":
    """Open a connection.

    Args:
        parameters: Of :func:`own_parameters`.
        role: What ``assume_role`` of the alias says.

    Raises:
        BrokerError: The server cannot be reached.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(**parameters)
    except psycopg.Error as error:
        raise BrokerError(describe(error)) from error
    if role:
        try:
            # From a DSN it is a text. For libpq 0 is no bound; a role is not waited for without one.
            seconds = int(parameters["connect_timeout"])
            with deadline(connection, seconds if seconds > 0 else _CONNECT_SECONDS):
                await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        except BaseException:
            await connection.close()
            raise
    return connection


def is_over(connection: "AsyncConnection[TupleRow]") -> bool:
    """Say whether the server has ended a connection that nobody uses just now; it is not asked, and nothing waits.

    To one that does not listen the server says nothing by itself but farewell.
    """
    if connection.closed:
        return True
    with DefaultSelector() as selector:
        selector.register(connection.fileno(), EVENT_READ)
        return bool(selector.select(0))


@contextmanager
def deadline(connection: "AsyncConnection[TupleRow]", seconds: float) -> "Generator[None]":
    """Give the server so much time, and speak of its errors as ours.

    Cancelling would ask the server, which may have gone, and wait for its answer. So the socket is shut down, and the
    driver notices.

    Raises:
        BrokerError: The time is over, or the driver raised an error.
    """
    late: list[bool] = []

    def hang_up() -> None:
        late.append(True)
        sever(connection)

    timer = asyncio.get_running_loop().call_later(seconds, hang_up)
    try:
        yield
    except psycopg.Error as error:
        raise BrokerError(f"no answer for {seconds} seconds" if late else describe(error)) from error
    finally:
        timer.cancel()


def sever(connection: "AsyncConnection[TupleRow]") -> None:
    """Shut the socket down, so that whoever waits for it wakes up; the connection is still to be closed."""
    with (
        suppress(OSError, psycopg.Error),
        # A duplicate of it, of which neither the family nor the type matters here.
        socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as duplicate,
    ):
        duplicate.shutdown(socket.SHUT_RDWR)


def describe(error: Exception) -> str:
    """Say in one line what an error of psycopg, or Django's wrapper of one, means."""
    for one in (error, error.__cause__):
        if isinstance(one, psycopg.Error) and one.sqlstate == _UNDEFINED_TABLE:
            return missing_table()
    return " ".join(str(error).split()) or type(error).__name__


def missing_table() -> str:
    """Say what to do where there is no table."""
    return (
        "the table django_ws_postgres_message is not there: put 'django_ws.topics.engines.postgres' into "
        "INSTALLED_APPS and run «manage.py migrate» on that database"
    )
