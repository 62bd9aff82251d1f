"""All of what ``ws_init`` will do, before anything of it is done."""

from dataclasses import dataclass, field
from difflib import get_close_matches, unified_diff
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from django_ws.management.project.source import Change, with_application, with_installed_app, with_setting
from django_ws.routing.resolver import websocket_urlconf

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FileChange", "Plan", "make_plan", "shown"]

_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """What becomes of one file."""

    path: Path
    before: bytes | None
    """``None``: there is no such file yet."""
    after: bytes
    note: str

    def diff(self, root: Path) -> str:
        """Show it as ``diff -u`` does, the path as seen from ``root``."""
        name = shown(self.path, root)
        old = (self.before or b"").decode("utf-8", "replace").splitlines(keepends=True)
        new = self.after.decode("utf-8", "replace").splitlines(keepends=True)
        return "".join(unified_diff(old, new, "/dev/null" if self.before is None else f"a/{name}", f"b/{name}"))

    def undo(self) -> bool:
        """Put back what was there before; say whether that is there now."""
        try:
            if self.before is None:
                self.path.unlink(missing_ok=True)
            # What could not be written to was not changed.
            elif self.path.read_bytes() != self.before:
                self.path.write_bytes(self.before)
        except OSError:
            return False
        return True


@dataclass(slots=True)
class Plan:
    """Every change, and what is left to somebody."""

    files: list[FileChange] = field(default_factory=list[FileChange])
    as_it_was: list[tuple[Path, str]] = field(default_factory=list[tuple[Path, str]])
    """Files that need no change, and why."""
    to_do: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """A file or setting, and what must be changed in it by hand."""

    def write(self) -> None:
        """Do it; where a file cannot be written, what was done is undone.

        Raises:
            CommandError: A file cannot be written; nothing has changed, but for the files that the message names.
        """
        done: list[FileChange] = []
        try:
            for change in self.files:
                done.append(change)
                change.path.write_bytes(change.after)
        except OSError as error:
            changed = ", ".join(str(change.path) for change in done if not change.undo())
            kept = f"put back by hand what has been changed in {changed}" if changed else "nothing has been changed"
            raise CommandError(f"{error}; {kept}") from error


