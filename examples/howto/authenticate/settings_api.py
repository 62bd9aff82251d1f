WS_MIDDLEWARE = ["howto.authenticate.middleware.ApiKeyMiddleware"]
