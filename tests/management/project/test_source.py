"""management/project/source.py: only what must be changed is changed, and only where that is surely right."""

import pytest

from django_ws.management.project.source import Change, with_application, with_installed_app, with_setting

STOCK = b'''"""ASGI config."""

import os

from django.core.asgi import get_asgi_application  # Django's

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')

application = get_asgi_application()  # the end
'''
OURS = STOCK.replace(b"django.core.asgi import get_asgi", b"django_ws import get_websocket").replace(
    b"= get_asgi", b"= get_websocket"
)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_the_application_of_startproject_is_changed_and_nothing_else(newline: bytes) -> None:
    change = with_application(STOCK.replace(b"\n", newline))
    assert change.source == OURS.replace(b"\n", newline)
    assert change.done == "get_asgi_application -> get_websocket_application"
    assert not change.to_do
    assert with_application(change.source) == Change(change.source)


def test_an_annotated_application_is_changed_too() -> None:
    source = STOCK.replace(b"application = ", "# ü\napplication: object = ".encode())
    assert b"application: object = get_websocket_application()  # the end" in with_application(source).source


@pytest.mark.parametrize(
    "source",
    [
        b"application = (",
        b"# \xff\n",
        b"",
        STOCK.replace(b"= get_asgi_application()", b"= wrap(get_asgi_application())"),
        STOCK.replace(b"= get_asgi_application()", b"= get_asgi_application(1)"),
        STOCK + b"application = wrap(application)\n",
        STOCK.replace(b"import get_asgi_application", b"import get_asgi_application as django"),
        STOCK.replace(b"application = get", b"django_app = get") + b"application = Router({'http': django_app})\n",
    ],
)
def test_an_application_that_is_unusual_is_left_alone(source: bytes) -> None:
    change = with_application(source)
    assert change.source == source
    assert not change.done
    assert "from django_ws import get_websocket_application" in change.to_do


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"INSTALLED_APPS = [\n    'a',\n]\n", b"INSTALLED_APPS = [\n    'django_ws',\n    'a',\n]\n"),
        (b'INSTALLED_APPS = (\r\n\t"a",\r\n)\r\n', b'INSTALLED_APPS = (\r\n\t"django_ws",\r\n\t"a",\r\n)\r\n'),
        (b"INSTALLED_APPS: list[str] = ['a']\n", b"INSTALLED_APPS: list[str] = ['django_ws', 'a']\n"),
        (
            b"INSTALLED_APPS = [\n    # mine\n    a.name,\n]",
            b'INSTALLED_APPS = [\n    "django_ws",\n    # mine\n    a.name,\n]',
        ),
    ],
)
def test_the_app_comes_first(before: bytes, after: bytes) -> None:
    change = with_installed_app(before)
    assert change == Change(after, done='"django_ws" in INSTALLED_APPS')


@pytest.mark.parametrize(
    "source",
    [
        b"from .base import *\n",
        b"INSTALLED_APPS = []\n",
        b"INSTALLED_APPS = 'a', 'b'\n",
        b"INSTALLED_APPS = BASE + ['a']\n",
        b"INSTALLED_APPS = ['a']\nINSTALLED_APPS += ['b']\n",
        b"INSTALLED_APPS = [",
    ],
)
def test_apps_that_are_no_plain_list_are_left_alone(source: bytes) -> None:
    assert with_installed_app(source) == Change(source, to_do='put "django_ws" first into INSTALLED_APPS')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"WSGI_APPLICATION = 'a.wsgi'  # w\nX = 1\n", b"WSGI_APPLICATION = 'a.wsgi'  # w\nNAME = 'value'\nX = 1\n"),
        (b'WSGI_APPLICATION = "a.wsgi"', b'WSGI_APPLICATION = "a.wsgi"\nNAME = "value"\n'),
        (b"X = 1\r\n", b'X = 1\r\n\r\nNAME = "value"\r\n'),
        (b"X = 1", b'X = 1\n\nNAME = "value"\n'),
        (b"", b'\nNAME = "value"\n'),
        (b"if X:\n    WSGI_APPLICATION = 1\n", b'if X:\n    WSGI_APPLICATION = 1\n\nNAME = "value"\n'),
    ],
)
def test_a_setting_is_added(before: bytes, after: bytes) -> None:
    assert with_setting(before, "NAME", "value") == Change(after, done="NAME")


def test_a_file_that_is_no_python_is_left_alone() -> None:
    assert with_setting(b"(", "NAME", "value") == Change(b"(", to_do='set NAME = "value"')
