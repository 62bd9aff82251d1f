"""topics/engines/options.py: the OPTIONS of an engine."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_ws.topics.engines.options import no_options, take_option


def test_an_option_is_taken_out() -> None:
    options: dict[str, object] = {"SIZE": 3, "OTHER": 1}
    assert take_option(options, "SIZE", int, 5) == 3
    assert options == {"OTHER": 1}


def test_an_option_that_is_not_given_has_its_default() -> None:
    assert take_option({}, "SIZE", int, 5) == 5


@pytest.mark.parametrize(
    ("value", "expected", "message"),
    [
        ("3", int, r"OPTIONS\['SIZE'\] is '3', but must be of type int"),
        (True, int, r"OPTIONS\['SIZE'\] is True, but must be of type int"),
        (1, bool, r"OPTIONS\['SIZE'\] is 1, but must be of type bool"),
    ],
)
def test_an_option_of_another_type(value: object, expected: type[object], message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        take_option({"SIZE": value}, "SIZE", expected, None)


def test_a_bool_is_taken_where_one_is_expected() -> None:
    assert take_option({"ON": False}, "ON", bool, default=True) is False


def test_what_nobody_took_is_refused() -> None:
    no_options({})
    with pytest.raises(ImproperlyConfigured, match="OPTIONS has 'A', 'B', which this engine does not know"):
        no_options({"A": 1, "B": 2})
