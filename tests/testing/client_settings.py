"""Settings of a project whose tests Django's own runner runs, in test_client_testcases.py and test_docs_testing.py."""

import json
import os
from typing import Any

SECRET_KEY = "only for tests"
ROOT_URLCONF = "testproject.urls"
ROOT_WS_URLCONF = os.environ.get("CLIENT_WS_URLCONF", "testing.client_testcases")
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
WS_MIDDLEWARE = ["django_ws.middleware.DjangoMiddleware"]
USE_TZ = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Django: the values of a database are of any type.
DATABASES: dict[str, dict[str, Any]] = {"default": json.loads(os.environ["CLIENT_DATABASE"])}
