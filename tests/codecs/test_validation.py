"""handler/validation.py"""

import pickle

import pytest

from django_ws.close_codes import CloseCode
from django_ws.codecs.validation import Detail, MessageValidationError, names_in
from django_ws.exceptions import InvalidMessageError

ONE = Detail("$.x", "missing")


def test_the_error_says_where_and_what_in_its_text_and_in_its_details() -> None:
    error = MessageValidationError(ONE, Detail("$.y[0]", "int_type"))
    assert isinstance(error, InvalidMessageError)
    assert error.code is CloseCode.INVALID_FRAME_PAYLOAD_DATA
    assert str(error) == "not taken: missing at $.x; int_type at $.y[0]"
    assert error.details == (ONE, Detail("$.y[0]", "int_type"))


@pytest.mark.parametrize(("count", "end"), [(3, "missing at $.x"), (4, "; and 1 more"), (100, "; and 97 more")])
def test_the_text_stays_short(count: int, end: str) -> None:
    error = MessageValidationError(*[ONE] * count)
    assert len(error.details) == count
    assert str(error).count("missing") == 3
    assert str(error).endswith(end)


def test_it_survives_being_pickled() -> None:
    error = pickle.loads(pickle.dumps(MessageValidationError(ONE)))
    assert isinstance(error, MessageValidationError)
    assert error.details == (ONE,)
    assert str(error) == "not taken: missing at $.x"


def test_names_are_found_at_any_depth_of_a_schema_and_nothing_but_names() -> None:
    schema = {
        "$defs": {"A": {"title": "T", "properties": {"a": {"type": "integer"}, "properties": {"type": "string"}}}},
        "anyOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"properties": {"c": {}}}}}],
        "properties": None,
    }
    assert names_in(schema) == {"a", "properties", "b", "c"}
    assert names_in(True) == frozenset()
