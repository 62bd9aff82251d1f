"""``manage.py ws_init [APP]``: a first socket in a project, with its route and its test.

``python -m django_ws init`` does the same in a project that has no ``"django_ws"`` in ``INSTALLED_APPS`` yet.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from django.core.management.base import BaseCommand
from typing_extensions import override

from django_ws.management.project.plan import make_plan, shown

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

    from django_ws.management.project.plan import Plan

__all__ = ["Command"]


class Command(BaseCommand):
    """Writes new files, and changes a line here and there; or nothing at all, where a file is in the way."""

    help = "Add a first websocket to the project: a socket, its route, a test, and what asgi.py and the settings need."
    # It is run in projects that are not finished, with our app not yet in them.
    requires_system_checks: "list[str] | tuple[str, ...] | Literal['__all__']" = ()
    requires_migrations_checks = False

    @override
    def add_arguments(self, parser: "CommandParser") -> None:
        """Add the app and ``--dry-run``."""
        parser.add_argument("app", nargs="?", help="the app that gets the socket (default: the project's own package)")
        parser.add_argument("--dry-run", action="store_true", help="show what would be changed, and change nothing")

    # Django: options are of any type.
    @override
    def handle(self, *_args: object, **options: Any) -> None:
        """Do it.

        Raises:
            CommandError: Something stands in the way; nothing has been changed.
        """
        plan = make_plan(cast("str | None", options["app"]))
        root = Path.cwd()
        if options["dry_run"]:
            for change in plan.files:
                self.stdout.write(change.diff(root))
            self._tell_to_do(plan)
            return
        plan.write()
        width = max(
            len(shown(path, root))
            for path in [*(change.path for change in plan.files), *(path for path, _ in plan.as_it_was)]
        )
        for change in plan.files:
            verb = "created" if change.before is None else "changed"
            self.stdout.write(
                self.style.SUCCESS(f"{verb}  {shown(change.path, root).ljust(width)}") + f"  {change.note}"
            )
        for path, why in plan.as_it_was:
            self.stdout.write(f"as is    {shown(path, root).ljust(width)}  {why}")
        self._tell_to_do(plan)
        if not plan.to_do:
            self.stdout.write(f"\nNow:\n{_next_steps()}")

    def _tell_to_do(self, plan: "Plan") -> None:
        root = Path.cwd()
        for where, what in plan.to_do:
            text = f"TO DO in {shown(Path(where), root) if '/' in where else where}: {what}"
            self.stdout.write(self.style.WARNING(text))


def _next_steps() -> str:
    steps = {
        "python manage.py test": "run its test",
        "python manage.py runserver": "serve it",
        "python manage.py ws_connect /ws/echo/": "talk to it, from another terminal",
    }
    missing = {"uvicorn": "server", "websockets": "client", "prompt_toolkit": "client"}
    extras = sorted({extra for module, extra in missing.items() if find_spec(module) is None})
    if extras:
        steps = {f"pip install 'django-ws[{','.join(extras)}]'": "a server and a client to try it with", **steps}
    width = max(map(len, steps))
    return "\n".join(f"  {step.ljust(width)}  # {why}" for step, why in steps.items())