def shown(path: Path, root: Path) -> str:
    """Give a path as seen from ``root``, where it is inside of that."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def make_plan(label: str | None, /) -> Plan:
    """Look at the project, and say what is to be done.

    Args:
        label: The app that gets the socket, by its label or name; ``None``: the package of ``ROOT_URLCONF``.

    Raises:
        CommandError: Something stands in the way; the message tells all of it.
    """
    settings = _file_of(django_settings.SETTINGS_MODULE or "")
    if settings is None or not getattr(django_settings, "ROOT_URLCONF", ""):
        raise CommandError(
            "There is no module of settings with a ROOT_URLCONF, as startproject makes them; "
            "the README tells what to write in a project of another kind"
        )
    try:
        urlconf = websocket_urlconf()
        package, folder = _home(label)
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    test_package, test_folder = package, folder
    if (folder / "tests" / "__init__.py").exists():
        test_package, test_folder = _joined(package, "tests"), folder / "tests"
    ws, test = _joined(package, "ws"), _joined(test_package, "test_ws")
    urls = _folder_of(urlconf.rpartition(".")[0]) / f"{urlconf.rpartition('.')[2]}.py"
    plan = Plan()
    plan.files += [
        _new(folder / "ws.py", "ws.py-tpl", f"a socket, {ws}.Echo"),
        _new(urls, "ws_urls.py-tpl", "its route, ws/echo/", ws=ws),
        _new(test_folder / "test_ws.py", "test_ws.py-tpl", f"a test of it, {test}"),
    ]
    _refuse_to_overwrite(plan.files)
    asgi = _application(plan)
    _settings(plan, asgi, settings)
    return plan


def _refuse_to_overwrite(files: list[FileChange]) -> None:
    there = [shown(change.path, Path.cwd()) for change in files if change.path.exists()]
    if there:
        raise CommandError(
            "Nothing has been changed, for these files exist already:\n"
            + "".join(f"  {name}\n" for name in there)
            + "This command makes a first socket; the next one is a class in ws.py and a route in ws_urls.py"
        )


def _home(label: str | None) -> tuple[str, Path]:
    """Give the package that gets the socket, and its folder."""
    if label is None:
        package = django_settings.ROOT_URLCONF.rpartition(".")[0]
        return package, _folder_of(package)
    for config in apps.get_app_configs():
        if label in {config.label, config.name}:
            if {"site-packages", "dist-packages"} & set(Path(config.path).parts):
                raise CommandError(f"The app {label!r} is an installed package, {config.path}; name one of the project")
            return config.name, Path(config.path)
    known = [config.label for config in apps.get_app_configs()]
    near = get_close_matches(label, known, 1)
    meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    raise CommandError(f"There is no app {label!r} in INSTALLED_APPS; {meant}")


def _folder_of(package: str) -> Path:
    """Give the folder of a package; without a name that of the modules that stand beside ``manage.py``.

    Raises:
        CommandError: It is not there, or in no folder.
    """
    name = package or django_settings.ROOT_URLCONF
    try:
        spec = find_spec(name)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        # A package without __init__.py has places, and no origin.
        places = [] if spec is None else list(spec.submodule_search_locations or ())
        if len(places) != 1:
            raise CommandError(
                f"The folder of {name!r} cannot be found; look at ROOT_URLCONF, ROOT_WS_URLCONF and ASGI_APPLICATION"
            )
        return Path(places[0])
    return Path(spec.origin).parent


def _joined(package: str, name: str) -> str:
    return f"{package}.{name}" if package else name


def _new(path: Path, template: str, note: str, **names: str) -> FileChange:
    text = Template((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(names)
    return FileChange(path=path, before=None, after=text.encode(), note=note)


# --- asgi.py and the settings -------------------------------------------------------------------------


def _application(plan: Plan) -> str:
    """Plan the change of ``asgi.py``, and give the dotted name of the application."""
    for module in _asgi_modules():
        path = _file_of(module)
        if path is not None:
            _note(plan, path, with_application(path.read_bytes()), f"{module} makes the application already")
            break
    else:
        module = next(_asgi_modules())
        package, _, name = module.rpartition(".")
        path = _folder_of(package) / f"{name}.py"
        settings = django_settings.SETTINGS_MODULE
        plan.files.append(_new(path, "asgi.py-tpl", "the ASGI application", settings=settings))
    return f"{module}.application"


def _asgi_modules() -> "Iterator[str]":
    """Give the names that the module of the application may have, the likeliest first."""
    for name in ("ASGI_APPLICATION", "WSGI_APPLICATION"):
        value: object = getattr(django_settings, name, None)
        if isinstance(value, str) and "." in value:
            module = value.rpartition(".")[0]
            yield module if name == "ASGI_APPLICATION" else _joined(module.rpartition(".")[0], "asgi")
    for module in (django_settings.ROOT_URLCONF, django_settings.SETTINGS_MODULE):
        yield _joined(module.rpartition(".")[0], "asgi")


def _file_of(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    # An empty name is a ValueError.
    except (ImportError, ValueError):
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin)


def _settings(plan: Plan, application: str, path: Path) -> None:
    module = django_settings.SETTINGS_MODULE
    source = path.read_bytes()
    change = Change(source)
    notes: list[str] = []
    if not apps.is_installed("django_ws"):
        change = with_installed_app(source)
        notes.append(change.done)
        if change.to_do:
            plan.to_do.append((module, change.to_do))
    if getattr(django_settings, "ASGI_APPLICATION", None) is None:
        change = with_setting(change.source, "ASGI_APPLICATION", application)
        notes.append(change.done)
        if change.to_do:
            plan.to_do.append((module, change.to_do))
    done = ", ".join(filter(None, notes))
    if not notes:
        plan.as_it_was.append((path, "has what is needed already"))
    elif done:
        plan.files.append(FileChange(path=path, before=source, after=change.source, note=done))


def _note(plan: Plan, path: Path, change: Change, already: str) -> None:
    if change.done:
        plan.files.append(FileChange(path=path, before=path.read_bytes(), after=change.source, note=change.done))
    elif change.to_do:
        plan.to_do.append((str(path), change.to_do))
    else:
        plan.as_it_was.append((path, already))
