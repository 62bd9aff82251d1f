"""checks/registering.py: each check is registered once, with its tags."""

from typing import Any

import pytest
from django.core.checks import Tags
from django.core.checks.registry import registry

from django_ws import checks
from django_ws.checks import TAG, check_origins, register_checks


def test_the_checks_have_their_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "registered_checks", set())
    monkeypatch.setattr(registry, "deployment_checks", set())
    register_checks()
    register_checks()
    # django-stubs gives a registered check a type of its own.
    registered: set[Any] = set(registry.registered_checks) | set(registry.deployment_checks)
    assert registered == {getattr(checks, name) for name in checks.__all__ if name.startswith("check_")}
    assert registry.tag_exists(TAG)
    assert [check for check in registered if Tags.security in check.tags] == [check_origins]
    deployed: set[Any] = set(registry.deployment_checks)
    assert deployed == {checks.check_deployed_topics}
