"""Django is set up once, before any test module is imported."""

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import django
import pytest
from asgiref.sync import SyncToAsync
from django.core.management import call_command
from django.db import connections

if TYPE_CHECKING:
    from django_ws.handler.lanes import Lane

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")
django.setup()


@pytest.fixture(autouse=True)
def fresh_refusals() -> Iterator[None]:
    """Let each test see its own lines: a limit logs once a minute at one place."""
    from django_ws import refusals

    yield
    refusals._counts.clear()
    refusals._lines.clear()


@pytest.fixture(autouse=True)
def as_without_the_app() -> Iterator[None]:
    """Undo what the app did when a test had it installed: the settings forget it, Django's registries would not."""
    from django.contrib.auth.signals import user_logged_out
    from django.core.checks.registry import registry
    from django.db.models.signals import post_delete, post_save

    checks = set(registry.registered_checks)
    signals = (user_logged_out, post_save, post_delete)
    connected = [list(signal.receivers) for signal in signals]
    yield
    registry.registered_checks = checks
    for signal, receivers in zip(signals, connected, strict=True):
        if signal.receivers != receivers:
            signal.receivers = receivers
            signal.sender_receivers_cache.clear()


@pytest.fixture
def fresh_lanes(monkeypatch: pytest.MonkeyPatch) -> "Iterator[list[Lane]]":
    """Lanes of this test alone: their threads have never had a connection to another test's database."""
    from django_ws.handler import lanes

    made: list[Lane] = []
    monkeypatch.setattr(lanes, "_lanes", made)
    yield made
    for lane in made:
        lane.shutdown()


@pytest.fixture
def database_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_lanes: object) -> Iterator[Path]:
    """Where the database of this test alone is to be: a file, which the test's thread, asgiref's and the lanes share.

    A connection to a database in memory is never closed: a thread that has one would stay with it.
    """
    file = tmp_path / "database.sqlite3"
    executor = ThreadPoolExecutor(1)
    monkeypatch.setattr(SyncToAsync, "single_thread_executor", executor)
    monkeypatch.setitem(connections.settings["default"], "NAME", str(file))
    before, own = connections["default"], connections.create_connection("default")
    connections["default"] = own
    yield file
    executor.submit(connections.close_all).result()
    executor.shutdown()
    own.close()
    connections["default"] = before


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
