"""management/commands/ws_init.py and all below it, in projects of their own: what is written, or that nothing is."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TIMEOUT = 60


@pytest.fixture
def project(tmp_path: Path) -> Path:
    done("django", tmp_path, "startproject", "mysite", ".")
    return tmp_path


def ran(module: str, cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env={**kept, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def done(module: str, cwd: Path, *arguments: str) -> str:
    result = ran(module, cwd, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def files(project: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in project.rglob("*.py")}


def changed(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_a_socket_its_route_and_its_test_are_added(project: Path) -> None:
    told = done("django_ws", project, "init")
    assert [line.split()[:2] for line in told.splitlines()[:5]] == [
        ["created", "mysite/ws.py"],
        ["created", "mysite/ws_urls.py"],
        ["created", "mysite/test_ws.py"],
        ["changed", "mysite/asgi.py"],
        ["changed", "mysite/settings.py"],
    ]
    assert "python manage.py ws_connect /ws/echo/" in told
    tested = ran("manage", project, "test")
    assert "Ran 1 test" in tested.stderr
    assert tested.returncode == 0, tested.stderr
    assert "no issues" in done("manage", project, "check")


def test_a_dry_run_shows_all_and_changes_nothing(project: Path) -> None:
    before = files(project)
    told = done("django_ws", project, "init", "--dry-run")
    assert files(project) == before
    assert "--- /dev/null\n+++ b/mysite/ws.py" in told
    assert "+application = get_websocket_application()" in told
    assert "+    'django_ws'," in told or '+    "django_ws",' in told


@pytest.mark.parametrize("name", ["ws.py", "ws_urls.py", "test_ws.py"])
def test_a_file_in_the_way_is_told_and_nothing_changed(project: Path, name: str) -> None:
    (project / "mysite" / name).write_text("# mine\n", encoding="utf-8")
    before = files(project)
    result = ran("django_ws", project, "init")
    assert result.returncode == 1
    assert f"  mysite/{name}\n" in result.stderr
    assert files(project) == before


def test_an_app_gets_it_with_its_test_among_its_tests(project: Path) -> None:
    done("manage", project, "startapp", "chat")
    changed(
        project / "mysite/settings.py", lambda text: text.replace("INSTALLED_APPS = [", "INSTALLED_APPS = ['chat',")
    )
    (project / "chat/tests.py").unlink()
    (project / "chat/tests").mkdir()
    (project / "chat/tests/__init__.py").touch()
    told = done("django_ws", project, "init", "chat")
    assert "chat/tests/test_ws.py" in told
    assert "from chat.ws import Echo" in (project / "mysite/ws_urls.py").read_text(encoding="utf-8")
    assert "Ran 1 test" in ran("manage", project, "test").stderr


@pytest.mark.parametrize(
    ("app", "told"),
    [("admni", "did you mean 'admin'?"), ("zzz", "there are admin, auth"), ("admin", "is an installed package")],
)
def test_an_app_that_is_none_of_the_project_is_told(project: Path, app: str, told: str) -> None:
    result = ran("django_ws", project, "init", app)
    assert result.returncode == 1
    assert told in result.stderr


def test_what_is_unusual_is_left_to_its_author(project: Path) -> None:
    changed(project / "mysite/asgi.py", lambda text: f"{text}application = print(application)\n")
    changed(project / "mysite/settings.py", lambda text: f"{text}INSTALLED_APPS += []\n")
    before = (project / "mysite/asgi.py").read_bytes()
    told = done("django_ws", project, "init")
    assert "TO DO in mysite/asgi.py: make the application by" in told
    assert 'TO DO in mysite.settings: put "django_ws" first' in told
    assert "Now:" not in told
    assert (project / "mysite/asgi.py").read_bytes() == before


def test_what_is_there_already_is_left_as_it_is(project: Path) -> None:
    done("django_ws", project, "init")
    for name in ("ws.py", "ws_urls.py", "test_ws.py"):
        (project / "mysite" / name).unlink()
    told = done("manage", project, "ws_init")
    assert "as is    mysite/asgi.py" in told
    assert "as is    mysite/settings.py" in told


def test_a_project_without_asgi_gets_one(project: Path) -> None:
    (project / "mysite/asgi.py").unlink()
    assert "created  mysite/asgi.py" in done("django_ws", project, "init")
    assert ran("manage", project, "test").returncode == 0
