WS_BROKERS = {
    "default": {
        "BACKEND": "django_ws.topics.engines.valkey.ValkeyBroker",
        "LOCATION": "redis://valkey.internal:6379/0",
    },
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://valkey.internal:6379/1",
        "OPTIONS": {"socket_timeout": 2},
    },
}

# Across all processes, by that cache.
WS_CONNECTIONS_CACHE = "default"
WS_MAX_CONNECTIONS_PER_USER = 20
