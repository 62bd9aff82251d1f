"""Layers import interfaces and exceptions, never one another: by the contracts, and in a fresh interpreter."""

import json
import os
import pkgutil
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import django_ws

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(next(iter(django_ws.__path__)))

# --- the contracts ----------------------------------------------------------------------------------


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Hold the package in ``folder`` to the contracts in pyproject.toml."""
    pytest.importorskip("importlinter")
    return subprocess.run(
        [
            Path(sysconfig.get_path("scripts")) / "lint-imports",
            *("--config", ROOT / "pyproject.toml", "--no-cache", "--no-logo"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(PACKAGE, folder / "django_ws", ignore=shutil.ignore_patterns("__pycache__")))


def test_contracts_are_kept() -> None:
    done = lint_imports(PACKAGE.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken." in done.stdout


@pytest.mark.parametrize(
    ("module", "code", "importer", "imported"),
    [
        (
            "protocol/new",
            "from django_ws.handler import WebSocket",
            "protocol",
            "django_ws.handler",
        ),
        (
            "routing/new",
            "from django_ws.middleware import compose",
            "routing",
            "django_ws.middleware",
        ),
        (
            "handler/new",
            "if TYPE_CHECKING:\n    import django_ws.routing",
            "handler",
            "django_ws.routing",
        ),
        ("interfaces/new", "from django_ws.conf import get_settings", "interfaces", "django_ws.conf"),
        ("protocol/new", "import asyncio", "protocol", "asyncio"),
        ("protocol/new", "if TYPE_CHECKING:\n    import django.http", "protocol", "django"),
    ],
)
def test_contracts_can_be_broken(tmp_path: Path, module: str, code: str, importer: str, imported: str) -> None:
    with (copied(tmp_path) / f"{module}.py").open("a", encoding="utf-8") as file:
        file.write(f"{code}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"django_ws.{importer} is not allowed to import {imported}:" in done.stdout


def test_a_new_part_must_find_its_place(tmp_path: Path) -> None:
    (copied(tmp_path) / "unplaced.py").touch()
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "unplaced" in done.stdout


# --- a fresh interpreter ----------------------------------------------------------------------------

SHARED = {
    "aliases",
    "close_codes",
    "conf",
    "exceptions",
    "interfaces",
    "logs",
    "refusals",
    "signals",
    "standing",
    "users",
}
"""What layers have in common; no behaviour of a socket is in them."""

LAYERS = ("codecs", "guards", "handler", "limits", "middleware", "protocol", "routing", "testing", "topics")

HANDSHAKE = {*SHARED, "limits", "routing"}
"""What the parts of the composition root that answer a handshake are made of."""

MAY_LOAD: dict[str, set[str]] = {
    "aliases": set(),
    "close_codes": set(),
    "exceptions": {"close_codes"},
    "interfaces": {"aliases", "close_codes", "exceptions"},
    "conf": {"close_codes", "exceptions", "interfaces", "aliases"},
    "urls": set(),
    **dict.fromkeys(LAYERS, SHARED),
    "protocol": {"aliases", "close_codes", "exceptions"},
    "handler": {*SHARED, "codecs"},
    "topics": {*SHARED, "codecs"},
    "users": set(),
    "logs": {"users"},
    "standing": {"users"},
    "refusals": set(),
    "signals": set(),
    "handshake_timeout": set(),
    "denials": SHARED,
    "handshake": {*SHARED, "routing"},
    "admission": {*SHARED, "limits"},
    "authorization": {*SHARED, "codecs", "handler", "topics"},
    "endings": {*HANDSHAKE, "admission", "denials", "handshake"},
    "application": {
        *HANDSHAKE,
        *("admission", "authorization", "codecs", "denials", "endings", "handler", "handshake", "handshake_timeout"),
        *("middleware", "protocol", "topics"),
    },
    # Each imports what it is about when it is used, or in a module of its own.
    "__main__": set(),
    "apps": set(),
    "management": set(),
    "templatetags": set(),
    "reverse": {*SHARED, "routing"},
    "checks": {
        *HANDSHAKE,
        *("admission", "application", "authorization", "codecs", "denials", "endings", "handler", "handshake"),
        *("handshake_timeout", "management", "middleware", "protocol", "reverse", "topics"),
    },
}
"""Part of the package -> the other parts that may come with it."""

LIGHT = ("aliases", "close_codes", "exceptions", "interfaces", "protocol")
"""Parts that load neither Django nor asyncio."""

SERVERS = {"daphne", "granian", "h11", "hypercorn", "twisted", "uvicorn", "websockets", "wsproto"}


def loaded_by(code: str) -> set[str]:
    """Run ``code`` in a fresh interpreter and give the names of the modules that it loaded."""
    program = (
        "import json, sys\n"
        f"sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "before = set(sys.modules)\n"
        f"{code}\n"
        "sys.stdout.write(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    # Isolated: no environment variable and no user site takes part.
    command = [sys.executable, "-I", "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def parts(loaded: set[str]) -> set[str]:
    """Give the parts of the package among the loaded modules."""
    return {name.split(".")[1] for name in loaded if name.startswith("django_ws.")}


def roots(loaded: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in loaded}


def test_every_part_has_a_rule() -> None:
    assert {module.name for module in pkgutil.iter_modules(django_ws.__path__)} == set(MAY_LOAD)


@pytest.mark.parametrize("part", MAY_LOAD)
def test_a_part_comes_without_its_siblings(part: str) -> None:
    loaded = loaded_by(f"import django_ws.{part}")
    assert part in parts(loaded)
    assert parts(loaded) <= {part, *MAY_LOAD[part]}
    assert not roots(loaded) & SERVERS
    if part in LIGHT:
        assert not roots(loaded) & {"django", "asyncio", "asgiref"}


def test_the_package_alone_loads_nothing() -> None:
    loaded = loaded_by("import django_ws")
    assert parts(loaded) == set()
    assert roots(loaded) <= {"django_ws", *sys.stdlib_module_names}
    assert not roots(loaded) & {"asyncio", "inspect", "json", "logging", "ssl", "socket"}


@pytest.mark.parametrize("home", sorted(set(django_ws._HOMES)))
def test_a_name_of_the_facade_comes_with_its_home_alone(home: str) -> None:
    part = home.removeprefix("django_ws.")
    loaded = loaded_by("import django_ws\n" + "\n".join(f"django_ws.{name}" for name in django_ws._HOMES[home]))
    assert part in parts(loaded)
    assert parts(loaded) <= {part, *MAY_LOAD[part]}
