"""testing/__init__.py"""

from importlib import import_module

import pytest

from django_ws import testing


def test_the_client_is_imported_when_it_is_asked_for() -> None:
    for name, home in testing._HOME_OF.items():
        vars(testing).pop(name, None)
        value = getattr(testing, name)
        assert value is getattr(import_module(home), name)
        assert vars(testing)[name] is value


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'conect'"):
        getattr(testing, "conect")  # noqa: B009 - a type checker would find it
