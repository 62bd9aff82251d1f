WS_BROKERS = {
    "default": {
        "BACKEND": "howto.swap.engine.MeasuredBroker",
        "LOCATION": "",
        "OPTIONS": {},
    },
}
