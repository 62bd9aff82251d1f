"""The app in INSTALLED_APPS."""

from django.apps import apps
from django.conf import settings
from django.test import override_settings

from django_ws.topics.engines.postgres.apps import PostgresTopicsConfig


def test_it_is_an_app_without_models() -> None:
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "django_ws.topics.engines.postgres"]):
        config = apps.get_app_config("django_ws_postgres")
        assert isinstance(config, PostgresTopicsConfig)
        assert list(config.get_models()) == []
