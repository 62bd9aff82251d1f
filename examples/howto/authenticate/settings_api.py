WS_MIDDLEWARE = ["howto.authenticate.middleware.api_key"]  # or ApiKeyMiddleware
