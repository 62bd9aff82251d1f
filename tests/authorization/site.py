"""A site that several processes serve: log in, log out, and one socket for whoever is logged in."""

import os
from typing import Any

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        ROOT_WS_URLCONF="authorization.site_sockets",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django_ws",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        WS_MIDDLEWARE=["django_ws.middleware.AuthMiddleware"],
        WS_BROKERS={
            "default": {
                "BACKEND": "django_ws.topics.engines.valkey.ValkeyBroker",
                "LOCATION": os.environ["VALKEY"],
            }
        },
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    )
    django.setup()

from django.contrib import auth
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_ws import get_websocket_application


def log_in(request: HttpRequest, name: str) -> HttpResponse:
    auth.login(request, User.objects.get(username=name), "django.contrib.auth.backends.ModelBackend")
    return HttpResponse()


def log_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return HttpResponse()


def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("login/<name>/", log_in), path("logout/", log_out), path("ready/", ready)]

# What a server takes.
application: Any = get_websocket_application()
