# All of MIDDLEWARE runs around the handshake: sessions, users, your tenant, your single sign-on.
WS_MIDDLEWARE = ["django_ws.middleware.DjangoMiddleware"]
