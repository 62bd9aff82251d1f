"""__main__.py: which project is meant, and what is said where there is none."""

import os
import runpy
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from django_ws import __main__ as program
from django_ws.__main__ import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "")
    return tmp_path


def test_what_python_runs_ends_with_that_status(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, status in {("inti",): 2, ("help",): 0}.items():
        monkeypatch.setattr(sys, "argv", ["django_ws", *arguments])
        with pytest.raises(SystemExit) as raised:
            runpy.run_path(str(program.__file__), run_name="__main__")
        assert raised.value.code == status


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_is_given(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert "usage: python -m django_ws init [APP]" in capsys.readouterr().out


def test_a_command_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inti"]) == 2
    assert capsys.readouterr().err.startswith("There is no command 'inti'.\nusage:")


@pytest.mark.parametrize("manage", [None, "print('no settings')\n", b"\xff"])
def test_a_folder_without_a_project_is_told(
    folder: Path, manage: str | bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if manage is not None:
        (folder / "manage.py").write_bytes(manage if isinstance(manage, bytes) else manage.encode())
    assert main(["init"]) == 2
    assert f"{folder} holds no manage.py that names the settings" in capsys.readouterr().err


def test_the_settings_are_those_of_manage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("startproject", "mysite", ".")
    asked: list[list[str]] = []
    monkeypatch.setattr(program, "_init", asked.append)
    assert main(["init", "chat"]) == 0
    assert asked == [["chat"]]
    assert os.environ["DJANGO_SETTINGS_MODULE"] == "mysite.settings"
    assert sys.path[0] == str(folder)


def test_settings_that_are_named_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "testproject.settings")
    with pytest.raises(SystemExit) as raised:
        main(["init", "--help"])
    assert raised.value.code == 0
