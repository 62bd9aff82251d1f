"""What the tests of the checks share."""

import itertools
import sys
from collections.abc import Callable
from types import ModuleType

import pytest
from django.core.checks import CheckMessage
from django.test import override_settings

from django_ws.checks import HINTS

Module = Callable[..., str]

numbers = itertools.count()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Module:
    """Give what makes an importable module and tells its name; Django remembers a URLconf by that."""

    def make(**members: object) -> str:
        made = ModuleType(f"made_by_tests_of_checks_{next(numbers)}")
        made.__dict__.update(members)
        monkeypatch.setitem(sys.modules, made.__name__, made)
        return made.__name__

    return make


def told(check: Callable[..., list[CheckMessage]], **settings: object) -> list[tuple[str, str]]:
    """Run one check under settings, and give id and text of its messages."""
    with override_settings(**settings):
        found = check(app_configs=None, databases=None)
    for message in found:
        assert str(message.id).startswith("django_ws.")
        number = str(message.id).removeprefix("django_ws.")
        assert message.hint == HINTS[number]
        assert message.is_serious() is number.startswith("E")
    return [(str(message.id).removeprefix("django_ws."), message.msg) for message in found]
