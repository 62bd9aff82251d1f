"""What is overridden in the tests' settings for this project: ``SETTINGS`` first, then its ``APPS``."""

from pathlib import Path
from typing import Final

APPS: Final = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sites",
    "django.contrib.flatpages",
    "django.contrib.redirects",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "corsheaders",
    "debug_toolbar",
    "django_otp",
    "django_otp.plugins.otp_static",
]

# As Django's startproject writes it.
STARTPROJECT: Final = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ALLAUTH: Final = "allauth.account.middleware.AccountMiddleware"

SETTINGS: Final[dict[str, object]] = {
    "MIDDLEWARE": [*STARTPROJECT, ALLAUTH],
    "WS_MIDDLEWARE": ["django_ws.middleware.DjangoMiddleware"],
    "ROOT_URLCONF": "stacks.urls",
    "SITE_ID": 1,
    "STATIC_URL": "/static/",
    "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
    "ACCOUNT_EMAIL_VERIFICATION": "none",
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent / "templates"],
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
}
