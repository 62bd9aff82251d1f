"""management/commands/ws_init.py and all below it, in projects of their own: what is written, or that nothing is."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from django_ws.management.commands import ws_init
from django_ws.management.commands.ws_init import Command

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


# --- in this process --------------------------------------------------------------------------------


def told_by(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command(Command(), *arguments, stdout=out, no_color=True)
    return out.getvalue().splitlines()


def test_what_is_done_is_told_file_by_file(new_project: Path) -> None:
    told = told_by()
    assert told[:5] == [
        "created  mysite/ws.py        a socket, mysite.ws.Echo",
        "created  mysite/ws_urls.py   its route, ws/echo/",
        "created  mysite/test_ws.py   a test of it, mysite.test_ws",
        "changed  mysite/asgi.py      get_asgi_application -> get_websocket_application",
        'changed  mysite/settings.py  "django_ws" in INSTALLED_APPS, ASGI_APPLICATION',
    ]
    assert told[5:7] == ["", "Now:"]
    assert (new_project / "mysite/ws.py").exists()


def test_what_is_as_it_was_is_told(new_project: Path) -> None:
    told_by()
    for name in ("ws", "ws_urls", "test_ws"):
        (new_project / f"mysite/{name}.py").unlink()
    told = told_by("chat")
    assert told[0] == "created  chat/ws.py          a socket, chat.ws.Echo"
    assert "as is    mysite/asgi.py      mysite.asgi makes the application already" in told


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_what_is_left_to_do_is_told(new_project: Path, arguments: list[str]) -> None:
    (new_project / "mysite/asgi.py").write_text("application = 1\n", encoding="utf-8")
    (new_project / "mysite/settings.py").write_text("INSTALLED_APPS = []\n", encoding="utf-8")
    told = told_by(*arguments)
    assert told[-2].startswith("TO DO in mysite/asgi.py: make the application by `from django_ws import")
    assert told[-1] == 'TO DO in mysite.settings: put "django_ws" first into INSTALLED_APPS'
    assert (new_project / "mysite/ws.py").exists() is not bool(arguments)
    assert ("--- /dev/null" in told) is bool(arguments)


def test_a_dry_run_shows_all_and_changes_nothing(new_project: Path) -> None:
    before = files(new_project)
    told = "\n".join(told_by("--dry-run"))
    assert files(new_project) == before
    assert "--- /dev/null\n+++ b/mysite/ws.py" in told
    assert "+application = get_websocket_application()" in told
    assert "+    'django_ws'," in told or '+    "django_ws",' in told


@pytest.mark.parametrize("name", ["ws.py", "ws_urls.py", "test_ws.py"])
def test_a_file_in_the_way_is_told_and_nothing_changed(new_project: Path, name: str) -> None:
    (new_project / "mysite" / name).write_text("# mine\n", encoding="utf-8")
    before = files(new_project)
    with pytest.raises(CommandError, match=f"  mysite/{name}\n"):
        told_by()
    assert files(new_project) == before


@pytest.mark.parametrize(
    ("app", "told"),
    [("caht", "did you mean 'chat'"), ("zzz", "there are contenttypes, auth"), ("auth", "is an installed package")],
)
def test_an_app_that_is_none_of_the_project_is_told(new_project: Path, app: str, told: str) -> None:
    before = files(new_project)
    with pytest.raises(CommandError, match=told):
        told_by(app)
    assert files(new_project) == before


@pytest.mark.parametrize(
    ("missing", "install"),
    [
        (set[str](), None),
        ({"websockets", "prompt_toolkit"}, "pip install 'django-ws[client]'"),
        ({"websockets", "uvicorn"}, "pip install 'django-ws[client,server]'"),
    ],
    ids=["nothing", "client", "both"],
)
def test_the_next_steps_begin_with_what_is_not_installed(
    new_project: Path, monkeypatch: pytest.MonkeyPatch, missing: set[str], install: str | None
) -> None:
    monkeypatch.setattr(ws_init, "find_spec", lambda name: None if name in missing else find_spec(name))
    told = told_by()
    steps = [line.partition("#")[0].strip() for line in told[told.index("Now:") + 1 :]]
    assert steps == [
        *([install] if install else []),
        "python manage.py test",
        "python manage.py runserver",
        "python manage.py ws_connect /ws/echo/",
    ]
