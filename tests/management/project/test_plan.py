"""management/project/plan.py: what becomes of which file of a project, and that it is all of it or nothing.

That what comes of it works, is tested in tests/management/commands/test_ws_init.py and tests/quickstart.
"""

import shutil
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.test import override_settings

from django_ws.management.project.plan import FileChange, Plan, make_plan, shown


def planned(project: Path, label: str | None = None) -> dict[str, str]:
    """Give the notes of what is to be written, by file."""
    return {shown(change.path, project): change.note for change in make_plan(label).files}


def text_of(plan: Plan, name: str) -> str:
    (change,) = (change for change in plan.files if change.path.name == name)
    return change.after.decode()


# --- what is planned --------------------------------------------------------------------------------


def test_in_a_new_project(new_project: Path) -> None:
    assert planned(new_project) == {
        "mysite/ws.py": "a socket, mysite.ws.Echo",
        "mysite/ws_urls.py": "its route, ws/echo/",
        "mysite/test_ws.py": "a test of it, mysite.test_ws",
        "mysite/asgi.py": "get_asgi_application -> get_websocket_application",
        "mysite/settings.py": '"django_ws" in INSTALLED_APPS, ASGI_APPLICATION',
    }
    plan = make_plan(None)
    assert (plan.as_it_was, plan.to_do) == ([], [])
    assert "from mysite.ws import Echo\n" in text_of(plan, "ws_urls.py")
    assert "ASGI_APPLICATION = 'mysite.asgi.application'\n" in text_of(plan, "settings.py")


def test_it_is_found_again_after_it_has_been_written(new_project: Path) -> None:
    make_plan(None).write()
    for name in ("ws", "ws_urls", "test_ws"):
        (new_project / f"mysite/{name}.py").unlink()
    installed = ["django_ws", "django.contrib.contenttypes", "django.contrib.auth"]
    with override_settings(INSTALLED_APPS=installed, ASGI_APPLICATION="mysite.asgi.application"):
        plan = make_plan(None)
    assert len(plan.files) == 3
    assert plan.as_it_was == [
        (new_project / "mysite/asgi.py", "mysite.asgi makes the application already"),
        (new_project / "mysite/settings.py", "has what is needed already"),
    ]


@pytest.mark.parametrize("installed", [True, False])
def test_what_has_one_of_two_settings_gets_the_other(new_project: Path, installed: bool) -> None:
    apps = ["django.contrib.contenttypes", "django.contrib.auth"]
    with (
        override_settings(INSTALLED_APPS=["django_ws", *apps])
        if installed
        else override_settings(ASGI_APPLICATION="mysite.asgi.application")
    ):
        note = planned(new_project)["mysite/settings.py"]
    assert note == ("ASGI_APPLICATION" if installed else '"django_ws" in INSTALLED_APPS')


@pytest.mark.parametrize("tests", [False, True])
def test_an_app_gets_the_socket_and_the_project_the_route(new_project: Path, tests: bool) -> None:
    if tests:
        (new_project / "chat/tests").mkdir()
        (new_project / "chat/tests/__init__.py").touch()
    home = "chat/tests" if tests else "chat"
    names = planned(new_project, "chat")
    assert list(names)[:3] == ["chat/ws.py", "mysite/ws_urls.py", f"{home}/test_ws.py"]
    assert names[f"{home}/test_ws.py"] == f"a test of it, {home.replace('/', '.')}.test_ws"
    assert "from chat.ws import Echo\n" in text_of(make_plan("chat"), "ws_urls.py")


def test_modules_that_stand_beside_manage(new_project: Path) -> None:
    for module in ("settings", "urls", "asgi", "wsgi"):
        shutil.move(new_project / f"mysite/{module}.py", new_project / f"{module}.py")
    before = {name for name in sys.modules if "." not in name}
    with override_settings(
        SETTINGS_MODULE="settings", ROOT_URLCONF="urls", WSGI_APPLICATION="wsgi.application", ASGI_APPLICATION=None
    ):
        names = planned(new_project)
        settings = text_of(make_plan(None), "settings.py")
    assert {name for name in sys.modules if "." not in name} == before
    assert list(names) == ["ws.py", "ws_urls.py", "test_ws.py", "asgi.py", "settings.py"]
    assert names["ws.py"] == "a socket, ws.Echo"
    assert "ASGI_APPLICATION = 'asgi.application'\n" in settings


def test_a_urlconf_of_another_name(new_project: Path) -> None:
    with override_settings(ROOT_WS_URLCONF="chat.sockets"):
        assert "chat/sockets.py" in planned(new_project)


def test_a_package_without_init(new_project: Path) -> None:
    (new_project / "routes").mkdir()
    with override_settings(ROOT_WS_URLCONF="routes.ws"):
        assert "routes/ws.py" in planned(new_project)


# --- asgi.py and the settings -----------------------------------------------------------------------


def test_the_application_is_where_the_settings_say(new_project: Path) -> None:
    (new_project / "mysite/asgi.py").rename(new_project / "chat/server.py")
    with override_settings(ASGI_APPLICATION="chat.server.application"):
        names = planned(new_project)
    assert "chat/server.py" in names
    assert "mysite/asgi.py" not in names


def test_the_application_may_stand_beside_the_settings(new_project: Path) -> None:
    (new_project / "mysite/asgi.py").rename(new_project / "chat/asgi.py")
    shutil.copy(new_project / "mysite/settings.py", new_project / "chat/settings.py")
    with override_settings(SETTINGS_MODULE="chat.settings", WSGI_APPLICATION=None):
        plan = make_plan(None)
    assert "get_websocket_application" in text_of(plan, "asgi.py")
    assert "ASGI_APPLICATION = 'chat.asgi.application'\n" in text_of(plan, "settings.py")


