"""Settings of the project; everything of django-ws is at its default but for what is named.

The limit on messages a second is off: it would slow each flood down before the bounds behind it are reached.
"""

import json
import os
from typing import Any

SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "resilience.site.urls"
INSTALLED_APPS = ["resilience.site"]
MIDDLEWARE: list[str] = []
WS_MIDDLEWARE = ["resilience.site.ledger.Record", "resilience.site.faulty.Door"]
WS_MESSAGES_PER_SECOND = None
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Django: the values of a database are of any type. A scenario gives them as JSON.
DATABASES: dict[str, dict[str, Any]] = {"default": json.loads(os.environ["RESILIENCE_DATABASE"])}

# One line of the log begins with its level and logger, so that entries and their tracebacks can be counted.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"django_ws": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}

# A scenario may set any of these; the names and values are JSON.
globals().update(json.loads(os.environ.get("RESILIENCE_SETTINGS", "{}")))
