"""Every block of the how-to guides is run: here by the examples' own tests, and by test_howto_*.py beside this file."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.code_blocks import DOCS, ROOT, Block, pages_of
from docs.howto_site import BLOCKS, EXAMPLES

SERVERS = ("uvicorn ", "hypercorn ", "granian ", "daphne ")
"""Command lines that test_howto_servers.py runs."""
COMMANDS = ("python manage.py check ", "python manage.py ws_urls", "python manage.py ws_connect ")
"""Command lines that test_howto_debug.py and test_howto_proxies.py run."""
CONFIGURATIONS = {"nginx.conf", "Caddyfile", "haproxy.cfg"}
"""Files that test_howto_proxies.py runs."""
MONITORED = {"asgi.py", "alerts.yml"}
"""Files of the folder ``monitor`` that test_howto_monitor.py runs."""
PACKAGES = sorted(path.parent for path in EXAMPLES.glob("*/tests.py"))


def runner_of(block: Block) -> str:
    """Name what runs a block.

    Raises:
        AssertionError: Nothing does.
    """
    if block.directive == "toctree":
        return "sphinx"
    if block.directive == "literalinclude":
        file = block.file
        assert file.is_relative_to(EXAMPLES), f"{block}: examples of the guides are in examples/howto"
        assert block.included().strip(), block
        if file.parent.name == "monitor" and file.name in MONITORED:
            return "monitor"
        if file.suffix == ".py" and file.name.startswith("settings"):
            return "settings"
        if file.suffix == ".py":
            assert is_imported_by_tests(file), f"{block}: no test imports {file.name}"
            return "tests"
        if file.suffix in {".js", ".toml"}:
            return {".js": "pages", ".toml": "servers"}[file.suffix]
        assert file.name in CONFIGURATIONS, f"{block}: nobody runs {file.name}"
        return "proxies"
    assert block.language == "sh", f"{block}: nobody runs {block.language or block.directive!r}"
    for line in block.body.splitlines():
        assert line.startswith(SERVERS + COMMANDS), f"{block}: nobody runs {line!r}"
    return "shell"


def is_imported_by_tests(file: Path) -> bool:
    """Say whether tests or routes reach a module, by one step or several."""
    todo = [*file.parent.glob("test*.py"), EXAMPLES / "urls.py", EXAMPLES / "ws_urls.py"]
    reached: set[Path] = set()
    while todo:
        module = todo.pop()
        if module not in reached and module.exists():
            reached.add(module)
            todo += imports_of(module)
    return file in reached


def imports_of(module: Path) -> list[Path]:
    """Give what it imports from beside it, and what its settings name."""
    text = module.read_text("utf-8")
    found = [EXAMPLES / f"{name.replace('.', '/')}.py" for name in re.findall(r'"howto\.(\w+\.\w+)\.', text)]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found += [module.parent / f"{name.replace('.', '/')}.py" for name in names]
    return found


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_is_run(block: Block) -> None:
    assert runner_of(block)


def test_every_example_is_shown() -> None:
    """Nothing in examples/howto is there for nobody."""
    shown = {block.file for block in BLOCKS if block.directive == "literalinclude"}
    files = {path for path in EXAMPLES.glob("*/*") if path.is_file() and path.suffix != ".pyc"}
    assert {path for path in files - shown if path.name != "__init__.py"} == set()


@pytest.fixture(scope="module")
def tested() -> str:
    """Run the tests of all examples as Django's users do, and give what unittest reports of each."""
    command = ["-W", "error", "-m", "django", "test", "howto", "-v", "2", "--settings=howto.settings"]
    return run_python(*command).stderr


@pytest.mark.xdist_group("howto-examples")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_examples_pass_their_tests(tested: str, package: Path) -> None:
    defined = re.findall(r"def (test_\w+)", (package / "tests.py").read_text("utf-8"))
    passed = re.findall(rf"^(test_\w+) \(howto\.{package.name}\.tests\.", tested, re.MULTILINE)
    assert sorted(passed) == sorted(defined)


@pytest.mark.xdist_group("howto-examples")
def test_the_engine_passes_the_conformance_tests(tested: str) -> None:
    found = re.findall(r"^test_\w+ \(howto\.swap\.test_engine\.", tested, re.MULTILINE)
    assert len(found) - tested.count(" skipped ") > 20


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python; the two streams stay apart, for one that is buffered would cut the lines of the other."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT / "examples",
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "howto.settings", "PYTHONPATH": str(ROOT / "examples")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


SETTINGS = sorted(
    {block.file for block in BLOCKS if block.directive == "literalinclude" and "settings" in block.argument}
)


CHECK = """
import json, sys
from runpy import run_path
import django
from django.core.checks import run_checks
from django.test import override_settings
django.setup()
from django_ws.conf import wrong_settings
found = {}
for file in sys.argv[1:]:
    settings = {name: value for name, value in run_path(file).items() if name.isupper()}
    with override_settings(**settings):
        messages = [str(each) for each in run_checks(tags=["django_ws"]) if not each.is_silenced()]
        found[file] = [sorted(settings), wrong_settings(), messages]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def checked() -> dict[str, list[list[str]]]:
    """Check the settings of each file, in a process where no test has made topics."""
    found: dict[str, list[list[str]]] = json.loads(run_python("-c", CHECK, *map(str, SETTINGS)).stdout)
    return found


@pytest.mark.xdist_group("howto-examples")
@pytest.mark.parametrize("file", SETTINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_settings_pass_the_checks(checked: dict[str, list[list[str]]], file: Path) -> None:
    names, wrong, messages = checked[str(file)]
    assert names
    assert wrong == []
    assert messages == []


NAMES = re.compile(r"\bWS_[A-Z_]+\b")


@pytest.mark.parametrize("page", pages_of("howto"), ids=lambda page: page.stem)
def test_what_a_page_names_exists(page: Path) -> None:
    from django_ws import conf

    text = page.read_text("utf-8")
    known = {*conf.NAMES, "WS_BASE_URL"}
    assert set(NAMES.findall(text)) - {"TASK_WS_CLOSED"} <= known
    for name in re.findall(r"`(django_ws\.(?:guards|middleware|testing|interfaces|topics|signals)[\w.]*)`", text):
        module, _, attribute = name.rpartition(".")
        assert has(module, attribute), name


def test_each_fake_of_the_layers_page_exists() -> None:
    import django_ws.testing
    from django_ws.testing import brokers

    rows = re.findall(r"^\| .+ \| (.*`.+) \|$", (DOCS / "howto" / "layers.md").read_text("utf-8"), re.MULTILINE)
    names = re.findall(r"`(\w+)`", " ".join(rows))
    assert len(names) > 8
    assert [name for name in names if not hasattr(django_ws.testing, name) and not hasattr(brokers, name)] == []


def has(module: str, attribute: str) -> bool:
    from importlib import import_module

    from django.utils.module_loading import import_string

    try:
        import_module(f"{module}.{attribute}")
    except ImportError:
        try:
            import_string(f"{module}.{attribute}")
        except ImportError:
            return False
    return True


def test_the_index_links_each_guide_by_what_is_wanted() -> None:
    index = (DOCS / "howto" / "index.md").read_text("utf-8")
    for page in pages_of("howto")[1:]:
        assert f"]({page.name})" in index, page
