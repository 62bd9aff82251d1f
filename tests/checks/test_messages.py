"""checks/messages.py: each check has a hint, a row in the documentation, and a test."""

import re
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from django_ws.checks import HINTS
from django_ws.checks.messages import error_message, is_told, told, warning_message

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text("utf-8")


def test_the_page_documents_each_check_with_its_hint() -> None:
    rows = re.findall(r"^\| `django_ws\.(\w+)` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert {number: hint for number, _, hint in rows} == HINTS
    assert len(rows) == len(HINTS)


def test_each_check_has_a_test() -> None:
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    assert set(re.findall(r'"([EW]\d{3})"', "".join(texts))) == set(HINTS)


def test_an_error_that_names_what_it_is_about_needs_no_words_around_it() -> None:
    assert told("WS_X", "WS_X is wrong", ImproperlyConfigured("WS_X must be 1")) == "WS_X must be 1"
    assert told("WS_X", "WS_X is wrong", ImproperlyConfigured("no")) == "WS_X is wrong: ImproperlyConfigured: no"
    assert told("WS_X", "WS_X is wrong", ValueError("WS_X")) == "WS_X is wrong: ValueError: WS_X"


def test_only_an_error_of_configuration_may_be_told_already() -> None:
    assert is_told(ImproperlyConfigured("wrong"), ["all wrong"])
    assert is_told(ImproperlyConfigured("all wrong"), ["wrong"])
    assert not is_told(ImproperlyConfigured("lost"), ["wrong"])
    assert not is_told(ValueError("wrong"), ["wrong"])


def test_a_message_has_its_hint() -> None:
    error, warning = error_message("E001", "text"), warning_message("W001", "text")
    assert (error.msg, error.hint, error.id) == ("text", HINTS["E001"], "django_ws.E001")
    assert (warning.msg, warning.hint, warning.id) == ("text", HINTS["W001"], "django_ws.W001")
    assert error.is_serious()
    assert not warning.is_serious()
