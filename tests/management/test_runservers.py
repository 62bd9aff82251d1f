"""management/runservers.py: the first in INSTALLED_APPS is run, and ours extends the next."""

from collections.abc import Sequence

import pytest
from django.contrib.staticfiles.management.commands.runserver import Command as StaticCommand
from django.core.management.commands.runserver import Command
from django.test import override_settings
from typing_extensions import override

from django_ws.management.runservers import has_its_own_server, next_runserver, runserver_in_force

STATIC = "django.contrib.staticfiles"
WHITENOISE = "whitenoise.runserver_nostatic"


@pytest.mark.parametrize(
    ("apps", "extended", "in_force"),
    [
        ([], Command, None),
        (["django_ws"], Command, None),
        (["django_ws", STATIC], StaticCommand, None),
        (["django_ws", "daphne", STATIC], StaticCommand, None),
        (["django_ws", "daphne"], Command, None),
        ([STATIC, "django_ws"], Command, STATIC),
        (["daphne", "django_ws", STATIC], StaticCommand, "daphne"),
        ([STATIC], StaticCommand, STATIC),
    ],
)
def test_whose_it_is(apps: Sequence[str], extended: type[Command], in_force: str | None) -> None:
    with override_settings(INSTALLED_APPS=apps, STATIC_URL="static/"):
        assert next_runserver() is extended
        found = runserver_in_force()
    assert (found and found[0]) == in_force


def test_an_app_without_a_runserver_has_no_part_in_it() -> None:
    with override_settings(INSTALLED_APPS=["django.contrib.contenttypes", "django_ws", STATIC], STATIC_URL="static/"):
        assert runserver_in_force() is None
    with override_settings(INSTALLED_APPS=["django.contrib.contenttypes", STATIC], STATIC_URL="static/"):
        found = runserver_in_force()
    assert found == (STATIC, StaticCommand)


def test_what_whitenoise_changes_is_kept() -> None:
    with override_settings(INSTALLED_APPS=["django_ws", WHITENOISE, STATIC], STATIC_URL="static/"):
        assert next_runserver().__module__.startswith(WHITENOISE)


def test_a_server_of_its_own_is_one_that_does_not_run_djangos() -> None:
    class Own(Command):
        @override
        def inner_run(self, *args: object, **options: object) -> None:
            raise NotImplementedError

    class Ours(Command):
        serves_websockets = True

    assert has_its_own_server(Own)
    assert has_its_own_server(Ours)
    assert not has_its_own_server(StaticCommand)
