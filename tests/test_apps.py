"""apps.py: the app is a choice, and registers the checks."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.core.checks.registry import registry
from django.core.management import get_commands
from django.template import engines
from django.test import override_settings

from django_ws.apps import DjangoWSConfig
from django_ws.checks import TAG

INSTALLED = override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "django_ws"])


@pytest.fixture(autouse=True)
def fresh_commands() -> Iterator[None]:
    """Let Django look for commands again: it remembers them."""
    # django-stubs does not know that.
    remembered: Any = get_commands
    remembered.cache_clear()
    yield
    remembered.cache_clear()


def test_nothing_is_registered_without_the_app() -> None:
    assert not registry.tag_exists(TAG)
    assert "ws_urls" not in get_commands()


@INSTALLED
def test_the_app_registers_its_checks_once() -> None:
    config = apps.get_app_config("django_ws")
    assert isinstance(config, DjangoWSConfig)
    assert registry.tag_exists(TAG)
    before = len(registry.registered_checks)
    config.ready()
    assert len(registry.registered_checks) == before


@INSTALLED
def test_the_app_brings_its_command_and_its_tag() -> None:
    assert get_commands()["ws_urls"] == "django_ws"
    backend = {"BACKEND": "django.template.backends.django.DjangoTemplates"}
    with override_settings(TEMPLATES=[backend]):
        assert engines["django"].from_string("{% load django_ws %}{{ 1 }}").render({}) == "1"


@INSTALLED
def test_the_app_hears_of_logouts() -> None:
    assert [key for key, *_ in user_logged_out.receivers if key[0] == "django_ws.authorization"]


@INSTALLED
def test_the_app_has_no_models() -> None:
    assert list(apps.get_app_config("django_ws").get_models()) == []
