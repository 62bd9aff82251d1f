# The user of the session, unless the client offers a token.
WS_MIDDLEWARE = [
    "django_ws.middleware.AuthMiddleware",
    "django_ws.middleware.SignedTokenMiddleware",
]
