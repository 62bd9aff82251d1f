"""One small project for all the guides; each has its own folder, routes and tests."""

SECRET_KEY = "for the examples alone"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", "chat.example"]
INSTALLED_APPS = [
    "django_ws",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "howto.monitor",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "howto.urls"
WS_MIDDLEWARE = ["django_ws.middleware.AuthMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_TZ = True
SILENCED_SYSTEM_CHECKS = ["django_ws.W001"]  # the application of these guides is named by the tests
