"""The ASGI application: websockets by django-ws, everything else by Django."""

import os

from django_ws import get_websocket_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo.settings")

application = get_websocket_application()