@pytest.mark.parametrize(
    ("named", "made"),
    [(None, "mysite/asgi.py"), ("chat.server.application", "chat/server.py"), ("x", "mysite/asgi.py")],
)
def test_a_project_without_an_application_gets_one(new_project: Path, named: str | None, made: str) -> None:
    (new_project / "mysite/asgi.py").unlink()
    with override_settings(ASGI_APPLICATION=named):
        plan = make_plan(None)
    (change,) = (change for change in plan.files if change.note == "the ASGI application")
    assert change.path == new_project / made
    assert b'setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")' in change.after


def test_what_is_unusual_is_left_to_its_author(new_project: Path) -> None:
    (new_project / "mysite/asgi.py").write_text("application = 1\n", encoding="utf-8")
    (new_project / "mysite/settings.py").write_text("this is no Python\n", encoding="utf-8")
    plan = make_plan(None)
    assert len(plan.files) == 3
    where, what = zip(*plan.to_do, strict=True)
    assert where == (str(new_project / "mysite/asgi.py"), "mysite.settings", "mysite.settings")
    assert "get_websocket_application" in what[0]
    assert what[1:] == (
        'put "django_ws" first into INSTALLED_APPS',
        'set ASGI_APPLICATION = "mysite.asgi.application"',
    )


# --- what stands in the way -------------------------------------------------------------------------


def test_all_files_that_stand_in_the_way_are_told(new_project: Path) -> None:
    for name in ("ws", "test_ws"):
        (new_project / f"mysite/{name}.py").touch()
    with pytest.raises(CommandError, match=r"  mysite/ws\.py\n  mysite/test_ws\.py\nThis command makes a first socket"):
        make_plan(None)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("chta", "no app 'chta' in INSTALLED_APPS; did you mean 'chat'?"),
        ("zzz", "there are contenttypes, auth, chat"),
        ("auth", "The app 'auth' is an installed package, "),
        ("django.contrib.auth", "name one of the project"),
    ],
)
def test_an_app_that_is_none_of_the_project_is_told(new_project: Path, label: str, told: str) -> None:
    with pytest.raises(CommandError, match=told.replace("?", r"\?")):
        make_plan(label)


@pytest.mark.parametrize("urlconf", ["nowhere.ws_urls", "mysite.nowhere.ws_urls", "chat.models.deep.ws_urls"])
def test_a_folder_that_is_not_there_is_told(new_project: Path, urlconf: str) -> None:
    with (
        override_settings(ROOT_WS_URLCONF=urlconf),
        pytest.raises(CommandError, match=f"^The folder of '{urlconf.rpartition('.')[0]}' cannot be found; look at"),
    ):
        make_plan(None)


@pytest.mark.parametrize(
    "settings", [{"SETTINGS_MODULE": None}, {"SETTINGS_MODULE": "mysite.nothing"}, {"ROOT_URLCONF": ""}]
)
def test_a_project_of_another_kind_is_told(new_project: Path, settings: dict[str, str | None]) -> None:
    with override_settings(**settings), pytest.raises(CommandError, match="no module of settings with a ROOT_URLCONF"):
        make_plan(None)


def test_a_wrong_setting_is_told(new_project: Path) -> None:
    with override_settings(WS_DENIAL="odd"), pytest.raises(CommandError, match="WS_DENIAL is 'odd', but must be"):
        make_plan(None)


# --- what is done -----------------------------------------------------------------------------------


def change_of(path: Path, after: bytes = b"after\n") -> FileChange:
    return FileChange(path=path, before=path.read_bytes() if path.exists() else None, after=after, note="")


def test_every_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"before\n")
    Plan(files=[change_of(tmp_path / "new"), change_of(tmp_path / "old")]).write()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"new": b"after\n", "old": b"after\n"}


def test_where_one_cannot_be_written_nothing_has_changed(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"before\n")
    plan = Plan(files=[change_of(tmp_path / name) for name in ("new", "old", "nowhere/new", "never reached")])
    with pytest.raises(CommandError, match=r"nowhere/new'; nothing has been changed$"):
        plan.write()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"old": b"before\n"}


def test_a_file_that_may_only_be_read_is_no_trouble_to_the_undoing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"before\n")
    plan = Plan(files=[change_of(tmp_path / "new"), change_of(old)])
    write = Path.write_bytes

    def write_or_not(path: Path, data: bytes) -> int:
        if path == old:
            raise PermissionError(13, "Permission denied", str(path))
        return write(path, data)

    # Root may write to any file.
    monkeypatch.setattr(Path, "write_bytes", write_or_not)
    with pytest.raises(CommandError, match=r"Permission denied: '.*old'; nothing has been changed$"):
        plan.write()
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_what_cannot_be_undone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"before\n")
    plan = Plan(files=[change_of(tmp_path / "new"), change_of(old)])
    write = Path.write_bytes

    def write_half(path: Path, data: bytes) -> int:
        if path != old:
            return write(path, data)
        with path.open("r+b") as file:
            file.truncate(3)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(CommandError, match=rf"No space left on device; put back by hand .* changed in {old}$"):
        plan.write()
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


# --- how it is shown --------------------------------------------------------------------------------


def test_a_difference_is_shown_as_diff_does(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"before\n")
    assert change_of(tmp_path / "old").diff(tmp_path) == "--- a/old\n+++ b/old\n@@ -1 +1 @@\n-before\n+after\n"
    assert change_of(tmp_path / "new").diff(tmp_path) == "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+after\n"


def test_a_path_outside_is_shown_whole(tmp_path: Path) -> None:
    assert shown(tmp_path / "a" / "b", tmp_path) == "a/b"
    assert shown(tmp_path, tmp_path / "a") == str(tmp_path)
