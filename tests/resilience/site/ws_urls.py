"""The websocket URLconf: the ``urlpatterns`` of each module of sockets."""

import importlib
import importlib.util

from django.urls import URLPattern, URLResolver

MODULES = ("faulty", "lasting", "fuzzed", "delivery", "slow", "database")

urlpatterns: list[URLPattern | URLResolver] = []
for _name in MODULES:
    if importlib.util.find_spec(f"resilience.site.{_name}") is None:
        continue
    urlpatterns += importlib.import_module(f"resilience.site.{_name}").urlpatterns
