"""The package: an app that needs no driver, and the engine that does."""

import json
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_ws.topics.engines import postgres
from django_ws.topics.engines.postgres.broker import PostgresBroker


def test_the_engine_is_a_name_of_the_package() -> None:
    assert postgres.PostgresBroker is PostgresBroker
    assert not hasattr(postgres, "Postgres")


def test_the_app_needs_no_driver() -> None:
    program = (
        "import json, sys, django_ws.topics.engines.postgres.apps\n"
        "print(json.dumps([name for name in sys.modules if name.partition('.')[0] == 'psycopg']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == []


def test_without_the_driver_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "django_ws.topics.engines.postgres.broker", None)
    with pytest.raises(ImproperlyConfigured, match=r"needs psycopg 3.*pip install 'django-ws\[postgres\]'"):
        _ = postgres.PostgresBroker
