LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        "django_ws": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django_ws.access": {"level": "INFO"},  # one line for each opening, closing and refusal
    },
}
