"""The project of these tests, in force for one test at a time, on a database of its own."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from interop.mysite.settings import APPS, SETTINGS

BACKEND = "django.contrib.auth.backends.ModelBackend"
Load = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("interop") / "migrated.sqlite3"
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        # override_settings imports the models before its settings are in force, and REST framework's Token looks there.
        patch.setattr(django_settings, "INSTALLED_APPS", APPS)
        stack.enter_context(override_settings(**SETTINGS, INSTALLED_APPS=APPS))
        patch.setitem(connections.settings["default"], "NAME", str(file))
        before, own = connections["default"], connections.create_connection("default")
        connections["default"] = own
        call_command("migrate", verbosity=0)
        own.close()
        connections["default"] = before
    return file


@pytest.fixture
def project(migrated: Path, database_file: Path) -> Iterator[None]:
    """The project, on a database and on threads of this test alone: theirs are asgiref's, ours the lanes."""
    shutil.copy(migrated, database_file)
    with override_settings(**SETTINGS, INSTALLED_APPS=APPS):
        yield


@pytest.fixture
def load(project: None, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Import a module of the project anew, for the applications in it are of one test."""

    def load_module(name: str) -> ModuleType:
        full = f"interop.mysite.{name}"
        monkeypatch.delitem(sys.modules, full, raising=False)
        return import_module(full)

    return load_module


@pytest.fixture
def alice(project: None) -> str:
    """Give the cookie of a user who is logged in."""
    user = get_user_model().objects.create_user(username="alice", password="secret")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"sessionid={session.session_key}"
