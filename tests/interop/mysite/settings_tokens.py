"""Who it is: by the session, or else by a token of Django REST framework."""

WS_MIDDLEWARE = [
    "django_ws.middleware.AuthMiddleware",
    "interop.mysite.tokens.RestTokenMiddleware",
]
