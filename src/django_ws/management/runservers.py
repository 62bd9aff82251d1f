"""Which ``runserver`` is whose: several apps may bring one, and the first in ``INSTALLED_APPS`` is run."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from django.apps import apps
from django.core.management import find_commands
from django.core.management.commands.runserver import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["has_its_own_server", "next_runserver", "runserver_in_force"]

_OURS: Final = "django_ws"


def next_runserver() -> type[Command]:
    """Give the command that ours extends: what would run without ours, as ``--nostatic`` is staticfiles' option.

    That is the first of the apps behind ``django_ws``, but for one with a server of its own (daphne), else Django's.
    """
    commands = list(_commands())
    names = [name for name, _ in commands]
    behind = commands[names.index(_OURS) + 1 :] if _OURS in names else commands
    for _, module in behind:
        command = _command_of(module)
        if not has_its_own_server(command):
            return command
    return Command


def runserver_in_force() -> tuple[str, type[Command]] | None:
    """Give the app whose ``runserver`` is run, and that command.

    Returns:
        ``None``: ours, or Django's own because no app brings one.
    """
    for name, module in _commands():
        return None if name == _OURS else (name, _command_of(module))
    return None


def has_its_own_server(command: type[Command], /) -> bool:
    """Say whether a command serves by another server than Django's, which knows no websockets."""
    return command.inner_run is not Command.inner_run or getattr(command, "serves_websockets", False)


def _commands() -> "Iterator[tuple[str, str]]":
    """Give each app that brings a ``runserver``, and the module of that, the one in force first."""
    # Not get_app_configs(), which the documentation of this package could not be made with.
    for config in apps.app_configs.values():
        if "runserver" in find_commands(str(Path(config.path) / "management")):
            yield config.name, f"{config.name}.management.commands.runserver"


def _command_of(module: str) -> type[Command]:
    return cast("type[Command]", import_module(module).Command)
