"""Django is set up once, before any test module is imported."""

import os
from collections.abc import Iterator

import django
import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")
django.setup()


@pytest.fixture(autouse=True)
def fresh_refusals() -> Iterator[None]:
    """Let each test see its own lines: a limit logs once a minute at one place."""
    from django_ws import refusals

    yield
    refusals._counts.clear()
    refusals._lines.clear()
