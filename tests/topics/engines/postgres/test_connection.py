"""Connections of the engine's own."""

import asyncio
import os
import signal

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.postgres.connection import (
    check_alias,
    check_dsn,
    deadline,
    describe,
    is_over,
    open_connection,
    own_parameters,
    sever,
)
from resilience.scenarios.postgres import Postgres
from topics.postgres_support import DATABASE


def test_the_alias_must_be_postgresql(alias: str) -> None:
    check_alias(alias)
    with pytest.raises(ImproperlyConfigured, match="LOCATION is 'nowhere', but must be an alias of DATABASES: 'def"):
        check_alias("nowhere")
    with pytest.raises(ImproperlyConfigured, match="the database 'default' must be PostgreSQL, but is sqlite"):
        check_alias("default")


def test_a_wrong_dsn_is_not_repeated() -> None:
    check_dsn("")
    check_dsn("postgresql://user:secret@host/name")
    with pytest.raises(ImproperlyConfigured, match=r"OPTIONS\['DSN'\] is not what libpq takes") as caught:
        check_dsn("host=a secret")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_parameters_are_those_of_the_alias(alias: str) -> None:
    connections.settings[alias]["OPTIONS"] = {"connect_timeout": 3, "keepalives_idle": 99, "assume_role": "other"}
    own = own_parameters(alias, "", 0)
    assert (own["dbname"], own["user"]) == (DATABASE, "postgres")
    assert (own["connect_timeout"], own["keepalives_idle"], own["keepalives"]) == (3, 99, 1)
    assert own["autocommit"] is True
    assert own["prepare_threshold"] is None
    assert not {"context", "cursor_factory", "assume_role"} & own.keys()
    assert own_parameters(alias, "", 7)["connect_timeout"] == 7
    connections.settings[alias]["OPTIONS"] = {}
    assert own_parameters(alias, "", 0)["connect_timeout"] == 10


def test_the_parameters_are_those_of_the_dsn(alias: str) -> None:
    own = own_parameters(alias, "host=elsewhere dbname=other application_name=mine", 0)
    assert (own["host"], own["dbname"], own["application_name"]) == ("elsewhere", "other", "mine")
    assert "user" not in own


async def test_it_takes_on_the_role(server: Postgres, alias: str) -> None:
    with server.connect() as admin:
        admin.execute("DROP ROLE IF EXISTS publisher")
        admin.execute("CREATE ROLE publisher")
    connection = await open_connection(own_parameters(alias, "", 0), "publisher")
    assert await (await connection.execute("SELECT current_user")).fetchone() == ("publisher",)
    await connection.close()
    before = server.connections(DATABASE)
    with pytest.raises(BrokerError, match='role "no "such" does not exist'):
        await open_connection(own_parameters(alias, "", 0), 'no "such')
    while server.connections(DATABASE) > before:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("seconds", ["5", "0"])
async def test_it_takes_on_the_role_within_what_a_dsn_says(server: Postgres, alias: str, seconds: str) -> None:
    dsn = f"host={server.folder} user=postgres dbname={DATABASE} connect_timeout={seconds}"
    connection = await open_connection(own_parameters(alias, dsn, 0), "postgres")
    assert await (await connection.execute("SELECT current_user")).fetchone() == ("postgres",)
    assert not is_over(connection)
    sever(connection)
    assert is_over(connection)
    await connection.close()
    assert is_over(connection)


async def test_no_server(alias: str, tmp_path: object) -> None:
    with pytest.raises(BrokerError, match="No such file or directory") as caught:
        await open_connection(own_parameters(alias, f"host={tmp_path} user=me password=secret", 0), "")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_server_that_does_not_answer(alias: str) -> None:
    connection = await open_connection(own_parameters(alias, "", 0), "")
    process = connection.info.backend_pid
    os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(BrokerError, match=r"^no answer for 0.1 seconds$"), deadline(connection, 0.1):
            await connection.execute("SELECT 1")
    finally:
        os.kill(process, signal.SIGCONT)
    assert connection.closed
    sever(connection)
    await connection.close()


async def test_within_the_deadline(alias: str) -> None:
    connection = await open_connection(own_parameters(alias, "", 0), "")
    with deadline(connection, 10):
        await connection.execute("SELECT 1")
    with pytest.raises(BrokerError, match=r"^division by zero$"), deadline(connection, 10):
        await connection.execute("SELECT 1 / 0")
    await connection.close()


def test_errors_in_words() -> None:
    wrapped = RuntimeError("Django's")
    wrapped.__cause__ = psycopg.errors.UndefinedTable("relation")
    assert "«manage.py migrate»" in describe(wrapped)
    assert describe(psycopg.Error("one\n\ttwo ")) == "one two"
    assert describe(psycopg.Error()) == "Error"
