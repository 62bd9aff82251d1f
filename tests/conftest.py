"""Django is set up once, before any test module is imported."""

import os
import sqlite3
from collections.abc import Iterator

import django
import pytest
from django.core.management import call_command
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")
django.setup()


@pytest.fixture(autouse=True)
def fresh_refusals() -> Iterator[None]:
    """Let each test see its own lines: a limit logs once a minute at one place."""
    from django_ws import refusals

    yield
    refusals._counts.clear()
    refusals._lines.clear()


@pytest.fixture(scope="module")
def migrated() -> Iterator[sqlite3.Connection]:
    before, own = connections["default"], connections.create_connection("default")
    connections["default"] = own
    call_command("migrate", verbosity=0)
    connections["default"] = before
    assert own.connection is not None
    yield own.connection
    own.connection.close()


@pytest.fixture
def database(migrated: sqlite3.Connection) -> Iterator[None]:
    """A migrated database of this test alone, on the test's own thread: what ``async_to_sync`` runs, uses it."""
    before, own = connections["default"], connections.create_connection("default")
    own.ensure_connection()
    assert own.connection is not None
    migrated.backup(own.connection)
    connections["default"] = own
    yield
    connections["default"] = before
    own.connection.close()
