"""What is overridden in the tests' settings for this project."""

from typing import Final

APPS: Final = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "channels",
    "rest_framework",
    "rest_framework.authtoken",
    "ninja",
]

SETTINGS: Final[dict[str, object]] = {
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    "WS_MIDDLEWARE": ["django_ws.middleware.AuthMiddleware"],
    "ROOT_URLCONF": "interop.mysite.urls",
    "ROOT_WS_URLCONF": "interop.mysite.ws_urls",
    "CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
}
