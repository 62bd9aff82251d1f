"""Settings of the demo: what `startproject` writes, less what it does not need, WS_MIDDLEWARE and WS_BROKERS."""

import os
import warnings
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

# For the demo alone. A real project keeps its key out of the repository.
SECRET_KEY = "django-ws-demo-not-a-secret"

# Static files are served while DEBUG is on.
DEBUG = os.environ.get("DEMO_DEBUG", "1") == "1"

ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "playground",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# The same for websockets: around the whole life of a connection, the first outermost.
WS_MIDDLEWARE = [
    "django_ws.middleware.AuthMiddleware",  # request.user, by the session cookie
]

ROOT_URLCONF = "demo.urls"  # the websocket routes stand beside it, in demo/ws_urls.py
ASGI_APPLICATION = "demo.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, object]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DEMO_DATABASE", BASE_DIR / "demo.sqlite3"),
    }
}

# What carries the room of the page. In one process nothing is needed for that; serve.py starts the others.
ENGINE = os.environ.get("DEMO_ENGINE", "memory")
LOCATION = os.environ.get("DEMO_ENGINE_LOCATION", "")

WS_BROKERS = {
    "default": {
        "memory": {"BACKEND": "django_ws.topics.engines.memory.MemoryBroker"},
        "valkey": {"BACKEND": "django_ws.topics.engines.valkey.ValkeyBroker", "LOCATION": LOCATION},
        "nats": {"BACKEND": "django_ws.topics.engines.nats.NatsBroker", "LOCATION": LOCATION},
        "postgres": {"BACKEND": "django_ws.topics.engines.postgres.PostgresBroker", "LOCATION": "default"},
    }[ENGINE]
}

if ENGINE == "postgres":  # the site's own database carries the room, too
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": LOCATION,
        "NAME": "postgres",
        "USER": "postgres",
    }
    INSTALLED_APPS.append("django_ws.topics.engines.postgres")

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"

# Django's own view for static files is synchronous, and says so under every ASGI server. Here that is enough.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

LOGIN_REDIRECT_URL = "index"
LOGOUT_REDIRECT_URL = "index"
