LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "{asctime}{levelname}{name}{message}",
            "style": "{",
        },
    },
    "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {
        "django_ws": {"handlers": ["json"], "level": "WARNING", "propagate": False},
        "django_ws.access": {"level": "INFO"},  # each opening, closing and refusal
        "django_ws.topics": {"level": "INFO"},  # that a broker is back, too
    },
}
