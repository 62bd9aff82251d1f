import os

from .settings import *

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = [os.environ["SITE"]]
STATIC_ROOT = BASE_DIR / "static"

# nginx ends the TLS connection, and says so.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

# What is published in one worker reaches the sockets of all.
WS_BROKERS = {
    "default": {
        "BACKEND": "django_ws.topics.engines.valkey.ValkeyBroker",
        "LOCATION": os.environ["VALKEY_URL"],
    },
}
