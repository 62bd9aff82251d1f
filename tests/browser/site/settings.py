"""Settings of the project; everything of django-ws is at its default but for what a test module names.

``BROWSER_SETTINGS`` holds that, as JSON.
"""

import json
import os
from pathlib import Path

SECRET_KEY = "only for tests, in a browser"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "browser.site.urls"  # the websocket routes stand beside it
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
WS_MIDDLEWARE = ["browser.site.middleware.Noting", "django_ws.middleware.AuthMiddleware"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/home/"
LOGOUT_REDIRECT_URL = "/login/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [Path(__file__).parent / "templates"]}
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BROWSER_DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "django_ws": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "site": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}

globals().update(json.loads(os.environ.get("BROWSER_SETTINGS", "{}")))
