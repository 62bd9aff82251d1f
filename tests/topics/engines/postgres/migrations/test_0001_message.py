"""The migration: a table on PostgreSQL, nothing elsewhere."""

import io
from importlib import import_module

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from topics.postgres_support import APP, execute, migrate

MODULE = "django_ws.topics.engines.postgres.migrations.0001_message"


def test_the_table_comes_and_goes(alias: str) -> None:
    assert execute("SELECT relpersistence FROM pg_class WHERE relname = 'django_ws_postgres_message'") == [("u",)]
    migrate("zero")
    assert "django_ws_postgres_message" not in connections[alias].introspection.table_names()
    migrate()
    assert execute("SELECT count(*) FROM django_ws_postgres_message") == [(0,)]


@pytest.mark.usefixtures("database")
def test_it_is_harmless_on_another_database() -> None:
    assert import_module(MODULE).Migration.initial
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, APP]):
        call_command("migrate", "django_ws_postgres", verbosity=0)
        call_command("migrate", "django_ws_postgres", "zero", verbosity=0)
        output = io.StringIO()
        call_command("sqlmigrate", "django_ws_postgres", "0001", stdout=output)
    assert "TABLE" not in output.getvalue()
    assert "django_ws_postgres_message" not in connections["default"].introspection.table_names()
