"""``python -m django_ws init [APP]``: a first socket in the project that stands in this folder."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_USAGE: Final = """\
usage: python -m django_ws init [APP] [--dry-run]

Add a first websocket to a Django project, in the folder of its manage.py: a socket, its route, a test, and what
asgi.py and the settings need. With "django_ws" in INSTALLED_APPS, manage.py has more commands:

  manage.py ws_connect  talk to a socket      manage.py ws_urls  list the routes
"""
_SETTINGS: Final = re.compile(r"""["']DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")


def main(arguments: "Sequence[str]", /) -> int:
    """Run it.

    Args:
        arguments: Of the command line, without the program.

    Returns:
        The exit status: 2 for a command line that is wrong, or a folder without a project.
    """
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        sys.stdout.write(_USAGE)
        return 0
    if arguments[0] != "init":
        sys.stderr.write(f"There is no command {arguments[0]!r}.\n{_USAGE}")
        return 2
    settings = os.environ.get("DJANGO_SETTINGS_MODULE") or _settings_of_project()
    if settings is None:
        sys.stderr.write(
            f"{Path.cwd()} holds no manage.py that names the settings: go to the folder of the project, set "
            "DJANGO_SETTINGS_MODULE, or begin with: django-admin startproject mysite\n"
        )
        return 2
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    sys.path.insert(0, str(Path.cwd()))
    _init(arguments[1:])
    return 0


def _settings_of_project() -> str | None:
    """Read what ``manage.py`` says, which is not run."""
    try:
        found = _SETTINGS.search(Path("manage.py").read_text(encoding="utf-8"))
    except (OSError, UnicodeError):
        return None
    return found and found[1]


def _init(arguments: "Sequence[str]") -> None:
    import django  # noqa: PLC0415 - by now it is known which settings

    django.setup()
    from django_ws.management.commands.ws_init import Command  # noqa: PLC0415 - the same

    Command().run_from_argv(["python -m django_ws", "init", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
