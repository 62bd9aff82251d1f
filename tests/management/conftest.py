"""A new Django project, which is that of this process for one test."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import UserSettingsHolder
from django.core.management import call_command
from django.test import override_settings


@pytest.fixture
def new_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make ``mysite`` with the app ``chat``, as Django's commands do, and go there."""
    call_command("startproject", "mysite", str(tmp_path))
    (tmp_path / "chat").mkdir()
    call_command("startapp", "chat", str(tmp_path / "chat"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    kept = set(sys.modules)
    # Settings that are overridden have no module else.
    monkeypatch.setattr(UserSettingsHolder, "SETTINGS_MODULE", "mysite.settings")
    with override_settings(
        ROOT_URLCONF="mysite.urls",
        WSGI_APPLICATION="mysite.wsgi.application",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "chat"],
    ):
        yield tmp_path
    for name in set(sys.modules) - kept:
        if name.partition(".")[0] in {"mysite", "chat"}:
            del sys.modules[name]
