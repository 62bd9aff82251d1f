# The user of the session, and nothing else.
WS_MIDDLEWARE = ["django_ws.middleware.AuthMiddleware"]
