"""management/applications.py; what it finds in wrappers is told in tests/checks/test_project.py, too."""

from typing import Any

import pytest
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from starlette.middleware.cors import CORSMiddleware

from django_ws import get_websocket_application
from django_ws.management.applications import application_name, import_application, look_into


class Wrapper:
    def __init__(self, app: object) -> None:
        self.app = app


def test_the_name_is_that_of_the_settings() -> None:
    assert application_name() is None
    with override_settings(ASGI_APPLICATION="a.b"):
        assert application_name() == "a.b"


def test_what_it_names_is_imported() -> None:
    assert import_application("django_ws.get_websocket_application") is get_websocket_application
    with pytest.raises(ImproperlyConfigured, match=r"^ASGI_APPLICATION names 'nowhere\.a', which cannot be") as raised:
        import_application("nowhere.a")
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_ours_is_found_in_what_keeps_one_application() -> None:
    ours = get_websocket_application()
    anything: Any = ours
    with override_settings(STATIC_URL="static/"):
        for application in (ours, CORSMiddleware(anything), Wrapper(ours), ASGIStaticFilesHandler(anything)):
            assert look_into(application) == (ours, False)


def test_djangos_own_is_plain_only_where_nothing_unknown_is_around_it() -> None:
    django: Any = get_asgi_application()
    assert look_into(django) == (None, True)
    assert look_into(CORSMiddleware(django)) == (None, True)
    assert look_into(Wrapper(django)) == (None, False)
    assert look_into(None) == (None, False)


def test_a_ring_of_wrappers_has_an_end() -> None:
    ring = Wrapper(None)
    ring.app = Wrapper(ring)
    ring.app.app = CORSMiddleware(django := get_asgi_application())  # type: ignore[arg-type]  # callable, so looked into
    assert look_into(ring) == (None, False)
    outer: Any = CORSMiddleware(django)  # type: ignore[arg-type]  # as above
    outer.app = outer
    assert look_into(outer) == (None, False)
