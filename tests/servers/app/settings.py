"""Settings of the project that the servers run; everything of django-ws is at its default but for what is named."""

import os

SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "servers.app.urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE = ["servers.app.http_middleware.Gate"]
WS_MIDDLEWARE = [
    "servers.app.middleware.Record",
    "django_ws.middleware.DjangoMiddleware",
    "servers.app.middleware.Door",
]
# Clients here come from this machine, whose addresses are otherwise not counted.
WS_UNLIMITED_ADDRESSES: list[str] = []
WS_MAX_CONNECTIONS_PER_ADDRESS = int(os.environ.get("MAX_CONNECTIONS", "1000"))
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}

# One line of the log begins with its level and logger, so that tests can count the entries and their tracebacks.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "django_ws": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "django.request": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
